# `make help` lists all targets. A newcomer needs two of them: `make demo` and `make test`.
PYTHON ?= python3
export PYTHON
# Compiled tests are kept, so that not every run compiles them again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
READY := $(VENV)/.ready
QUIETLY := --quiet --disable-pip-version-check
PIP = $(VENV)/bin/python -m pip install $(QUIETLY)
# Source distributions are built by the locked setuptools, not by the newest one.
BUILT_HERE := --no-build-isolation --use-pep517
# uv has a separate environment, so that a broken lock can be renewed.
UV_VENV := .venv-uv
UV := $(UV_VENV)/bin/uv
# Tests spend much time waiting for programs and restarts: three workers keep two cores busy.
WORKERS ?= 3
UNIT_WORKERS ?= 2
UPGRADE ?= --upgrade
ROUNDS ?= 5
# The CPU time for which `make fuzz` fuzzes each reader.
SECONDS ?= 600
UNIT_TESTS = $(VENV)/bin/python -m pytest -q -n $(UNIT_WORKERS) --dist loadfile tests/unit
# Long suites have longer time-outs than `make test`.
LONG_TESTS = $(VENV)/bin/python -m pytest -q -s -o timeout=14400 -o faulthandler_timeout=14460
GUIDED := tests/integration/test_guided_fuzz.py::test_a_reader_accepts_or_refuses_every_input
# Unit tests sync many small files, about 20 MB: in memory they do not wait for a disk.
unit coverage test-latest test-lowest: export PYTEST_DEBUG_TEMPROOT := $(firstword $(wildcard /dev/shm) $(TMPDIR) /tmp)

# The content of the Debian package, the RPM and the installer: interpreter, libraries, program.
TREE_ROOT := build/tree
TREE := $(TREE_ROOT)/usr/lib/fuel-upgrade
TREE_SOURCES = setup.py locks/runtime.txt $(shell find fuel_upgrade packaging/build-tree packaging/runtime_tree \
  -type f ! -name '*.pyc')

.PHONY: help docs deb rpm wheel demo bench bench-quick test test-packages test-exact test-power test-crash test-neighbour test-venvs test-registry test-foreign test-latest test-lowest selftest fuzz lint unit coverage format lock clean tools tools-required tools-packages

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/:/' | awk -F: '{printf "  make %-13s %s\n", $$1, $$2}'

demo: tools-required $(READY) ## Show a release from the build side to a node, with real packages
	@$(VENV)/bin/python -m demo

bench: tools-required $(READY) ## Measure all commands against tar, zstd, openssl and others, ROUNDS times (BENCH=--docs: into the docs)
	@$(VENV)/bin/python -m bench --rounds $(ROUNDS) $(BENCH)

bench-quick: tools-required $(READY) ## Measure small inputs against wide limits; belongs to `make test`
	@$(VENV)/bin/python -m bench --quick

# The slowest files come first, so that no worker gets one of them at the end.
test: tools $(READY) ## Run all tests
	@$(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  tests/crash tests/integration tests/unit

test-packages: tools $(READY) $(TREE_ROOT).ready ## Install the packages in Debian 12 and 13, and under rpm, as root
	@TREE=$(abspath $(TREE)) PYTHON=$(abspath $(VENV))/bin/python $(VENV)/bin/python -m pytest -q -s tests/packaging

test-exact: tools $(READY) ## Compare chains with full repos by the apt and dnf of Debian 12 and 13, as root
	@EXACT_APT_CASES=$${EXACT_APT_CASES:-300} EXACT_DNF_CASES=$${EXACT_DNF_CASES:-100} \
	  EXACT_SUITES="$${EXACT_SUITES:-bookworm trixie}" \
	  $(LONG_TESTS) tests/integration/test_exact_apt.py tests/integration/test_exact_dnf.py

test-power: tools $(READY) ## Cut the power of recorded disks during installs, as root
	@POWER_CUTS=$${POWER_CUTS:-100} $(LONG_TESTS) tests/crash/power

test-crash: tools $(READY) ## Kill the daemon at 500 random times, fill its disks, read repos meanwhile
	@CRASH_ROUNDS=$${CRASH_ROUNDS:-500} CRASH_INSTALLS=$${CRASH_INSTALLS:-20} CRASH_DISKS=all \
	  $(LONG_TESTS) $(wildcard tests/crash/test_*.py)

test-neighbour: tools $(READY) ## Run 50 installs and rollbacks beside a user who tries to stop them, as root
	@NEIGHBOUR_INSTALLS=$${NEIGHBOUR_INSTALLS:-50} $(LONG_TESTS) tests/crash/test_neighbours.py

test-venvs: tools $(READY) ## Kill the deployer of venvs at 500 random times, fill its disk, switch under a reader
	@VENV_KILLS=$${VENV_KILLS:-500} VENV_SWITCHES=$${VENV_SWITCHES:-100} VENV_HOSTS=$${VENV_HOSTS:-5000} \
	  $(LONG_TESTS) $(wildcard tests/crash/test_venv_*.py tests/integration/test_venv_fleet.py)

test-registry: tools $(READY) ## Load the registry with 32 clients for a minute, on SQLite and on PostgreSQL
	@REGISTRY_SECONDS=$${REGISTRY_SECONDS:-60} \
	  $(LONG_TESTS) tests/integration/test_registry_load.py

test-foreign: tools $(READY) ## Read the repos in the tests of apt, reprepro, createrepo_c, dnf and others
	@$(LONG_TESTS) tests/foreign

# The guided part stays in build/fuzz: its corpora, so that the next run begins with them, and findings.
fuzz: export FUZZ_SECONDS := $(SECONDS)
fuzz: export FUZZ_FOLDER := $(abspath build/fuzz)
fuzz: tools $(READY) ## Fuzz readers for SECONDS each (TARGET=seal: one), rules, requests and apt indexes
ifdef TARGET
	@$(LONG_TESTS) "$(GUIDED)[$(TARGET)]"
else
	@$(LONG_TESTS) -n 2 --dist load $(GUIDED)
	@EXAMPLES=$${EXAMPLES:-500} $(LONG_TESTS) -n $(UNIT_WORKERS) -m hypothesis tests/unit
	@FUZZ_CASES=$${FUZZ_CASES:-5000} $(LONG_TESTS) \
	  tests/integration/test_registry_fuzz.py tests/integration/test_daemon_fuzz.py
	@STANZA_MUTATIONS=$${STANZA_MUTATIONS:-100000} $(LONG_TESTS) tests/integration/test_apt_mutations.py
endif

deb: tools-packages $(READY) $(TREE_ROOT).ready ## Build the Debian package, in dist/
	@PYTHON=$(VENV)/bin/python packaging/build-deb $(TREE) dist

rpm: tools-packages $(READY) $(TREE_ROOT).ready ## Build the RPM, in dist/
	@PYTHON=$(VENV)/bin/python packaging/build-rpm $(TREE) dist

wheel: $(READY) ## Build the wheel and the source archive, in dist/
	@PYTHON=$(VENV)/bin/python packaging/build-wheel dist

selftest: tools $(READY) ## Let every step of an install fail with every fault, and show the table
	@$(VENV)/bin/fuel-upgrade selftest --faults --jobs 2

.PHONY: installer
installer: tools $(READY) $(TREE_ROOT).ready ## Build the installer file, in dist/
	@rm -rf build/installer-root
	@PYTHON=$(VENV)/bin/python packaging/stage-root $(TREE) build/installer-root
	@packaging/build-installer build/installer-root dist

test-latest: tools $(READY) ## Run the unit tests with the newest of every dependency
	@$(PYTHON) -m venv --clear .venv-latest
	@.venv-latest/bin/python -m pip install $(QUIETLY) --upgrade --editable '.[dev]'
	@$(UNIT_TESTS:$(VENV)/%=.venv-latest/%)

test-lowest: tools $(UV) ## Run the unit tests with the lowest dependencies that setup.py allows
	@$(PYTHON) -m venv --clear .venv-lowest
	@$(UV) pip compile --quiet --resolution lowest-direct --python .venv-lowest/bin/python \
	  --extra dev --output-file .venv-lowest/lowest.txt setup.py >/dev/null
	@.venv-lowest/bin/python -m pip install $(QUIETLY) --requirement .venv-lowest/lowest.txt
	@.venv-lowest/bin/python -m pip install $(QUIETLY) --no-deps --editable .
	@$(UNIT_TESTS:$(VENV)/%=.venv-lowest/%)

unit: $(READY) ## Run the unit tests only
	@$(UNIT_TESTS)

coverage: $(READY) ## Show which branches of the pure modules no unit test takes
	@$(VENV)/bin/coverage run -m pytest -q tests/unit tests/integration/builds
	@$(VENV)/bin/coverage report

lint: tools $(READY) ## Check style, types and the syntax of shell scripts
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy
	@for script in .ci/run .ci/system-packages fuel_upgrade/bundle/upgrade.sh packaging/stage-root \
	  packaging/build-deb packaging/build-rpm packaging/build-wheel packaging/source-date \
	  packaging/version-of packaging/files/restart-when-idle packaging/files/preinst packaging/debian/p*; do \
	  sh -n $$script || exit; done

docs: $(READY) ## Write the reference in docs/api.rst from the models of the API
	@$(VENV)/bin/python -m docs.api_reference

format: $(READY) ## Format the code
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --fix .

lock: $(UV) ## Renew the locks with the newest versions (UPGRADE= keeps versions that still fit)
	@UV=$(UV) locks/renew $(UPGRADE)

clean: ## Remove the files of all other targets
	rm -rf $(VENV) .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

tools:
	@.ci/system-packages

tools-required:
	@.ci/system-packages --required

tools-packages:
	@.ci/system-packages --packages

# Order-only on the tools: the venv needs python3-venv, but not a rebuild when the tools change.
# Rebuilt when the lock changes, because packages that left the lock must go.
$(READY): locks/build.txt locks/dev.txt setup.py | tools
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes --requirement locks/build.txt
	@$(PIP) $(BUILT_HERE) --require-hashes --requirement locks/dev.txt
	@$(PIP) $(BUILT_HERE) --no-index --no-deps --editable .
	@touch $@

$(TREE_ROOT).ready: $(TREE_SOURCES) | $(READY) tools-packages
	@echo "building $(TREE)"
	@rm -rf $(TREE_ROOT)
	@SOURCE_DATE_EPOCH=$$(packaging/source-date) $(VENV)/bin/python packaging/build-tree $(TREE_ROOT)
	@touch $@

$(UV): locks/uv.txt | tools
	@$(PYTHON) -m venv --clear $(UV_VENV)
	@$(UV_VENV)/bin/python -m pip install $(QUIETLY) --require-hashes --requirement locks/uv.txt
	@touch $@
