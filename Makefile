# Everything runs in .venv, made on first use. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: tour test check zoo bench docs pictures clean help

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

tour: $(VENV)/base  ## set up and explain the bundled photo with the bundled classifier
	$(BIN)/linearscope tour

test: $(VENV)/dev  ## set up and run all tests
	$(BIN)/python -m pytest

check: $(VENV)/dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

zoo: $(VENV)/dev  ## interpret every model of torchvision and timm that the docs list (hours), and remake docs/models.md
	$(BIN)/python tests/zoo/zoo.py

bench: $(VENV)/dev  ## measure speed and memory side by side with the alternatives, and remake docs/benchmarks.md
	for part in speed fields materialize svd; do $(BIN)/python benchmarks/$$part.py || exit 1; done

docs: $(VENV)/docs  ## build the documentation into site/
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

pictures: $(VENV)/dev  ## remake the pictures of the README and the docs
	$(BIN)/python docs/pictures.py

clean:  ## remove what the commands made
	rm -rf $(VENV) site linearscope-tour

$(VENV)/base: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("linearscope needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=.") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable .
	touch $@

# torchvision and timm ask for builds of torch that would replace ours, so they are installed without what they ask for.
$(VENV)/dev: $(VENV)/base
	$(PIP) --no-deps torchvision==0.28.0 timm==1.0.31 captum==0.9.0
	$(PIP) huggingface_hub pyyaml tqdm
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/docs: $(VENV)/base
	$(PIP) --editable '.[docs]'
	touch $@
