# Two commands on a machine with Python 3.11 and make: `make demo` and `make test`.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
OUT ?= out/alexnet
WHEELS ?= dist

.PHONY: help demo test slow lint format lock wheel clean

help:
	@echo "make demo    train, compress, convert, verify and time AlexNet; ends with a report"
	@echo "make test    the tests (make slow adds the slow ones)"
	@echo "make lint    ruff, and cards that are up to date"
	@echo "make format  ruff format"
	@echo "make lock    write requirements/*.txt anew from pyproject.toml"
	@echo "make wheel   build the wheel into dist/"
	@echo "make clean   remove .venv, dist and out"

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
$(VENV)/locked: requirements/test.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "error: mobilenn needs Python 3.11. Type: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing requirements/test.txt into $(VENV): 3 GB on disk, a few minutes, once."
	@"$(PYTHON)" -m venv $(VENV)
	@$(PIP) install --require-hashes --compile --requirement requirements/test.txt
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	"$(PYTHON)" tools/lock.py

wheel: $(VENV)/installed
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir $(WHEELS) .

clean:
	rm -rf $(VENV) build dist out
