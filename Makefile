PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slurm setup hpc lint lock audit-lock clean

demo: setup  ## run the main job on the demonstration study
	$(BIN)/bioanalysis run . --cores 2

test: setup  ## run all tests
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

test-slurm: hpc  ## run the tests that need a real SLURM, which is started where it can be had (Debian, root)
	$(BIN)/pytest -m slurm $(PYTEST_ARGS) tests/slurm

setup: .venv/complete  ## make .venv from the lock file

.venv/complete: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=python3.12, say"'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

hpc: setup  ## add what `bioanalysis run --profile slurm` needs; every start of the workflow is a little slower then
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-hpc.lock

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow

audit-lock: .audit/complete  ## ask whether locked packages have known vulnerabilities; fails also where it cannot be known
	.audit/bin/python .ci/audit_lock.py requirements.lock requirements-hpc.lock $(AUDIT_ARGS)

.audit/complete: .ci/audit.lock
	$(PYTHON) -m venv --clear .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/audit.lock
	touch $@

lock:  ## renew the lock (needs uv)
	uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml --output-file requirements.lock
	uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra hpc --constraint requirements.lock pyproject.toml --output-file requirements-hpc.lock
	echo 'pip-audit>=2.9,<3' | uv pip compile --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header - --output-file .ci/audit.lock

clean:
	rm -rf .venv .audit results work logs .snakemake
