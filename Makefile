# `make shakespeare` and `make test` set up everything they need in .venv. On Windows, use pip: see README.md.

VENV ?= .venv
BIN = $(VENV)/bin
SECONDS_TO_TRAIN ?= 180

# The first of these that runs and is recent enough. Override with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help shakespeare test test-env lint bench compare clean

help:
	@echo 'make shakespeare  train a character LSTM on Shakespeare for three minutes and read what it writes'
	@echo 'make test         run all tests'
	@echo 'make lint         check style and types'
	@echo 'make bench        run all benchmarks of the current commit'
	@echo 'make compare      measure beside PyTorch (a large download), write the table of README.md and the plots'
	@echo 'make clean        remove the environment and caches (not what was trained)'

shakespeare: $(VENV)/.installed
	$(BIN)/fastgrok shakespeare --seconds $(SECONDS_TO_TRAIN)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-env: $(VENV)/.installed-test

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench
	$(BIN)/asv --config asv_bench/asv.conf.json machine --yes
	$(BIN)/asv --config asv_bench/asv.conf.json run --show-stderr 'HEAD^!'

# For a look at some rows: make compare COMPARE='lm-lstm --rounds 3'
COMPARE ?= --readme README.md --out asv_bench/compare/results
compare: $(VENV)/.installed-peers
	$(BIN)/python -m asv_bench.compare $(COMPARE)

clean:
	rm -rf $(VENV) build dist asv_bench/env asv_bench/html .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is written only after everything before it succeeded, so that an interrupted set-up starts over.
# `--group` came with pip 25.1; the pip that a venv begins with can be older.
$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo 'No Python 3.11 or newer found: install one, or call make PYTHON=/path/to/python'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[plot]'
	@touch $@

$(VENV)/.installed-test $(VENV)/.installed-lint $(VENV)/.installed-bench $(VENV)/.installed-peers: $(VENV)/.installed-%: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group $*
	@touch $@
