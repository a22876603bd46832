// Command bench measures the hot paths against a floor and writes one table.
//
// The floor is the least that a server with the same promises could do: net/http and the same database driver, one insert, one
// audit row and one outbox row a request, in one durable transaction. Ratios to it, taken in the same run, say what the
// platform costs; the absolute numbers depend on the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

type settings struct {
	each    time.Duration
	records int
	clients []int
	dir     string
}

func main() {
	out := flag.String("out", "", "write the report to this file as well")
	each := flag.Duration("each", 2*time.Second, "how long each measurement takes")
	records := flag.Int("records", 10_000, "records in the collection that is listed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "ensemble-bench")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := settings{each: *each, records: *records, clients: []int{1, 8, 64}, dir: dir}
	report, err := measure(ctx, s)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Print(report)
	if *out != "" {
		if err := os.WriteFile(filepath.Clean(*out), []byte(report), 0o644); err != nil {
			log.Print(err)
		}
	}
}

func measure(ctx context.Context, s settings) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `make bench` on %s: %s, %d cores, %s, %s.\n", time.Now().UTC().Format(time.DateOnly), cpu(), runtime.NumCPU(), memory(), runtime.Version())
	b.WriteString("\nThe load generator runs on the same cores as what it measures. Commits are durable (SQLite: WAL with synchronous=FULL; PostgreSQL: synchronous_commit=on, fsync on).\n")
	b.WriteString("Connec runs with authorisation by a real idm, audit, change feed and outbox on, over HTTP.\n")
	connec, err := measureConnec(ctx, s)
	if err != nil {
		return "", err
	}
	b.WriteString("\n## Connec over HTTP against the floor\n\n")
	b.WriteString("The floor is bare net/http with the same driver: per create one insert, one audit row and one outbox row in one transaction per request; per show one row by key; per list a filtered, sorted page of 20 by an index.\n")
	fmt.Fprintf(&b, "The list is over %d records. Where the ratio of creates is above 1, Connec's group commit outweighs what it does beside.\n\n", s.records)
	b.WriteString("| database | operation | clients | connec req/s | p50 | p99 | floor req/s | floor p50 | ratio |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range connec {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s | %s | %.2f |\n", r.database, r.operation, r.clients,
			rate(r.ours.rate), ms(r.ours.p50), ms(r.ours.p99), rate(r.floor.rate), ms(r.floor.p50), r.ours.rate/r.floor.rate)
	}
	batch, err := measureBatch(ctx, s)
	if err != nil {
		return "", err
	}
	b.WriteString("\n## Batches\n\nCreates through `POST /batch`, 100 at a time, one client.\n\n| database | records/s | per record | single create (1 client) | cheaper |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, r := range batch {
		single := find(connec, r.database, "create", 1).ours.p50
		per := time.Duration(float64(time.Second) / r.ours.rate)
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f× |\n", r.database, rate(r.ours.rate), ms(per), ms(single), float64(single)/float64(per))
	}
	hooks, err := measureWebhooks(ctx, s)
	if err != nil {
		return "", err
	}
	b.WriteString("\n## Changes to webhooks\n\nFrom the answer to the create to the receiver's handler, signed, one subscriber, SQLite. Latency at a steady trickle; throughput with a backlog.\n\n")
	fmt.Fprintf(&b, "| what | value |\n| --- | ---: |\n| latency p50 | %s |\n| latency p99 | %s |\n| deliveries/s | %s |\n", ms(hooks.p50), ms(hooks.p99), rate(hooks.rate))
	idm, err := measureIDM(ctx, s)
	if err != nil {
		return "", err
	}
	b.WriteString("\n## idm\n\nOne decision: may this session write to this collection? The floor is a bare JSON handler that decodes the same request and answers a constant.\n\n| where | clients | decisions/s | p50 | p99 | ratio to bare handler |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range idm {
		ratio := "–"
		if r.floor.rate > 0 {
			ratio = fmt.Sprintf("%.2f", r.ours.rate/r.floor.rate)
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s |\n", r.operation, r.clients, rate(r.ours.rate), us(r.ours.p50), us(r.ours.p99), ratio)
	}
	return b.String(), nil
}

type row struct {
	database, operation string
	clients             int
	ours, floor         result
}

func find(rows []row, database, operation string, clients int) row {
	for _, r := range rows {
		if r.database == database && r.operation == operation && r.clients == clients {
			return r
		}
	}
	return row{}
}

func rate(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func us(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(b)) {
		if name, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	out, _ := exec.Command("uname", "-m").Output()
	return strings.TrimSpace(string(out))
}

func memory() string {
	b, _ := os.ReadFile("/proc/meminfo")
	for l := range strings.Lines(string(b)) {
		var kb int
		if n, _ := fmt.Sscanf(l, "MemTotal: %d kB", &kb); n == 1 {
			return fmt.Sprintf("%d GiB", (kb+1<<19)>>20)
		}
	}
	return "unknown memory"
}
