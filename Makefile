# Everything that a developer or CI does, by name. Needs Go, make and git; the
# tools below are built from their pinned versions on first use and stay out of
# go.mod.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BINARY    := bin/pushworker
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# disable_grpc_modules keeps gRPC out of the Google client libraries;
# timetzdata puts the time zones into the binary, since an empty image has none.
TAGS      := disable_grpc_modules,timetzdata
FUZZTIME  ?= 30s
PLATFORMS ?= linux/amd64 linux/arm64
BENCHARGS ?=
# The race detector needs cgo, and cgo a C compiler; without one, test says so.
RACE      ?= $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.9.0
CYCLONEDX_VERSION     := v1.10.0
# Keyed by the Go version too: a linter built by an older Go refuses newer code.
GOLANGCI_LINT := $(CURDIR)/bin/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)-$(shell go env GOVERSION)

# What chat servers import and the tools that only developers run are modules of their
# own, so that a chat server inherits nothing of what the worker and they need (ADR 022).
MODULES := . pkg/push pkg/publisher bench chaos mutants pkg/plugins/internal/h2post/h2spec
# Modules of what is delivered beside the binary. Their tests take minutes, and have
# targets of their own.
TOOLS := tools/browser tools/chart tools/observe tools/release
# $(call each,COMMAND) runs a command in every module.
each = @set -eu; for m in $(MODULES); do (cd "$$m" && echo "==> $$m: $(1)" && $(1)); done
# $(call all,COMMAND) runs one in the TOOLS, too.
all = @set -eu; for m in $(MODULES) $(TOOLS); do (cd "$$m" && echo "==> $$m: $(1)" && $(1)); done
# $(call tool,NAME) builds a tool and runs it here, at the top, where it finds
# what it measures or breaks.
tool = go build -C $(1) -tags $(TAGS) -o $(CURDIR)/bin/$(1) . && bin/$(1)

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

##### Run

.PHONY: build
build: ## Build bin/pushworker, one static binary
	CGO_ENABLED=0 go build -trimpath -tags $(TAGS) -ldflags '-X main.version=$(VERSION)' -o $(BINARY) ./cmd/pushworker

.PHONY: run
run: build ## Run the worker with its own broker and the stdout handler; nothing else is needed
	@./$(BINARY) run

.PHONY: demo
demo: build ## Show the life of three receipts: acked, redelivered, buried
	@./$(BINARY) demo

.PHONY: pictures
pictures: build ## Draw docs/img/status.svg and explain.svg from what the commands print
	docs/img/terminals.sh $(BINARY)

##### Check

.PHONY: check
check: lint tidy-check test ## What a change must pass

# go test does not show why a test of a package that passes was skipped: what is missing is said before.
# build comes first because internal/packaging builds the image's binary, within
# its deadline only if the compiler has seen the code before. The packages that take
# longest come first, so that the others run beside them and not before them. At the end of each
# process the race detector would sleep for a second. Tests wait for half of their time: twice as many
# packages run as there are cores. lint runs vet.
LONGEST := ./e2e ./pkg/plugins/fcm ./internal/consumer ./internal/worker ./internal/broker/queue ./internal/device ./cmd/pushworker
.PHONY: test
test: build ## Run all tests; they start whatever they need themselves
	@$(if $(RACE),,echo 'no C compiler found: testing WITHOUT the race detector' >&2)
	@PATH="$$PATH:/usr/sbin:$$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"; \
	for p in node:nodejs python3:python3 nghttpd:nghttp2-server nginx:nginx-light initdb:postgresql; do \
		command -v $${p%:*} >/dev/null || echo "$${p%:*} not found: SKIPPING the tests that need it; apt-get install $${p#*:}" >&2; done
	@for d in e2e/foreign examples/node; do \
		test -d $$d/node_modules || echo "$$d/node_modules not found: SKIPPING the tests that need it; npm ci --prefix $$d --ignore-scripts" >&2; done
	$(call each,GORACE=atexit_sleep_ms=20 go test $(RACE) -p $$((2 * $$(getconf _NPROCESSORS_ONLN))) -vet=off -tags $(TAGS) -shuffle=on -count=1 -timeout 9m $$(test ! -d e2e || echo $(LONGEST)) ./...)

# contrib/tinode is not among MODULES: it requires all that a Tinode server does.
.PHONY: test-tinode
test-tinode: $(GOLANGCI_LINT) ## Test contrib/tinode with a real Tinode server; needs PostgreSQL (apt-get install postgresql), and Tinode's module from the network
	cd contrib/tinode && go mod tidy -diff && go vet ./... && $(GOLANGCI_LINT) run && \
		go test $(RACE) -count=1 . && go test -count=1 -timeout 20m -v ./acceptance

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint, format check included
	$(call all,$(GOLANGCI_LINT) run)

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code
	$(GOLANGCI_LINT) fmt

.PHONY: fmt-check
fmt-check: $(GOLANGCI_LINT) ## Show what fmt would change; fails if anything
	$(GOLANGCI_LINT) fmt --diff

.PHONY: vet
vet: ## Run go vet
	$(call all,go vet -tags $(TAGS) ./...)

.PHONY: tidy
tidy: ## Run go mod tidy in every module; what this one requires, the others require too
	$(call all,go mod tidy)

.PHONY: tidy-check
tidy-check: ## Show what go mod tidy would change; fails if anything
	$(call all,go mod tidy -diff)

.PHONY: vuln
vuln: ## Look for known vulnerabilities; fetches its database from the network
	$(call each,go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) -tags $(TAGS) ./...)

.PHONY: mutants
mutants: ## Break the program on purpose, one promise at a time; fails if a test does not notice; MUTANTSARGS are passed on
	$(call tool,mutants) $(MUTANTSARGS)

.PHONY: licences
licences: ## List the licences of what is in the binary in docs/licences.md; fails at one that is not allowed
	go test -count=1 -run '^TestLicences$$' ./internal/packaging -args -update-licences

.PHONY: reproducible
reproducible: ## Build HEAD twice, in two folders, with two caches; fails unless the binaries are one
	@set -eu; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	for copy in one two/deeper; do \
		mkdir -p "$$work/$$copy"; git archive HEAD | tar -x -C "$$work/$$copy"; \
		(cd "$$work/$$copy" && CGO_ENABLED=0 GOCACHE="$$work/cache-$${copy%/*}" \
			go build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '-X main.version=$(VERSION)' -o pushworker ./cmd/pushworker); \
	done; \
	sha256sum "$$work/one/pushworker" "$$work/two/deeper/pushworker"; \
	cmp "$$work/one/pushworker" "$$work/two/deeper/pushworker" && echo 'the two builds are one'

##### Measure

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each
	@set -eu; \
	targets=$$(grep -rHoE --include='*_test.go' '^func Fuzz[[:alnum:]_]+' . | sed 's/:func /:/' | sort); \
	test -n "$$targets" || { echo 'no fuzz target found' >&2; exit 1; }; \
	for t in $$targets; do \
		dir=$${t%/*}; name=$${t##*:}; \
		echo "fuzz $$dir $$name for $(FUZZTIME)"; \
		(cd "$$dir" && go test -tags $(TAGS) -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 2s .); \
	done

.PHONY: bench
bench: ## Measure against bare loops on this machine: a table, bin/bench.png; BENCHARGS are passed on
	@mkdir -p bin
	$(call tool,bench) -save bin/bench.jsonl -png bin/bench.png $(BENCHARGS)

.PHONY: bench-docs
bench-docs: ## Put the results of make bench into docs/benchmarks.md
	@mkdir -p docs/img
	$(call tool,bench) -plot bin/bench.jsonl -docs docs/benchmarks.md -png docs/img/benchmarks.png >/dev/null

.PHONY: metrics-docs
metrics-docs: ## Put the metrics that a worker exports into docs/metrics.md
	go test -count=1 -tags $(TAGS) -run '^TestMetricsPage$$' ./e2e -args -update-metrics

.PHONY: traces-docs
traces-docs: ## Put the trace of a receipt that is retried into docs/traces.md
	go test -count=1 -tags $(TAGS) -run '^TestTraceOfARetry$$' ./e2e -args -update-traces

.PHONY: handlers-docs
handlers-docs: ## Put the keys that handlers take into docs/handlers.md
	go test -count=1 -tags $(TAGS) -run '^TestHandlersPage$$' ./internal/packaging -args -update-handlers

.PHONY: chaos
chaos: ## Hold the promise against faults of every kind, a few minutes; CHAOSARGS are passed on
	$(call tool,chaos) $(CHAOSARGS)

.PHONY: chaos-long
chaos-long: ## The same with faults that last minutes, for two hours, or CHAOSARGS='-duration 8h'
	$(call tool,chaos) -long $(CHAOSARGS)

.PHONY: soak
soak: ## Look for leaks of goroutines, descriptors and memory, for half an hour or CHAOSARGS='-duration 4h'
	$(call tool,chaos) -soak $(CHAOSARGS)

.PHONY: cover
cover: ## Measure test coverage; leaves a coverage.out in each module for go tool cover -html
	$(call each,go test -tags $(TAGS) -count=1 -timeout 9m -coverpkg=./... -coverprofile=coverage.out ./...)
	$(call each,go tool cover -func=coverage.out | tail -n 1)

##### Package

.PHONY: man
man: ## Write the manual pages to dist/man
	go test -count=1 -tags $(TAGS) -run '^TestManPages$$' ./internal/cli -args -man '$(CURDIR)/dist/man'

.PHONY: sbom
sbom: ## Write what the binary is made of to dist/pushworker.cdx.json (CycloneDX)
	@mkdir -p dist
	GOFLAGS='-tags=$(TAGS)' go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION) \
		app -json -licenses -main cmd/pushworker -output dist/pushworker.cdx.json .

.PHONY: release
release: ## Build archives, deb, rpm, SBOM, notes and checksums of HEAD into dist, for PLATFORMS; a snapshot without a tag
	TAGS=$(TAGS) tools/release/release.sh $(PLATFORMS)

.PHONY: release-test
release-test: ## Build a release, and install, upgrade and remove deb and rpm in clean roots; needs root, debootstrap, rpm, systemd
	cd tools/release && TAGS=$(TAGS) go test -count=1 -timeout 30m ./...

.PHONY: docker
docker: ## Build the container image pushworker:local
	docker build --build-arg VERSION=$(VERSION) --tag pushworker:local .

.PHONY: docker-check
docker-check: ## Check Dockerfile and compose file as far as this machine can, and say how far
	go test -count=1 ./internal/packaging
	@if docker compose version >/dev/null 2>&1; then \
		docker compose config --quiet && echo 'checked: docker compose config'; \
	else echo 'NOT checked: docker compose config (no compose plugin)'; fi
	@if docker info >/dev/null 2>&1; then \
		docker build --check . && echo 'checked: docker build --check'; \
	else echo 'NOT checked: docker build --check (no engine)'; fi

.PHONY: chart-test
chart-test: ## Lint and render deploy/chart with the real helm, and decode what it renders; builds helm first
	cd tools/chart && go test -count=1 -timeout 20m ./...

.PHONY: observe-test
observe-test: ## Test alerts and dashboard with a real Prometheus through an outage; needs Debian's package prometheus
	cd tools/observe && go test -count=1 -timeout 20m ./...

.PHONY: observe-picture
observe-picture: ## Draw docs/img/outage.svg from that Prometheus
	cd tools/observe && go test -count=1 -timeout 20m -run '^TestOutage$$' . -args -picture $(CURDIR)/docs/img/outage.svg

.PHONY: browser-test
browser-test: ## Push to a real Firefox without a screen, by a push service of the test's own; needs Debian's package firefox-esr
	cd tools/browser && go test -count=1 -timeout 20m ./...

.PHONY: clean
clean: ## Remove what build and cover made; tools and broker data stay
	rm -rf $(BINARY) bin/bench bin/chaos bin/mutants dist $(MODULES:=/coverage.out)

$(GOLANGCI_LINT):
	@echo 'building golangci-lint $(GOLANGCI_LINT_VERSION); this happens once and takes some minutes' >&2
	@mkdir -p $(@D)
	GOFLAGS= GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv $(@D)/golangci-lint $@
