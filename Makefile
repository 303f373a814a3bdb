# Each target sets up what is missing first; a set-up that is in place takes a second.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-long setup-bench demo test bench dev lint test-long

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## fetch and build everything a checkout needs
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh --test

setup-long:
	@scripts/setup.sh --long

setup-bench:
	@scripts/setup.sh --bench

demo: setup ## an agent at work in sandboxes, and its whole trace
	@source scripts/node-env.sh && exec node --disable-warning=ExperimentalWarning examples/analyst/demo.ts

test: setup-test ## all tests (make test ARGS="file …" for some)
	@$(if $(ARGS),scripts/test.sh $(ARGS),scripts/test-all.sh)

test-long: setup-long ## the long forms of tests: hundreds of kills, an hour of soak (make test-long ARGS="file …" for some)
	@scripts/test-long.sh $(ARGS)

bench: setup-bench ## side-by-side benchmarks (make bench ARGS="--quick --only exec")
	@source scripts/node-env.sh && exec node --disable-warning=ExperimentalWarning bench/run.ts $(ARGS)

dev: setup ## the daemon, restarted when a source changes
	@source scripts/node-env.sh && exec node --watch --disable-warning=ExperimentalWarning packages/cli/src/main.ts serve $(ARGS)

lint: setup ## format, rules, types, drift of generated files
	@scripts/lint.sh
