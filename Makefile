# `make demo` and `make test` set up everything they need. A fresh machine has Python 3.11 or newer and make.

PYTHON ?= python3
BIN := .venv/bin
RUN_READY := .venv/.ready-run
DEV_READY := .venv/.ready-dev
ARGS ?=
MODEL_MINUTES ?= 2
COMPILE = PYTHONPATH=.tools $(PYTHON) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11

.PHONY: demo test check messages drill bench mutants screenshots stack lock clean help

help:
	@echo "make demo      run everything on this machine; ARGS=\"--day 20 --fresh\" passes options on"
	@echo "make test      run the tests"
	@echo "make drill     break everything that can break, and write var/drill.json; MODEL_MINUTES=60 plays the model for so long"
	@echo "make stack     run what docker-compose.yml describes, without Docker; ARGS=\"--port 9000\" takes other ports"
	@echo "make check     lint, formatting, types, import rules, lessons, catalogues"
	@echo "make messages  bring the catalogues in locales/ up to date; ARGS=--check only looks, ARGS=\"--new de\" begins one"
	@echo "make bench     measure, and write var/bench.json; ARGS=pipeline measures only that"
	@echo "make screenshots  take the pictures of README and docs anew"
	@echo "make mutants   which small faults do a module's own tests miss? ARGS=delivery.planner tries one module"
	@echo "make lock      choose the versions of all dependencies anew"
	@echo "make clean     delete .venv and what tools leave behind"

demo: $(RUN_READY)
	@exec $(BIN)/rugcourse demo $(ARGS)

test: $(DEV_READY)
	@$(BIN)/python -m tests.support.browser
	@$(BIN)/python -m tests.support.packages
	$(BIN)/pytest --durations=10 $(ARGS)

check: $(DEV_READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/rugcourse courses check
	$(BIN)/python -m tools.messages --check

messages: $(DEV_READY)
	@$(BIN)/python -m tools.messages $(ARGS)

drill: $(DEV_READY)
	@$(BIN)/python -m tests.support.browser
	$(BIN)/pytest tests/fault_injection tests/e2e/test_demo.py --drills -n 0 $(ARGS)
	PYTHONPATH=. $(BIN)/python -m tests.model --minutes $(MODEL_MINUTES)

stack: $(DEV_READY)
	@PYTHONPATH=. exec $(BIN)/python -m tools.stack $(ARGS)

bench: $(DEV_READY)
	$(BIN)/python -m bench $(ARGS)

mutants: $(DEV_READY)
	@PYTHONPATH=src:. $(BIN)/python -m tools.mutants $(ARGS)

screenshots: $(DEV_READY)
	@PYTHONPATH=src:. $(BIN)/python -m tools.screenshots

lock:
	@$(PYTHON) tools/setup.py --tools
	$(COMPILE) --extra s3 pyproject.toml -o requirements.lock
	$(COMPILE) --extra s3 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group tools -o requirements-tools.lock

clean:
	rm -rf .venv .tools dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(RUN_READY): requirements.lock requirements-tools.lock pyproject.toml
	@$(PYTHON) tools/setup.py requirements.lock
	@touch $@

$(DEV_READY): requirements-dev.lock requirements-tools.lock pyproject.toml
	@$(PYTHON) tools/setup.py requirements-dev.lock
	@touch $@ $(RUN_READY)
