# The only door. On a new machine `make demo` and `make test` install what they need, once, with progress.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TOOLS := .tools/bin
BUILD := $(PYTHON) tests/controlplane/build.py --into $(TOOLS)

.PHONY: help venv tools demo test soak unit mutants check format manifests image sbom e2e bench reliability docs lock clean \
	programs namespaces engine

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

venv: .venv/.installed ## the locked environment in .venv

.venv/.installed: requirements-dev.lock pyproject.toml
	@type -P $(PYTHON) >/dev/null || { echo "make: Python 3.11 or newer is needed, and there is no $(PYTHON); set PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("make: Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + "; set PYTHON=...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "make: $(PYTHON) lacks ensurepip, which makes environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "venv: installing the locked environment into .venv (about a minute)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo "venv: ready; try $(BIN)/onepassword-operator --help"

# What tests call and a small Debian lacks; asked first, because a test that says so comes minutes later.
programs:
	@missing=""; for program in git curl; do type -P $$program >/dev/null || missing+=" $$program"; done; \
		test -z "$$missing" || { echo "make: not installed:$$missing; on Debian: apt-get install$$missing" >&2; exit 1; }

# 1Password's own operator starts as in a pod only: root can make it so, and users where the kernel lets them have mount namespaces.
namespaces:
	@test "$$(id -u)" = 0 || $(PYTHON) tests/harness/in_pod.py /bin/true || { \
		echo "make: tests/dropin needs a mount namespace: run as root, or allow users to make them (sysctl user.max_user_namespaces," \
			"on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0)" >&2; exit 1; }

# A Docker Engine that answers: the one that runs, or one started here; asked for before anything is built.
engine:
	@$(PYTHON) tests/e2e/engine.py >/dev/null

tools: ## the control plane, 1Password's own programs, and the tools of the gates, in .tools; other targets build their part of them
	@$(BUILD)

demo: venv ## the main job, shown on a real API server; KEEP=1 leaves it running
	@$(BUILD) --parts control-plane
	@$(BIN)/python demo/tour.py $(if $(KEEP),--keep)

test: programs namespaces venv ## all tests but those of `make check` and `make e2e`, on a real control plane where they need one
	@$(BUILD) --parts control-plane chart peers
	@TEST_PATIENCE=$${TEST_PATIENCE:-3} $(BIN)/python -m pytest -n 4 --dist worksteal --ignore tests/gates --durations=10

soak: venv ## the long ones: random walks, generated requests, and replicas under churn for half an hour; writes docs/soak.md
	@$(BUILD) --parts control-plane chart peers
	@$(BIN)/python -m pytest -q -n 2 -m soak tests
	@RANDOM_WALKS=20 $(BIN)/python -m pytest -q -n 2 tests/cluster/test_random_walk.py
	@SCHEMATHESIS_ROUNDS=8 $(BIN)/python -m pytest -q -n 2 tests/contract/test_schemathesis.py
	@rm -f docs/soak.md
	@CHURN_SECONDS=900 FAILOVERS=20 CHURN_PAGE=docs/soak.md $(BIN)/python -m pytest -q -s -p no:randomly tests/cluster/test_replica_churn.py

unit: programs venv ## the unit tests only, with coverage
	@$(BIN)/python -m pytest -q tests/unit tests/architecture --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

mutants: programs venv ## change the rules bit by bit, and see that a unit test notices; ONLY=rules/secret for a part of them
	@nice $(BIN)/python tests/mutation/run.py $(ONLY)

check: programs venv ## format, lint, types, import contracts, budgets; chart, manifests, Dockerfile, workflows; secrets
	@$(BUILD) --parts chart gates
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python release/manifests.py --check
	@$(BIN)/python -m pytest -q -n 2 tests/architecture tests/gates tests/chart/test_values.py tests/chart/test_objects.py

format: venv ## format and fix what can be fixed
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

manifests: venv ## write crds/ and deploy/ from the chart, and the chart's schema and README from its values
	@$(BUILD) --parts chart
	@$(BIN)/python release/chart_values.py
	@$(BIN)/python release/manifests.py

image: venv ## build the image onepassword-operator:VERSION; BASE=... takes another base
	@$(BIN)/python release/image.py $(if $(BASE),--base $(BASE))

sbom: venv ## write dist/sbom.cdx.json, the bill of materials
	@$(BUILD) --parts gates
	@$(BIN)/python release/bill_of_materials.py

e2e: engine programs venv ## image and chart on a kind cluster; needs Docker, or root on Debian
	@$(BUILD) --parts control-plane chart kind
	@$(BIN)/python tests/e2e/run.py

bench: programs venv ## measure, and write docs/performance.md; QUICK=1 for minutes, ONLY=cold,idle, PEER=.tools/bin/official-operator
	@$(BUILD) --parts control-plane peers
	@$(BIN)/python bench/run.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY)) $(if $(SIZES),--sizes $(SIZES)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(CONTENDER),--contender $(CONTENDER)) $(if $(ADD),--add) \
		$(if $(PEER),--peer "$(PEER)") $(if $(PEER_VERSION),--peer-version "$(PEER_VERSION)")

reliability: venv ## run the operator under every fault, and write docs/reliability.md
	@$(BUILD) --parts control-plane
	@RELIABILITY_PAGE=docs/reliability.md $(BIN)/python -m pytest -q -p no:randomly tests/faults/test_client_faults.py \
		tests/faults/test_neighbours.py tests/faults/test_large_secrets.py tests/faults/test_moving_titles.py \
		tests/faults/test_mutating_webhook.py

docs: venv ## write the pages that are made from the code
	@PYTHONPATH=operator $(BIN)/python tests/contract/settings_page.py > docs/settings.md
	@PYTHONPATH=operator $(BIN)/python tests/contract/metrics_page.py > docs/metrics.md

lock: venv ## resolve the dependencies anew (names no registry, so the ordinary configuration applies)
	@test -x .tools/uv/bin/uv || { $(PYTHON) -m venv .tools/uv && .tools/uv/bin/pip install --quiet uv==0.13.8; }
	@.tools/uv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements.lock
	@.tools/uv/bin/uv pip compile pyproject.toml --group dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-dev.lock
	@for client in python_client schemathesis_client dlt_client; do .tools/uv/bin/uv pip compile tests/contract/$$client/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o tests/contract/$$client/requirements.lock; done
	@npm="$$($(BUILD) --npm)"; cd tests/contract/js_client; \
		"$$npm" install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund --loglevel=error >/dev/null
	@.tools/uv/bin/uv pip compile tests/gates/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o tests/gates/requirements.lock
	@echo pip | .tools/uv/bin/uv pip compile - --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o release/pip.lock

clean: ## remove the environment, the tools and caches
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache .mutants_cache dist
