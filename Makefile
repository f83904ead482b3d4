# Each target makes .venv and installs on its first call, and only runs on later ones.
PYTHON ?= python3
PARITY ?=

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.PHONY: help demo test lint parity files record speed clean
.DEFAULT_GOAL := help

help:            ## show the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: $(INSTALLED) ## a model that real Keras trained, on torch; then the parity table
	$(RUN) examples/port_a_keras_model.py
	$(RUN) -m parity $(PARITY)

test: lint ## everything: lint, types, tests, parity table, model files
	$(RUN) -m pytest -n 2
	$(RUN) -m parity $(PARITY)
	$(RUN) -m parity.files

lint: $(INSTALLED) ## ruff and mypy
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

parity: $(INSTALLED) ## replay the recorded references: make parity PARITY="--layer Dense"
	$(RUN) -m parity $(PARITY)

files: $(INSTALLED) ## load, run and rewrite the model files that real Keras of each generation wrote
	$(RUN) -m parity.files

speed: $(INSTALLED) ## times against plain torch, as ratios
	$(RUN) -m parity.speed

record: $(INSTALLED) ## record the references anew, with real Keras in environments of its own
	$(RUN) -m parity.environments

clean:           ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
