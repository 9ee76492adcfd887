# Two commands do everything: `make run` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More than the cores: tests wait for servers and sockets half of their time.
WORKERS_TEST ?= 4
# In the order of the files (tests/conftest.py): the short chaos run and the review in a browser, one test each, take longest and
# are among the first. Left alone, xdist begins with the file that has most tests, and they would be last, beside idle cores.
BY_FILE := --dist loadfile --no-loadscope-reorder
# What Python compiled is kept: otherwise each process of the system, and each of the tests' workers, compiles everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: venv venv-dev run test check bench chaos doctor reset messages

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
	$(BIN)/python ops/run_tests.py -n $(WORKERS_TEST) --ignore tests/e2e -m "not whole" $(ARGS)
	$(BIN)/python ops/run_tests.py tests/e2e -n 3 $(BY_FILE)
	$(BIN)/python ops/run_tests.py -m whole -n 2 $(BY_FILE)

check: venv-dev
	$(BIN)/python ops/check.py

bench: venv-dev
	$(BIN)/python -m bench

# KILLS=50 SEED=1 BUSY=--busy
chaos: venv
	$(BIN)/python manage.py chaos --kills $(or $(KILLS),50) --seed $(or $(SEED),1) $(BUSY)

doctor:
	$(PYTHON) ops/doctor.py

reset:
	$(PYTHON) ops/reset.py
