# Two commands do everything: `make run` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS_TEST ?= auto

.PHONY: venv venv-dev run test check bench doctor reset messages

venv: $(VENV)/.runtime
venv-dev: $(VENV)/.dev

$(VENV)/.runtime: requirements.txt ops/make_venv.py
	$(PYTHON) ops/make_venv.py $(VENV) requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt ops/make_venv.py
	$(PYTHON) ops/make_venv.py $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.runtime

run: venv
	@exec $(BIN)/python manage.py up

test: venv-dev
	$(BIN)/python ops/ensure_browser.py
	$(BIN)/python ops/ensure_pgbouncer.py
	$(BIN)/python -m pytest -q -n $(WORKERS_TEST) --ignore tests/e2e --ignore tests/whole $(ARGS)
	$(BIN)/python -m pytest -q tests/e2e
	$(BIN)/python -m pytest -q tests/whole

check: venv-dev
	$(BIN)/python ops/check.py

bench: venv-dev
	$(BIN)/python -m bench

doctor:
	$(PYTHON) ops/doctor.py

reset:
	$(PYTHON) ops/reset.py
