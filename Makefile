# `make` lists the targets. Everything runs with Go alone; what else a target uses is said beside it.
GO ?= go
BIN := $(CURDIR)/bin
LINT := $(BIN)/golangci-lint
# Where the browser test leaves its screenshots.
export ENSEMBLE_ARTIFACTS ?= $(CURDIR)/artifacts

.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

.PHONY: demo
demo: ## the whole platform with a generated company, in ./ensemble-data
	$(GO) run ./refserver/cmd/ensemble demo

.PHONY: build
build: ## the server as ./bin/ensemble
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ensemble ./refserver/cmd/ensemble

.PHONY: deps
deps: ## Debian packages for the tests: PostgreSQL, Chromium (as root; elsewhere the tests that need them say so and skip)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  missing=; \
	  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	  command -v chromium >/dev/null || missing="$$missing chromium"; \
	  if [ -n "$$missing" ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing fonts-dejavu-core >/dev/null; fi; \
	fi

.PHONY: test
test: deps ## all tests: unit, conformance on SQLite and PostgreSQL, end to end, browser
	$(GO) test -timeout 20m ./...

.PHONY: race
race: deps ## the hand-written packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./authz/... ./idm ./idm/idmmem ./hub ./hub/hubmem ./connec ./connec/connecmem ./connec/connecsql ./nex ./nex/nexmem ./nex/nexproc ./impac ./impac/impacmem

.PHONY: fuzz
fuzz: ## every fuzz test for ten seconds
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p 2>/dev/null | grep ^Fuzz); do \
	  echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

.PHONY: bench
bench: deps ## measure, and write docs/benchmarks.md
	$(GO) run ./refserver/bench -out docs/benchmarks.md

.PHONY: generate
generate: ## ent clients and API packages from schemas and specs
	$(GO) generate ./ent/... ./openapi/...
	gofmt -w ent openapi

.PHONY: ui
ui: ## the console and the web components (needs Node.js and npm)
	sh refserver/ui/build.sh

.PHONY: drift
drift: generate ui ## fail if generated code or the browser bundle is not what its sources make
	@git diff --exit-code --stat -- ent openapi refserver/ui/dist impac/impacui/dist && test -z "$$(git status --porcelain -- ent openapi refserver/ui/dist impac/impacui/dist)"

$(LINT): tools/go.mod tools/go.sum
	cd tools && $(GO) build -o $(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: lint
lint: $(LINT) ## golangci-lint
	$(LINT) run --timeout 20m ./...

.PHONY: check
check: drift lint test ## what CI runs
