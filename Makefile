# make demo   set up, prepare the bundled dialogues, train a tiny bot, talk to it
# make test   set up, run every check (format, lint, types, doctests, tests)
# make bench  the figures of docs/benchmarks.md; needs DATA, a folder of raw dialogues

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench format clean

demo: $(VENV)/.installed
	$(BIN)/chatbot demo

test: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory check

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --doctest-modules

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev
	@test -n "$(DATA)" || { echo "make bench: give a folder of raw dialogues: make bench DATA=path" >&2; exit 2; }
	$(BIN)/python benchmarks/prepare.py --data "$(DATA)"
	$(BIN)/chatbot prepare "$(DATA)" --output runs/bench/prepared
	$(BIN)/python benchmarks/train.py --data runs/bench/prepared
	$(BIN)/python benchmarks/reply.py --data runs/bench/prepared

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# torch comes first and pinned: a looser request may bring gigabytes of CUDA packages.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
