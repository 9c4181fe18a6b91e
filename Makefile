# `make demo` and `make test` set up everything they need in .venv; nothing else is typed first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
DEMO := .venv/.cli
INSTALLED := .venv/.dev
# What the tests start besides Python. Debian's packages have the same names.
PROGRAMS := chromium

.PHONY: demo test programs check bench format clean

demo: $(DEMO)
	SESSION_STORE="$${SESSION_STORE:-sqlite:///.sessions/demo.db}" PYTHONPATH=examples \
		$(BIN)/serverless-sessions serve cart.aws_lambda:handler --port $(PORT)

test: $(INSTALLED) programs
	$(BIN)/pytest -n 2 -m "not packaging"

# Only root can install them. The tests of a program that is missing say so.
programs:
	-@which $(PROGRAMS) >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get --quiet update && \
		apt-get --quiet install --yes --no-install-recommends $(PROGRAMS); }

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
	rm -rf .venv .sessions dist artefacts

$(DEMO) $(INSTALLED): .venv/.%: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	touch $@
