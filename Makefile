# `make help` lists the targets. Everything is installed into .venv, with the exact versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UI_PORT ?= 3000
# Options of the benchmark: make bench BENCH="--tables friendly --runs 1"; BENCH=--help lists them.
BENCH ?=
AWSWRANGLER := .local/bench/awswrangler

.DEFAULT_GOAL := help
.PHONY: help install demo ui test bench check docs format clean

help:  ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## The virtual environment, in .venv

demo: install  ## Export, crawl, publish and query sample tables, with no AWS account
	$(BIN)/dynamo-assets demo

ui: install  ## The demo, then the Dagster UI on it until Ctrl-C (UI_PORT=3000)
	$(BIN)/dynamo-assets demo --ui --ui-port $(UI_PORT)

test: install  ## Every test
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

bench: install $(AWSWRANGLER)/.installed  ## The export beside its peers: speed and memory on one core, in ten minutes
	$(BIN)/python -m benchmarks $(BENCH)

check: install  ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error

docs: install  ## Renew what is made of the settings: the keys in docs/configuration.md, docs/tables.schema.json
	$(BIN)/python -m dynamo_assets.configuration.reference docs

format: install  ## Mend what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove the virtual environment and what runs left behind
	rm -rf $(VENV) .local .pytest_cache .ruff_cache .hypothesis

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
	  f"Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is {v[0]}.{v[1]}; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ui,production,sandbox,dev]'
	@touch $@

# An environment of its own; its constraints say why.
$(AWSWRANGLER)/.installed: benchmarks/awswrangler-constraints.txt | $(VENV)/.installed
	$(BIN)/python -m venv --clear $(AWSWRANGLER)
	$(AWSWRANGLER)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -c benchmarks/awswrangler-constraints.txt awswrangler
	@touch $@
