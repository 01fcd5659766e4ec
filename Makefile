# What a person types. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python that is new enough; its own check, because a pyenv shim exists for versions that are not installed.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ARGS ?=

.PHONY: help
help: ## list what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(INSTALLED) ## show the demo: street footage in, events and thumbnails out (ARGS="video.mp4 --port 8081")
	$(BIN)/winnow demo $(ARGS)

.PHONY: test
test: $(INSTALLED) services ## run all tests on real brokers and databases (ARGS="tests/unit -k spool")
	$(BIN)/python -m scripts.services run -- $(BIN)/pytest $(ARGS)

.PHONY: faults
faults: $(INSTALLED) services ## break everything in every way, at length (up to 80 minutes; SEED=… repeats the choices of a run)
	mkdir -p build/faults
	WINNOW_FAULTS=full $(BIN)/python -m scripts.services run -- $(BIN)/pytest tests/faults -v \
		--basetemp=build/faults/runs -o log_cli=true -o log_cli_level=WARNING --log-file=build/faults/log.txt --log-file-level=INFO $(ARGS)

.PHONY: faults-selftest
faults-selftest: $(INSTALLED) services ## plant known defects and see that each turns the fault tests red
	WINNOW_FAULTS=full $(BIN)/python -m scripts.services run -- $(BIN)/pytest tests/faults -v -k "planted or the_cut_is_one or history or oracle" $(ARGS)

.PHONY: fuzz-clips
fuzz-clips: $(INSTALLED) ## watch 1000 damaged recordings: nothing crashes, hangs or makes up events (10 minutes)
	$(BIN)/python -m tests.cameras.mutated_clips 1000

FUZZ_S ?= 60

.PHONY: fuzz
fuzz: $(INSTALLED) ## feed random bytes to everything that reads them, 60 s each, two at a time (FUZZ_S=600)
	printf '%s\n' batch card event jpeg receipt settings | PYTHONPATH=. xargs -P 2 -I {} $(BIN)/python -m tests.fuzz.run {} $(FUZZ_S)

.PHONY: check
check: $(INSTALLED) ## lint, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: $(INSTALLED) ## measure, and compare with the targets (ARGS="decoding detector"); report in build/bench/
	$(BIN)/python -m benchmarks --report build/bench $(ARGS)

.PHONY: bench-tools
bench-tools: ## install the Python packages that `make bench` compares with, apart from Winnow's own
	@$(if $(PYTHON),,$(no-python))
	[ -x .venv-bench/bin/python ] || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt

.PHONY: samples
samples: $(INSTALLED) ## rebuild the sample footage
	for script in sample_videos/build_*.py; do $(BIN)/python "$$script" || exit 1; done

.PHONY: services
services: ## install Mosquitto, PostgreSQL, Chromium, strace, gcc (root and apt) and Apache Kafka (Java and Maven) where missing
	@$(if $(PYTHON),$(PYTHON) -m scripts.services install,$(no-python))

AUDIT := .venv-audit
AUDITED := $(AUDIT)/.installed

.PHONY: audit
audit: $(AUDITED) ## ask a vulnerability service about every locked dependency; fails if it cannot be asked
	$(AUDIT)/bin/python -m scripts.audit audit -- $(ARGS)

.PHONY: sbom
sbom: $(AUDITED) ## write the bill of materials (CycloneDX) to build/sbom.json
	$(AUDIT)/bin/python -m scripts.audit sbom build/sbom.json

$(AUDITED): scripts/audit/requirements.lock
	@$(if $(PYTHON),,$(no-python))
	[ -x $(AUDIT)/bin/python ] || $(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.PHONY: lock
lock: $(INSTALLED) ## resolve the dependencies anew into requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock
	$(BIN)/uv pip compile scripts/audit/requirements.in --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file scripts/audit/requirements.lock

# Once, and again when what it is made from changes.
$(INSTALLED): requirements.lock pyproject.toml
	@$(if $(PYTHON),,$(no-python))
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

define no-python
	{ echo "Winnow needs Python 3.11 or later, and no python3 on the search path is. Install one, or: make PYTHON=/path/to/python3" >&2; exit 1; }
endef
