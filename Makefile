# One command sets up and runs the main job: make demo. One sets up and runs the tests: make test.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3.11
BIN := .venv/bin
# No hub, no telemetry, no compiler at run time.
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export VLLM_NO_USAGE_STATS := 1
export DS_ACCELERATOR ?= cpu
export TOKENIZERS_PARALLELISM := false

.PHONY: help setup demo test check lock bench parity clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: .venv/.ready ## install the locked CPU environment into .venv

.venv/.ready: requirements/cpu.txt pyproject.toml requirements/install.sh
	bash requirements/install.sh "$(PYTHON)" .venv
	@touch $@

demo: setup ## the whole way on simulated notes, to a report you can open
	$(BIN)/clinsynth demo

test: setup .venv/.trackers ## all tests: real DeepSpeed, real vLLM, real HTTP
	$(BIN)/pytest

.venv/.trackers: requirements/trackers.txt .venv/.ready
	$(BIN)/python -m pip --disable-pip-version-check install --no-deps --quiet -r requirements/trackers.txt
	@touch $@

check: setup ## style, types, import contracts, configs, shell scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict configs
	$(BIN)/shellcheck requirements/install.sh .ci/run configs/slurm/train.sbatch

lock: ## compile requirements/cpu.txt anew
	uv pip compile pyproject.toml --extra train --extra serve --extra eval --extra inject --extra cpu --extra dev \
		--overrides requirements/overrides.txt --python-version 3.11 --no-annotate --no-header \
		$(if $(FIND_LINKS),--find-links $(FIND_LINKS)) -q -o requirements/cpu.txt

bench: setup ## every benchmark, one after the other
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

parity: setup ## is parallel training the same training? every family at every layout, half an hour
	$(BIN)/python benchmarks/parity.py

clean: ## remove what runs leave behind, but the environment
	rm -rf runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
