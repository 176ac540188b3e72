# Everything runs in .venv, made on first use. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ORACLES := .venv-oracles
# Files of tests run side by side, each process on one core: most of a test is Python, which no second core helps.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: tour studio test browser check frontend oracles zoo bench docs pictures clean help

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

tour: $(VENV)/base  ## set up and explain the bundled photo with the bundled classifier
	$(BIN)/linearscope tour

studio: $(VENV)/studio  ## set up and open the live page
	$(BIN)/linearscope studio

test: $(VENV)/dev browser  ## set up and run all tests
	$(PYTEST)

# The page is tested in Chromium. Root can install it; without it these tests are skipped, or, where
# LINEARSCOPE_BROWSER=required, fail.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get -qq update \
	&& DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends chromium fonts-dejavu; } \
	|| echo "Chromium is missing and cannot be installed here: install it to test the page."

check: $(VENV)/dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

frontend:  ## check, test and build the page; needs Node 20
	cd frontend && npm ci --ignore-scripts && npm run check && npm test && npm run build

oracles: $(ORACLES)/made  ## compare with zennit and pytorch-grad-cam, which need an environment of their own
	$(ORACLES)/bin/python -m pytest tests/oracles

zoo: $(VENV)/dev  ## interpret every model of torchvision and timm that the docs list (hours), and remake docs/models.md
	$(BIN)/python tests/zoo/zoo.py

bench: $(VENV)/dev  ## measure speed and memory side by side with the alternatives, and remake docs/benchmarks.md
	for part in speed fields materialize svd attribution relevant studio; do $(BIN)/python benchmarks/$$part.py || exit 1; done

docs: $(VENV)/docs  ## build the documentation into site/
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

pictures: $(VENV)/dev  ## remake the pictures of the README and the docs
	$(BIN)/python docs/pictures.py

clean:  ## remove what the commands made
	rm -rf $(VENV) $(ORACLES) site linearscope-tour

$(VENV)/base: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("linearscope needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=.") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) --editable .
	touch $@

$(VENV)/studio: $(VENV)/base
	$(PIP) --editable '.[studio]'
	touch $@

# torchvision and timm ask for builds of torch that would replace ours, so they are installed without what they ask for.
$(VENV)/dev: $(VENV)/base
	$(PIP) --no-deps torchvision==0.28.0 timm==1.0.31 captum==0.9.0
	$(PIP) huggingface_hub pyyaml tqdm
	$(PIP) --editable '.[dev]'
	touch $@

# zennit and grad-cam ask for other versions of torch and torchvision, so they get what is in .venv and nothing they ask
# for. They are read from a folder of their own, that .venv stays what the tests need.
$(ORACLES)/made: $(VENV)/dev
	test -x $(ORACLES)/bin/python || $(BIN)/python -m venv $(ORACLES)
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' > $$(echo $(ORACLES)/lib/python*/site-packages)/linearscope-dev.pth
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --constraint constraints.txt zennit==1.0.0 grad-cam==1.5.7 ttach==0.0.3 opencv-python-headless scikit-learn joblib threadpoolctl
	touch $@

$(VENV)/docs: $(VENV)/base
	$(PIP) --editable '.[docs]'
	touch $@
