# Every target sets itself up: a fresh machine needs python3.11 with venv, make and git.
#
#   PYTHON       interpreter that the virtual environment is made with
#   TORCH_INDEX  package index of another build of torch, such as https://download.pytorch.org/whl/cpu
#   ARGS         further arguments of pytest, such as ARGS="-k core"
#   WORKERS      processes that share the tests, a file at a time; 0: none but pytest itself

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
ifdef TORCH_INDEX
export PIP_EXTRA_INDEX_URL := $(TORCH_INDEX)
endif
WORKERS ?= logical
SAMPLES := src/foveate/samples

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench wheel clean

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' Makefile | while IFS=: read -r name text; do printf '  make %-10s%s\n' "$$name" "$$text"; done

demo: $(VENV)/.installed-server  ## play the sample clip over a simulated uplink, device and server on this machine
	$(BIN)/foveate run $(SAMPLES)/street.mp4 --trace $(SAMPLES)/uplink.csv --policy fixed:beta=4,quality=90 --out out/demo
	@echo
	@echo "The clip is rendered and the uplink trace is synthetic; what the run left in out/demo:"
	@ls -1 out/demo | sed 's|^|  out/demo/|'

test: $(VENV)/.installed-dev  ## all tests that take minutes
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(VENV)/.installed-dev  ## soak, fuzzing and whole experiments: hours
	$(BIN)/python -m pytest -m long $(ARGS)

check: $(VENV)/.installed-dev  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev  ## speed of this machine: backbone and detector, full and mixed resolution
	$(BIN)/python benchmarks/bench_backbone.py

wheel: $(VENV)/.created  ## dist/foveate-*.whl, with the shipped weights and samples
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls -lh dist/*.whl

clean:  ## remove what was built, measured or cached here; the virtual environment stays
	rm -rf build dist out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "foveate needs Python 3.11 or newer, found none; set PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "foveate needs Python 3.11 or newer, got $$("$(PYTHON)" --version); set PYTHON=/path/to/python" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.installed-server: $(VENV)/.created pyproject.toml constraints.txt
	@echo "installing foveate[server] into $(VENV): once, some minutes"
	@$(INSTALL) --editable '.[server]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.created pyproject.toml constraints.txt requirements-oracle.txt requirements-oracle-bare.txt
	@echo "installing foveate[dev] into $(VENV): once, some minutes"
	@$(INSTALL) --editable '.[dev]' -r requirements-oracle.txt
	@$(INSTALL) --no-deps -r requirements-oracle-bare.txt
	@touch $@
