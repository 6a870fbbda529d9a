# Two commands: `make repro` runs the pipeline, `make test` tests it. Both keep their
# environment in .venv/, with the versions of constraints.txt.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
INSTALLED := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: repro test check

repro: $(INSTALLED)
	dvc repro
	@mpt tables --show

test: $(INSTALLED)
	pytest --numprocesses 2 --dist loadfile

check: $(INSTALLED)
	ruff check pipeline stages tests bench
	ruff format --check pipeline stages tests bench
	mypy

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
