# Each target makes its own .venv with nothing but python3 and pip on the machine; a second run finds it made.
PYTHON ?= python3
ENVIRONMENT ?= .venv
ARGUMENTS ?=
export PYTHON ENVIRONMENT
python = $(ENVIRONMENT)/bin/python
made = $(ENVIRONMENT)/.labelvc-
run = PATH="$(abspath $(ENVIRONMENT))/bin:$$PATH"
needs = pyproject.toml constraints.txt scripts/environment

.DEFAULT_GOAL := help
.PHONY: help demo demo-guidelines test test-long coverage lint format bench bench-peers clean
.NOTPARALLEL:

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' Makefile | expand -t 18

demo: $(made)demo ## a label change travels from a branch to an audited main, on real ratings, under demo/
	$(run) scripts/demo $(ARGUMENTS)

demo-guidelines: $(made)demo ## a pilot finds a confusion, the guideline is made clearer, a label split and another renamed, under demo-guidelines/
	$(run) scripts/demo-guidelines $(ARGUMENTS)

test: $(made)test ## every test but the long ones
	$(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGUMENTS)

test-long: $(made)test $(made)croissant ## every test, the long ones too, and laws with many more examples
	$(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "" --hypothesis-profile=long -o faulthandler_timeout=3600 $(ARGUMENTS)

coverage: $(made)test ## which lines and branches the tests reach
	$(python) -m coverage erase
	$(python) -m coverage run -m pytest $(ARGUMENTS)
	$(python) -m coverage combine --quiet
	$(python) -m coverage report

lint: $(made)lint ## format, lint, types, floors, generated files
	$(run) scripts/check

format: $(made)lint ## rewrite the sources as the formatter wants them
	$(python) -m ruff format
	$(python) -m ruff check --fix --show-fixes

bench: $(made)bench ## times and figures next to other tools, in benchmarks/RESULTS.md
	$(run) benchmarks/run $(ARGUMENTS)

bench-peers: $(made)bench ## fetch the tools that labelvc is measured against; with ARGUMENTS=oxen that one too, 670 MB
	benchmarks/get-peers $(ARGUMENTS)

clean: ## forget everything that the other targets made
	rm -rf $(ENVIRONMENT) demo demo-guidelines build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(made)%: $(needs)
	scripts/environment $*
