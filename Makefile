# flashcrowd: `make demo` and `make test` set everything up by themselves and can be repeated.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# A rehearsal starts a score of Python processes: what they import is compiled once, not each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test quick lint format bench lock provision clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

setup: $(READY) prometheus alertmanager nchan faultable chromium ## the virtual environment, Prometheus, and what tests and examples break

demo: setup ## rehearse a sale on the embedded storefront (about two minutes)
	@$(BIN)/flashcrowd demo

test: setup ## all tests
	@$(BIN)/python -m pytest -n 4 --no-loadscope-reorder

quick: setup ## the tests that take seconds
	@$(BIN)/python -m pytest -m "not slow"

lint: $(READY) ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## what ruff can mend by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## every benchmark, each a ratio beside something known (half an hour)
	@for tool in wrk tsung; do \
	  command -v $$tool >/dev/null || deploy/debian-package.sh $$tool "$$tool, beside which the crowd is measured,"; done
	@for file in benchmarks/bench_*.py; do $(BIN)/python $$file; done

lock: $(READY) ## resolve the dependencies anew
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --no-header --upgrade --group dev pyproject.toml -o requirements.lock

provision: $(READY) ## write anew what deploy/compose.yaml mounts: rules, dashboards, data source
	@$(BIN)/python deploy/provision.py

clean: ## what the above have made, run directories excepted
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The environment is laid anew when the lock or the package's description changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "flashcrowd needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 4; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/debian-package.sh python3-venv "Python's venv module"
	@echo "setting up .venv (about half a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: prometheus
prometheus:
	@command -v prometheus >/dev/null && command -v promtool >/dev/null \
	  || deploy/debian-package.sh prometheus "Prometheus, which judges the SLOs,"

# Who sends its pages; where it can't be installed, they are read from Prometheus.
.PHONY: alertmanager
alertmanager:
	@command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null \
	  || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || deploy/debian-package.sh prometheus-alertmanager "Alertmanager, which sends pages," \
	  || echo "prometheus-alertmanager could not be installed; pages are read from Prometheus" >&2

# The chat of examples/nginx-nchan, which a test plays; where it can't be installed, that test says so.
.PHONY: nchan
nchan:
	@[ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || deploy/debian-package.sh libnginx-mod-nchan "nginx with nchan, the chat of an example," \
	  || echo "nginx with nchan could not be installed; all but its example works without it" >&2

# What the pages are looked at with; where it can't be installed, those tests say so.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || deploy/debian-package.sh chromium "Chromium, in which the pages are tried," \
	  || echo "chromium could not be installed; all but the tests of pages works without it" >&2

# What some kinds of faults need or are tried on; where it can't be installed, `chaos list` and the tests say so.
TRIED_ON := redis-server:redis-server nft:nftables ip:iproute2 faketime:faketime

.PHONY: faultable
faultable:
	@[ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || for pair in $(TRIED_ON); do \
	  PATH=$$PATH:/usr/sbin:/sbin command -v $${pair%%:*} >/dev/null \
	    || deploy/debian-package.sh $${pair##*:} "$${pair##*:}, which some faults are tried on," \
	    || echo "$${pair##*:} could not be installed; all but its faults works without it" >&2; done
