SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := libs/core libs/common services/market-data services/sentiment services/signal services/ml-inference \
           services/risk services/execution services/phase-activation services/paper-exchange cli
PYPROJECTS := $(addsuffix /pyproject.toml,$(MEMBERS))
DISTS := ratchet ratchet-core ratchet-common ratchet-market-data ratchet-sentiment ratchet-signal ratchet-ml-inference \
         ratchet-risk ratchet-execution ratchet-phase-activation ratchet-paper-exchange ratchet-cli
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
           $(addprefix --no-emit-package ,$(DISTS))
ARGS ?=

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.PHONY: install
install: $(VENV)/.installed ## Create .venv with everything in it, `ratchet` included

$(VENV)/.installed: requirements/dev.txt $(PYPROJECTS)
	@PYTHON="$(PYTHON)" bash infrastructure/install.sh "$(VENV)" $(MEMBERS)
	@touch $@

.PHONY: run
run: install ## Run the whole platform over real market data and print a summary (ARGS go to `ratchet up`)
	@$(BIN)/ratchet up --exit-when-done $(ARGS)

.PHONY: test
test: install ## Run every test (embedded PostgreSQL and Valkey are started by the suite)
	@$(BIN)/python -m pytest $(ARGS)

.PHONY: lint
lint: install types ## ruff, mypy, import rules, freshness of generated code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/python proto/generate.py --check

.PHONY: types
types: install ## mypy, strict on core and common
	@$(BIN)/mypy $(addsuffix /src/ratchet,$(MEMBERS)) proto/generate.py

.PHONY: format
format: install ## Format the code and apply safe fixes
	@$(BIN)/ruff check --fix -q . || true
	@$(BIN)/ruff format -q .

.PHONY: proto
proto: install ## Compile proto/ into libs/common
	@$(BIN)/python proto/generate.py

.PHONY: bench
bench: install ## Print benchmark ratios against their baselines
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: crash-matrix
crash-matrix: install ## Kill every service at every point under every fault, and compare the books (ARGS select)
	@$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: chart
chart: install ## Lint, render and validate the Helm chart
	@$(BIN)/python deploy/check_chart.py

.PHONY: lock
lock: ## Recompile the pinned requirements (needs uv)
	@$(COMPILE) $(PYPROJECTS) --group pyproject.toml:dev -o requirements/dev.txt
	@$(COMPILE) $(filter-out cli/pyproject.toml,$(PYPROJECTS)) --group pyproject.toml:build \
	  -c requirements/dev.txt -o requirements/services.txt

.PHONY: clean
clean: ## Remove the environment and the local state
	@rm -rf $(VENV) var
