# `make help` lists the targets. Everything runs in .venv, which `make setup` makes and keeps up to date.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup system-packages demo test fuzz lint bench screenshots docs

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

setup: $(VENV)/.installed ## make .venv and install the package with its extras `all` and `dev`

# Reinstalled only when what is to be installed has changed.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(None if sys.version_info >= (3, 11) else f"Python 3.11 or later is needed, and $(PYTHON) is {v}: run make with PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

system-packages: # what a Qt window needs on a machine without a display
	@bash scripts/system-packages.sh

demo: setup system-packages ## digitise a sample log and show it in napari, or in a picture without a display
	$(BIN)/python -m napari_welllog.demo --out demo-output

test: setup system-packages ## run the tests, on a virtual display where there is none (PYTEST_ARGS="-k scan")
	bash scripts/with-display.sh $(BIN)/python -m pytest $(PYTEST_ARGS)

fuzz: setup ## open 20,000 mutated files of every kind and write the table into docs/benchmarks.md
	$(BIN)/python -m tests.fuzz --write docs/benchmarks.md

lint: setup ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup ## run the benchmarks and write their tables into docs/benchmarks.md
	for script in benchmarks/[!_]*.py; do $(BIN)/python $$script --write docs/benchmarks.md; done
	$(BIN)/python benchmarks/accuracy.py --engines --write docs/benchmarks.md

screenshots: setup system-packages ## draw the pictures of the documentation again
	bash scripts/with-display.sh $(BIN)/python docs/make_screenshots.py
	$(BIN)/python docs/make_crossing_picture.py
	bash scripts/with-display.sh $(BIN)/python docs/make_crossings_screenshots.py
	bash scripts/with-display.sh $(BIN)/python docs/make_annotate_screenshots.py
	bash scripts/with-display.sh $(BIN)/python docs/make_tutorial_screenshots.py
	bash scripts/with-display.sh $(BIN)/python docs/make_train_screenshots.py
	bash scripts/with-display.sh $(BIN)/python docs/make_paper_screenshot.py

docs: setup ## build the documentation strictly into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
