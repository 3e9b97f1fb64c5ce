# `make demo` and `make test` set up everything that they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# exactly the files that were tested: every one is compared with its hash
LOCKED := $(PIP) install --require-hashes -r

.PHONY: demo test test-postgres test-clickhouse image check bench trust mutants format docs lock release \
	clean help

help:
	@echo "make demo    try the bot on a sample organization, no account needed"
	@echo "make test    run the tests, on all cores"
	@echo "make test-postgres  run all tests that have a database on PostgreSQL"
	@echo "make test-clickhouse  run the tests of CLICKHOUSE_URL on ClickHouse's engine (534 MB)"
	@echo "make image   build the container image, run and check it (needs Docker or Podman)"
	@echo "make check   run the linters and the type checker"
	@echo "make bench   measure speed and size (a few minutes)"
	@echo "make trust   kill workers, make everything fail, check every time zone, and print one table"
	@echo "make mutants change the code a little, again and again: the tests must notice"
	@echo "make format  format the code"
	@echo "make docs    build the documentation in build/site, with pictures of the demo"
	@echo "make lock    write the versions and hashes of all dependencies again"
	@echo "make release build the packages, a list of their components and checksums, in dist/"
	@echo "make clean   remove everything that the other targets created"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Activity needs Python 3.11 or newer; try: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@echo "Creating a virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Activity ..."
	@$(LOCKED) constraints.txt
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run constraints-dev.txt
	@echo "Installing what the tests need ..."
	@$(LOCKED) constraints-dev.txt
	@touch $@

$(VENV)/.tools: $(VENV)/.dev constraints-tools.txt
	@echo "Installing what benchmarks, releases and the documentation need ..."
	@$(LOCKED) constraints-tools.txt
	@touch $@

demo: $(VENV)/.run
	@$(BIN)/activity demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile

# on a server that starts with them, from the folder of programs in ACTIVITY_TEST_POSTGRES if set, or
# on one that ACTIVITY_TEST_DATABASE names; SAME_ON_POSTGRES in tests/conftest.py has what is left out.
test-postgres: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile --database postgres

# without the engine, `make test` skips these
$(VENV)/.clickhouse: $(VENV)/.dev constraints-clickhouse.txt
	@echo "Installing the engine of ClickHouse ..."
	@$(LOCKED) constraints-clickhouse.txt --no-deps
	@touch $@

# another engine is installed in a folder of its own, for CHDB=chdb==3.7.2 or
# CHDB="chdb==4.4.0 chdb-core==26.1.0"
ifdef CHDB
test-clickhouse: export PYTHONPATH := $(CURDIR)/build/chdb
.PHONY: build/chdb
build/chdb: $(VENV)/.dev
	@rm -rf $@
	@$(PIP) install --target $@ $(CHDB)
test-clickhouse: build/chdb
else
test-clickhouse: $(VENV)/.clickhouse
endif
test-clickhouse:
	$(BIN)/python -m pytest -n auto --dist loadfile tests/bot/clickhouse \
		tests/bot/sync/test_pull_from_clickhouse.py
	$(BIN)/python -m pytest -n auto --dist loadfile --database postgres tests/bot/clickhouse \
		tests/bot/sync/test_pull_from_clickhouse.py

# `make test` skips these; the engine may have flags, as in ACTIVITY_TEST_ENGINE="podman --runtime runc"
image: export ACTIVITY_TEST_ENGINE ?= $(if $(shell command -v docker),docker,podman)
image: $(VENV)/.dev
	$(BIN)/python -m pytest tests/test_image.py

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m bandit -q -r -c pyproject.toml bot reports
	$(BIN)/mypy

bench: $(VENV)/.tools
	$(BIN)/python -m tests.bench

# about an hour and a half on two cores that other programs use as well; `make trust SEED=2` makes other
# random choices, `make trust PARTS="sync frozen"` does some of it
trust: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadfile --hypothesis-profile=new \
		tests/reports tests/bot/store
	$(BIN)/python -m tests.trust --seed $(or $(SEED),1) $(PARTS)

mutants: $(VENV)/.dev
	$(BIN)/python -m tests.trust.mutants

format: $(VENV)/.dev
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

docs: $(VENV)/.tools
	ACTIVITY_SCREENSHOTS=docs $(BIN)/python -m pytest -q tests/bot/demo/test_page_demo.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# `make lock` changes only what pyproject.toml asks for; `make lock UPGRADE=--upgrade` all it can.
LOCK := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE) ops/build.in pyproject.toml
lock: $(VENV)/.tools
	$(LOCK) --all-extras -o constraints-tools.txt
	$(LOCK) --extra postgres --extra dev -c constraints-tools.txt -o constraints-dev.txt
	$(LOCK) --extra postgres -c constraints-tools.txt -o constraints.txt
	$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-deps \
	    --no-annotate --no-emit-index-url --custom-compile-command 'make lock' $(UPGRADE) ops/clickhouse.in \
	    -o constraints-clickhouse.txt

# The components are those of an environment with the wheel and what it needs, and nothing else:
# setuptools only builds it. At the end the packages are installed with pipx and uvx as strangers do.
SEALED := build/installed
release: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct)
release: $(VENV)/.tools
	rm -rf build dist
	$(BIN)/python -m build
	@$(BIN)/python -m venv --without-pip $(SEALED)
	@$(PIP) --python $(SEALED)/bin/python install --require-hashes -r constraints.txt
	@$(PIP) --python $(SEALED)/bin/python uninstall --yes setuptools
	@$(PIP) --python $(SEALED)/bin/python install --no-deps dist/*.whl
	$(SEALED)/bin/activity --version
	$(BIN)/python -m cyclonedx_py environment --pyproject pyproject.toml --output-reproducible \
	    --validate --output-file dist/components.cdx.json $(SEALED)/bin/python
	cp manifest.yml dist/
	cd dist && { sha256sum * || shasum -a 256 *; } > ../build/SHA256SUMS
	mv build/SHA256SUMS dist/
	ACTIVITY_DIST=dist $(BIN)/python -m pytest tests/test_release.py tests/test_package.py
	@ls -l dist

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
