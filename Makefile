# The README's commands. Python 3.11 or newer and make are all that has to be there.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test lint types imports check docs bench physics firmware hostile coverage mutants audit clean help

help:
	@echo "make demo   set up, then simulate, explore, train, evaluate and report (hepmass)"
	@echo "make test   set up, then run the tests"
	@echo "make check  tests, lint, types and import contracts, as CI runs them"
	@echo "make docs   set up, then build the documentation site with its notebooks in docs/_build/html"
	@echo "make physics  set up, then make the runs of docs/physics-results.md and write it; an hour"
	@echo "make firmware  set up, then train a quantised network, write it as firmware and prove it; 20 minutes"
	@echo "make hostile  set up, then try 100,000 changed data files, analyses, run folders, stopped commands; hours (CASES=4800 for a tenth, ONLY='files signals' for some)"
	@echo "make coverage  set up, then run the tests and print the lines and branches of each file that no test reaches; 30 minutes"
	@echo "make mutants  set up, then change the code of metrics and preparation at random and print what no test notices; 20 minutes"
	@echo "make audit  set up, then list the licences of all packages and, with a network connection, known vulnerabilities"
	@echo "make bench  set up with the peers, then measure; hours (make bench BENCH='training --quick' for less)"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "fivesigma needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[simulate,cluster,tune,trees,limits,firmware,hardware,onnx,style,test,lint]'
	@touch $@

demo: $(READY)
	$(BIN)/fivesigma run hepmass

# Tests start hundreds of processes, each of which would compile the package again where bytecode is not kept.
test: $(READY)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks studies examples
	$(BIN)/ruff format --check src tests benchmarks studies examples

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

check: lint types imports test

docs: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[simulate,limits,firmware,docs]'
	$(BIN)/python -m sphinx --quiet --fail-on-warning --builder html docs docs/_build/html
	$(BIN)/python -m studies.links docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[simulate,bench]'
	$(BIN)/python -m benchmarks $(BENCH)

physics: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[simulate,trees,limits]'
	$(BIN)/python -m studies $(PHYSICS)

firmware: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[firmware,hardware,onnx]'
	$(BIN)/python -m studies.firmware $(FIRMWARE)

hostile: $(READY)
	$(BIN)/python -m studies.hostile $(CASES) $(if $(ONLY),--only $(ONLY))

# Only the lines of this process count: files that worker processes alone reach appear as not reached.
coverage: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[mutants]'
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -q -n auto --dist loadfile --no-loadscope-reorder $(TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report $(COVERAGE)

mutants: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[mutants]'
	$(BIN)/python -m studies.mutants $(COUNT)

audit: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[audit]'
	$(BIN)/pip-licenses --order=license
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip || echo "known vulnerabilities: not checked, or found (above)"

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
