# `make demo` and `make test` do all of their own set-up. What must be there: Python 3.10 or later,
# git and make. Another Python: make test PYTHON=python3.12 VENV=.venv-3.12

PYTHON ?= python3
VENV ?= .venv
# dagster-airbyte and dagster-dbt pin a version of Dagster, so they get an environment of their own.
REFERENCE ?= .venv-dagster-airbyte
ARGS ?=
# How long `make test-deep` is.
KILLS ?= 100
HISTORIES ?= 10000
BACKLOG ?= 20000
TABLES ?= 2000
HISTORIES_OF_SHARDS ?= 200
SOAK_MINUTES ?= 60
SOAK_CONNECTIONS ?= 5000

# What is compiled once serves all the processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-deep lint mypy format docs docs-serve pictures bench

help:
	@echo 'make demo    a simulated Airbyte and a real Dagster; ends by itself with ARGS=--once'
	@echo 'make test    all tests; ARGS are for pytest, such as ARGS=tests/sensors'
	@echo 'make test-deep  some hours: many more histories, kills, faults and tables, longer backlogs and soaks'
	@echo 'make lint    ruff and mypy'
	@echo 'make format  what ruff can mend by itself'
	@echo 'make docs    the documentation, in build/docs; make docs-serve shows it as you write'
	@echo 'make pictures  the pictures of the documentation, from the real UI'
	@echo 'make bench   ten minutes: what loading and ticks cost, beside Dagster alone and dagster-airbyte'

demo: $(VENV)/ready-demo
	@$(VENV)/bin/python examples/demo/watch.py $(ARGS)

test: $(VENV)/ready-browser $(REFERENCE)/ready-with-dbt
	DAGSTER_AIRBYTE_PYTHON='$(CURDIR)/$(REFERENCE)/bin/python' $(VENV)/bin/pytest $(if $(ARGS),$(ARGS),-n 3 --dist loadgroup)

test-deep: $(VENV)/ready-test
	KILLS=$(KILLS) KILL_ALL=1 MODEL_EXAMPLES=$(HISTORIES) BACKLOG=$(BACKLOG) WIDE_TABLES=$(TABLES) \
	SOAK_MINUTES=$(SOAK_MINUTES) SOAK_CONNECTIONS=$(SOAK_CONNECTIONS) \
	SHARDS_HISTORIES=$(HISTORIES_OF_SHARDS) FOLLOW_HISTORIES=$(HISTORIES_OF_SHARDS) \
	INSTANCES_HISTORIES=$(HISTORIES_OF_SHARDS) \
	EVERY_BREAK=1 FUZZ_EXAMPLES=3000 $(VENV)/bin/pytest tests/kill tests/mutations tests/production tests/model tests/soak \
	tests/sensors/test_resharding.py tests/sensors/follow/test_runs_after_made_up_histories.py \
	tests/many_workspaces/test_each_history_of_an_instance.py \
	tests/sensors/test_backlog.py tests/daemon/test_a_wide_connection.py tests/resources/test_fuzzed_answers.py -n 2 --dist loadgroup -o faulthandler_timeout=0 $(ARGS)

lint: $(VENV)/ready-dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# For .pre-commit-config.yaml, which runs ruff itself.
mypy: $(VENV)/ready-dev
	$(VENV)/bin/mypy

format: $(VENV)/ready-dev
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: $(VENV)/ready-docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict

docs-serve: $(VENV)/ready-docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs serve --livereload

# In docs/images, from Dagster's real UI in a Chromium that is on the machine already.
pictures: $(VENV)/ready-browser
	PYTHONPATH=tests $(VENV)/bin/python -W ignore -m pictures.make

bench: $(VENV)/ready-test $(REFERENCE)/ready-with-dbt
	DAGSTER_AIRBYTE_PYTHON='$(CURDIR)/$(REFERENCE)/bin/python' PYTHONPATH=tests $(VENV)/bin/python -m bench $(ARGS)

# One environment; stamps say which extras of pyproject.toml it has. Some bring others.
WITH_test = demo
WITH_browser = docs test demo
WITH_dev = browser docs test demo
$(VENV)/ready-%: pyproject.toml
	$(need_python)
	@echo 'Installing dagster-airbyte-sync[$*] into $(VENV), a minute or two the first time ...'
	@test -x $(VENV)/bin/pip || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@ $(WITH_$*:%=$(VENV)/ready-%)

$(REFERENCE)/ready-with-dbt:
	$(need_python)
	@echo 'Installing dagster-airbyte and dagster-dbt into $(REFERENCE), to test with ...'
	@test -x $(REFERENCE)/bin/pip || $(PYTHON) -m venv $(REFERENCE)
	@$(REFERENCE)/bin/pip install --quiet --disable-pip-version-check \
		'dagster-airbyte>=0.29.27,<0.30' 'dagster-dbt>=0.29.27,<0.30'
	@touch $@

define need_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo \
	'$(PYTHON) is missing or older than 3.10. Name another one: make PYTHON=python3.12' >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
	'$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt install python3-venv' >&2; \
	exit 1; }
endef
