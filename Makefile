# One command to try it (make run), one to prove it (make check test).
SHELL := /bin/bash
PORT ?= 8000
SANDBOX_PORT ?= 9000
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
CODE := graph resolvers schema sandbox bench tests
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help install fmt check test run bench schema clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## Make the environment, install everything, bundle the pages
	@$(BIN)/python -m graph.pages.build

$(VENV)/installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install python3 and python3-venv"; exit 1; }
	@echo "Making the environment in $(VENV) and installing (about half a minute)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
		rm -rf $(VENV); \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; \
		else echo "venv is missing: install the package python3-venv, then run this again"; exit 1; fi; \
		$(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --editable '.[sandbox,dev]'
	@touch $@

fmt: $(VENV)/installed ## Format the code and mend what can be mended
	@$(BIN)/ruff format --quiet $(CODE)
	@$(BIN)/ruff check --fix --quiet $(CODE)

check: $(VENV)/installed ## Format, lint, types, architecture, schema and examples
	@echo "Format and lint (ruff)" && $(BIN)/ruff format --check --quiet $(CODE) && $(BIN)/ruff check --quiet $(CODE)
	@echo "Types (mypy)" && $(BIN)/mypy --no-error-summary
	@echo "Architecture (import-linter)" && $(BIN)/lint-imports --no-logo 2>&1 | tail -n 12; test $${PIPESTATUS[0]} -eq 0
	@echo "Schema and examples (motcua check)" && $(BIN)/motcua check examples/*.graphql

test: install ## Run all tests, with real servers and a real browser
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.redis_server
	@$(BIN)/python -m tests.postgresql_server
	@made=$$(mktemp -d) && { $(BIN)/pytest -n 2 --dist loadfile --basetemp=$$made/t; code=$$?; rm -rf $$made; exit $$code; }

run: install ## Start sandbox and gateway, send the first query, and stay
	@$(BIN)/motcua dev --port $(PORT) --sandbox-port $(SANDBOX_PORT) --query examples/first-query.graphql

bench: install ## Measure, side by side, and print a table
	@$(BIN)/python -m bench

schema: $(VENV)/installed ## Write schema.graphql anew
	@$(BIN)/motcua schema --write schema.graphql

clean: ## Remove what was made: environment, caches, bundled pages
	@rm -rf $(VENV) .cache graph/pages/dist bench/figures.json *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
