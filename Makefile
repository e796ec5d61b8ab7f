# The README's commands. Python 3.11 or newer and make are all that has to be there.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test lint types imports check bench physics firmware hostile clean help

help:
	@echo "make demo   set up, then simulate, explore, train, evaluate and report (hepmass)"
	@echo "make test   set up, then run the tests"
	@echo "make check  tests, lint, types and import contracts, as CI runs them"
	@echo "make physics  set up, then make the runs of docs/physics-results.md and write it; an hour"
	@echo "make firmware  set up, then train a quantised network, write it as firmware and prove it; 20 minutes"
	@echo "make hostile  set up, then change 10,000 run folders and see what each verb makes of them (CASES=1000 for less)"
	@echo "make bench  set up with the peers, then measure; hours (make bench BENCH='training --quick' for less)"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "fivesigma needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[simulate,cluster,tune,trees,limits,firmware,hardware,onnx,test,lint]'
	@touch $@

demo: $(READY)
	$(BIN)/fivesigma run hepmass

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check src tests benchmarks studies examples
	$(BIN)/ruff format --check src tests benchmarks studies examples

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

check: lint types imports test

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
	FIVESIGMA_HOSTILE=$(or $(CASES),10000) $(BIN)/python -m pytest -n auto -v tests/hostile

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
