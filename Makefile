# `make demo` and `make test` set up everything they need in .venv; nothing else is typed first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
INSTALLED := .venv/.installed
PYRIGHT_VERSION := 1.1.414
PYRIGHT := .make/pyright-$(PYRIGHT_VERSION)/node_modules/pyright/index.js

.PHONY: demo test check bench format clean

demo: $(INSTALLED)
	SESSION_STORE="$${SESSION_STORE:-sqlite:///.sessions/demo.db}" PYTHONPATH=examples \
		$(BIN)/serverless-sessions serve cart.aws_lambda:handler --port $(PORT)

test: $(INSTALLED)
	$(BIN)/pytest -n 2 -m "not packaging"

check: $(INSTALLED) $(PYRIGHT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	node $(PYRIGHT)
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

$(PYRIGHT):
	npm install --prefix .make/pyright-$(PYRIGHT_VERSION) --no-save --no-package-lock \
		--no-audit --no-fund --omit=optional pyright@$(PYRIGHT_VERSION)
