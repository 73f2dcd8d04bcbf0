# Two commands on a machine with Python 3.11 and make: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/alexnet

.PHONY: demo test slow lint format lock wheel clean help

help:
	@echo "make demo    train, compress, convert, verify and time AlexNet; ends with a report"
	@echo "make test    the tests (make slow adds the slow ones)"
	@echo "make lint    ruff, and cards that are up to date"
	@echo "make format  ruff format"
	@echo "make lock    write requirements/*.txt anew from pyproject.toml"
	@echo "make wheel   build the wheel into dist/"

demo: $(VENV)/installed
	$(BIN)/mobilenn run alexnet --out $(OUT)

test: $(VENV)/installed
	$(BIN)/python -m pytest

slow: $(VENV)/installed
	$(BIN)/python -m pytest --slow

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/cards.py --check

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# pip checks every hash of the lock, and compiles bytecode, which halves the start of TensorFlow.
$(VENV)/installed: requirements/test.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: mobilenn needs Python 3.11. Type: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --progress-bar off --require-hashes --compile -r requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	$(BIN)/python tools/lock.py

wheel: $(VENV)/installed
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist out
