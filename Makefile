# make test     everything that CI runs
# make quick    what go alone can do, without the race detector
# make fuzz     each fuzz target for a while (FUZZTIME=1m)
# make ledger   every send accounted for, while everything fails; on both stores
# make race-all the tests with every access watched, also those of SQLite's own code
# make race-long  the storm on the client door, for minutes (STORM=3m)
# make perf     the figures of docs/performance.md
# make lint     vet, staticcheck, gofmt
# make web      the pages: builds web/ into the files that are committed

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.7.0
FUZZTIME ?= 30s
STORM ?= 3m

# The race detector watches everything but SQLite and its C library: C that a
# program made Go of, which guards itself and takes seven times as long when each
# of its accesses is watched. The driver over it is watched.
RACE = -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false

# Many tests wait, for disks, processes and pages, so more of them run side by side
# than there are processors.
BESIDE = -p 3 -parallel 4

.PHONY: test quick lint fuzz perf ledger race-all race-long web web-check setup

test: setup lint web-check
	PARLEY_TEST_BROWSER=1 go run ./internal/pgtest/with go test $(RACE) $(BESIDE) -timeout 11m ./...

quick:
	go test ./...

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

# What is interesting is made smaller for a second each: many targets do things in
# the background, so that their coverage never settles, and by default the engine
# would go on for a minute, which looks as if the target stood still.
fuzz:
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg || exit 1; \
		done; \
	done

ledger: setup
	PARLEY_E2E_LONG=1 go run ./internal/pgtest/with go test -count=1 -v -timeout 25m -run '^TestLedger|^TestTheLedger' ./e2e/

race-all: setup
	PARLEY_TEST_BROWSER=1 go run ./internal/pgtest/with go test -race -count=1 -timeout 30m ./...

race-long:
	PARLEY_STORM=$(STORM) go test $(RACE) -count=1 -v -timeout 30m -run Storm ./internal/live/

perf: setup
	@./scripts/setup perf
	go build -o bin/parley ./cmd/parley
	go run ./perf -parley bin/parley
	go run ./perf -parley bin/parley -store postgres
	go run ./perf -parley bin/parley -mode isolation
	go run ./perf -parley bin/parley -mode backlog
	go run ./perf -parley bin/parley -mode clients

web: setup
	@./scripts/web-check fix

web-check: setup
	@./scripts/web-check

setup:
	@./scripts/setup
