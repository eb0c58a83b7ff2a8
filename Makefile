PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
JOBS ?= auto
# Where the environment asks for no bytecode, every process would compile everything anew.
PYTEST = env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

.PHONY: help demo test pytest rewritten soak mutants bench lint lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## a local Slack and a local AWS in the browser, the bot between them
	@exec $(BIN)/prodaccess demo $(ARGS)

test: $(VENV)/.dev ## every test, linters and types included
	@$(MAKE) --no-print-directory -j2 lint rewritten
	@$(MAKE) --no-print-directory pytest

pytest: $(VENV)/.dev ## the tests alone; ARGS="-k name" narrows them
	@$(BIN)/python -m compileall -q bot tests  # once, and not in each of the processes that the tests start
	$(PYTEST) -n $(JOBS) --dist worksteal $(ARGS)

rewritten: $(VENV)/.dev
	@$(PYTEST) --collect-only -q $(ARGS) >/dev/null || true  # pytest keeps the assertions that it wrote anew

soak: $(VENV)/.dev ## a million simulated histories; ARGS="--histories 50000 --first 7000000" for others
	$(BIN)/python -m tests.simulation $(ARGS)

mutants: $(VENV)/.dev ## take out one protection after the other; the tests must notice each; ARGS="--only NAME" for some
	$(BIN)/python -m tests.mutants $(ARGS)

lint: $(VENV)/.dev ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## what it costs on this machine; ARGS="burst --quick" narrows it
	$(BIN)/python -m tests.benchmarks $(ARGS)

lock: $(VENV)/.dev ## resolve the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--extra build --extra lint --extra sandbox pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--extra test pyproject.toml -o requirements-dev.lock

clean: ## remove what the other targets made, the demo's data included
	rm -rf .venv .venv-3.13 .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis test-output

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "prodaccess needs Python 3.11 or newer; none was found on PATH. Set PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "prodaccess needs Python 3.11 or newer; PYTHON=$(PYTHON) is not. Set PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make a virtual environment; install its venv package (Debian: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.demo
