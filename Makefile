# Each target sets up what it needs in .venv; nothing is installed outside of it.
PYTHON ?= python3
BIN := .venv/bin
PLUGINS := fluxprompt promptitude flowgent flowise
EDITABLE := $(foreach plugin,$(PLUGINS),-e plugins/$(plugin))
SOURCES := src plugins tests cassettes tools benchmarks docs/conf.py conftest.py
DIFY := examples/agentbridge-dify
STRANGER := .venv/stranger
DECLARED := pyproject.toml constraints.txt $(foreach plugin,$(PLUGINS),plugins/$(plugin)/pyproject.toml)
# The suite starts hundreds of processes: they need not compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

FUZZ_SECONDS ?= 30

ROUNDS ?= 5

.PHONY: demo demo-migrate test thorough test-live test-heavy soak fuzz pitfalls mutants bench bench-check build check docs test-docs install format clean help

demo: .venv/.runtime          ## one invocation to four vendors, on embedded emulators
	@$(BIN)/agentbridge demo

demo-migrate: .venv/.runtime  ## 200 conversations moved from one emulated vendor to another, killed half-way, and what changed
	@$(BIN)/agentbridge migrate demo

test: .venv/.dev .venv/.stranger   ## all tests; they never leave the loopback interface
	@$(BIN)/python -m pytest -n 2
	@$(STRANGER)/bin/python -m pytest --confcutdir=. $(DIFY)

test-live: .venv/.dev         ## the real Flowise, installed by npm, and all that is promised of it; not part of `test`
	@PYTHON=$(CURDIR)/$(BIN)/python tests/live/flowise_server/with.sh $(BIN)/python -m pytest tests/live -n 4

test-heavy: .venv/.heavy      ## what needs more than Python: a Ray cluster on loopback, and the report in Chromium (`apt-get install chromium`); not part of `test`
	@$(BIN)/python -m pytest tests/heavy

fuzz: .venv/.fuzz             ## every parser of a stranger's bytes, FUZZ_SECONDS each, guided by coverage; not part of `test`
	@$(BIN)/python tests/fuzz/run.py $(FUZZ_SECONDS)

thorough: .venv/.dev          ## all tests, with many more random inputs and damages; not part of `test`
	@THOROUGH=1 $(BIN)/python -m pytest -n 2

soak: .venv/.dev              ## ten thousand calls of every outcome, over every library; not part of `test`
	@SOAK_SCALE=5 $(BIN)/python -m pytest tests/lifecycle/test_soak.py

pitfalls: .venv/.dev          ## each handling of a pitfall taken away, and its test seen to fail; not part of `test`
	@$(BIN)/python tests/pitfalls/remove.py

bench: .venv/.bench           ## what it costs against plain httpx; ROWS="sync_call stream" measures some; not part of `test`
	@$(BIN)/python -m benchmarks $(ROWS) --rounds $(ROUNDS)

bench-check: .venv/.bench     ## the same, failing where a budget is missed by more than the noise
	@$(BIN)/python -m benchmarks $(ROWS) --rounds $(ROUNDS) --check

build: .venv/.dev             ## wheels and sdists of the core and the plugins, in dist/
	@rm -rf dist
	@for project in . $(addprefix plugins/,$(PLUGINS)); do (cd $$project && $(CURDIR)/$(BIN)/python -m hatchling build -t sdist -t wheel -d $(CURDIR)/dist) || exit 1; done

mutants: .venv/.mutants       ## do the tests of what reads answers notice a change of it? MODULES of tools/mutation/modules.toml, or all; not part of `test`
	@$(BIN)/python tools/mutation/run.py $(MODULES)

check: .venv/.dev             ## no key in the tree, ruff, mypy --strict, import-linter
	@$(BIN)/python tools/scan_secrets.py
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

docs: .venv/.docs             ## the site, into docs/_build/html; a warning is an error, and so is a link that leads nowhere
	@.venv/docs/bin/python -m sphinx -b html -c docs -d docs/_build/doctrees -E -a -q -n -W --keep-going . docs/_build/html
	@echo "docs/_build/html/index.html"

test-docs: .venv/.docs        ## the recipes of the site that need a library of their own; all others run in `test`
	@DOCS_LIBRARIES=1 .venv/docs/bin/python -m pytest tests/docs -k "recipes or libraries or environment_of_the_docs"

install: .venv/.dev           ## everything, editable, into .venv

format: .venv/.dev            ## what ruff mends by itself, and the layout
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agentbridge needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv .venv

.venv/.runtime: .venv/bin/python $(DECLARED)
	@echo "setting up .venv ..."
	@$(PIP) -e '.[cli,emulator]' $(EDITABLE)
	@touch $@

# All at once, built by one hatchling instead of by one for each distribution.
.venv/.dev: .venv/bin/python $(DECLARED)
	@echo "setting up .venv with the development tools ..."
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation -e '.[cli,emulator,httpx2,aiohttp,email,otel,dev]' $(EDITABLE)
	@touch .venv/.runtime $@

.venv/.heavy: .venv/.dev
	@echo "adding Ray and Arrow ..."
	@$(PIP) -e '.[ray]'
	@touch $@

.venv/.fuzz: .venv/.dev
	@$(PIP) -e '.[fuzz]'
	@touch $@

# Both sides of the bench, each as its users install it, in an environment of its own.
.venv/.bench: .venv/bin/python $(DECLARED)
	@echo "setting up the environments of the bench ..."
	@$(PYTHON) -m venv .venv/bench
	@.venv/bench/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[httpx2,aiohttp]' -e plugins/flowise
	@$(PYTHON) -m venv .venv/bench-raw
	@.venv/bench-raw/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt httpx==0.28.1
	@touch $@

.venv/.docs: .venv/bin/python $(DECLARED)
	@echo "setting up the environment of the docs ..."
	@$(PYTHON) -m venv .venv/docs
	@.venv/docs/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cli,emulator,docs]' $(EDITABLE)
	@touch $@

.venv/.mutants: .venv/.dev
	@$(PIP) -e '.[mutation]'
	@touch $@

# A plugin of somebody else's, from its built wheel, in an environment that knows nothing of this folder.
.venv/.stranger: .venv/.dev $(wildcard $(DIFY)/pyproject.toml $(DIFY)/src/*/*.py src/agentbridge/*.py src/agentbridge/*/*.py)
	@echo "installing the wheel of $(DIFY) ..."
	@rm -rf $(STRANGER) .venv/wheels
	@$(PYTHON) -m venv --without-pip $(STRANGER)
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir .venv/wheels . $(DIFY)
	@$(BIN)/python -m pip --python $(STRANGER)/bin/python install --quiet --disable-pip-version-check -c constraints.txt pytest hypothesis \
		"$$(ls .venv/wheels/agentbridge_core-*.whl)[cli,emulator]" "$$(ls .venv/wheels/agentbridge_dify-*.whl)[emulator]"
	@touch $@

help:                         ## what each of these does
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

clean:                        ## takes away .venv, caches and what was built
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
