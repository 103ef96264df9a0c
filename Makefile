# The only door. On a new machine `make demo` and `make test` install what they need, once, with progress.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TOOLS := .tools/bin

.PHONY: help venv tools demo test soak unit check format bench reliability docs lock clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

venv: .venv/.installed ## the locked environment in .venv

.venv/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=...") if sys.version_info < (3, 11) else None'
	@echo "venv: installing the locked environment into .venv (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo "venv: ready; try $(BIN)/onepassword-operator --help"

tools: ## the control plane, the official Connect clients and 1Password's own operator for the tests, in .tools
	@$(PYTHON) tests/controlplane/build.py --into $(TOOLS)

demo: venv tools ## the main job, shown on a real API server; KEEP=1 leaves it running
	@$(BIN)/python demo/tour.py $(if $(KEEP),--keep)

test: venv tools ## all tests, on a real control plane where they need one
	@TEST_PATIENCE=$${TEST_PATIENCE:-3} $(BIN)/python -m pytest -q -n 4 --dist worksteal

soak: venv tools ## the long ones: twenty random walks over everything that may be edited
	@RANDOM_WALKS=20 $(BIN)/python -m pytest -q -n 2 tests/cluster/test_random_walk.py

unit: venv ## the unit tests only, with coverage
	@$(BIN)/python -m pytest -q tests/unit tests/architecture --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

check: venv ## format, lint, types, import contracts, budgets
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/architecture

format: venv ## format and fix what can be fixed
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: venv tools ## measure, and write docs/performance.md; QUICK=1 for minutes, ONLY=cold,idle, PEER=.tools/bin/official-operator
	@$(BIN)/python tests/bench/run.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(CONTENDER),--contender $(CONTENDER)) $(if $(ADD),--add) \
		$(if $(PEER),--peer "$(PEER)") $(if $(PEER_VERSION),--peer-version "$(PEER_VERSION)")

reliability: venv tools ## run the operator under every fault, and write docs/reliability.md
	@RELIABILITY_PAGE=docs/reliability.md $(BIN)/python -m pytest -q -p no:randomly tests/faults/test_client_faults.py

docs: venv ## write the pages that are made from the code
	@PYTHONPATH=operator $(BIN)/python tests/contract/settings_page.py > docs/settings.md

lock: venv ## resolve the dependencies anew (names no registry, so the ordinary configuration applies)
	@test -x .tools/uv/bin/uv || { $(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv==0.13.8; }
	@.tools/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements.lock
	@.tools/uv/bin/uv pip compile pyproject.toml --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-dev.lock
	@.tools/uv/bin/uv pip compile tests/contract/python_client/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o tests/contract/python_client/requirements.lock

clean: ## remove the environment, the tools and caches
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache dist
