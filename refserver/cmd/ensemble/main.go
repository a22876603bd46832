// Command ensemble is the reference server and its tools. Try: ensemble demo
package main

import (
	"os"

	"github.com/ensemble-platform/ensemble/refserver/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
