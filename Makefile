# The two commands: `make demo` and `make test`. `make help` lists the others.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
MODEL ?= flight_delay
TEST_PROCESSES ?= 2
BENCH ?= chain evidence shadow flights first_release drift snapshots estimates promotions approvals reproduce replay
BIN := .venv/bin
LOCKS := requirements.txt requirements/demo.txt
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins

.PHONY: help setup setup-dev demo up env down status test lint bench docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed ## Build the environment from the lock files

.venv/installed: $(LOCKS) requirements/uv.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Python %d.%d found; Nightshift needs 3.11, 3.12 or 3.13. Name one: make setup PYTHON=python3.12" % v)'
	@echo "building the environment in .venv (about 250 packages)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install --python $(BIN)/python --require-hashes $(addprefix -r ,$(LOCKS)) \
	  || $(BIN)/pip install --require-hashes $(addprefix -r ,$(LOCKS))
	@touch $@

setup-dev: .venv/installed-dev

.venv/installed-dev: .venv/installed requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt \
	  || $(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

demo: setup ## From nothing to a released model, both web UIs open (MODEL=flight_delay)
	@./nightshift demo $(MODEL)

up: setup ## Start the services
	@./nightshift up

env: ## Write .env with fresh secrets, for docker compose (DEMO=1: with the examples' data)
	@$(PYTHON) -m include.local.env_file $(if $(DEMO),DEMO=$(DEMO))

down: setup ## Stop the services; what they stored stays
	@./nightshift down

status: setup ## Champion, last verdict, drift, health
	@./nightshift status

test: setup-dev ## Run every test
	@$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --no-loadscope-reorder

lint: setup-dev ## Style, types and the walls between rooms
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: setup-dev ## Measure what the documents claim, in an hour or two (BENCH="chain evidence")
	@for one in $(BENCH); do echo "== benchmarks.$$one"; $(BIN)/python -m benchmarks.$$one || exit 1; done

docs: setup-dev ## Make the reference pages again
	@$(BIN)/python -m include.config.reference > docs/models.md
	@$(BIN)/python -m include.cli schema > docs/model.schema.json
	@AIRFLOW_HOME=$$(mktemp -d) $(BIN)/python -m nightshift.reference > docs/dags.md

lock: setup-dev ## Resolve the lock files again
	@$(COMPILE) requirements.in -o requirements.txt
	@$(COMPILE) requirements/demo.in -o requirements/demo.txt
	@$(COMPILE) requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt

clean: down ## Stop the services and remove everything they stored
	@state="$${NIGHTSHIFT_STATE:-.nightshift}"; if [ -e "$$state/run/ports.json" ]; then rm -rf "$$state" && echo "removed $$state"; fi
