# make demo   sets up and runs the main job
# make test   sets up and checks everything
# make docs   sets up and builds the pages of docs/ into site/
# make dist-check   builds wheel and sdist, and tries both in clean places
# make matrix       tries each Python that is found, with the newest and the oldest allowed packages;
#                   WITH="3.11 torch==2.13.0+cpu": this Python and this version alone

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check collected browser docs dist-check matrix format clean

demo: $(VENV)/.run
	$(BIN)/nasir run strategy=rl space=nasdip

# three processes on two cores: some tests wait for other programs
test: $(VENV)/.test
	$(MAKE) --jobs 2 check collected browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist worksteal

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# all that is tested is compiled once, and not by each process of the tests
collected: $(VENV)/.test
	$(BIN)/python -m pytest --collect-only --quiet >/dev/null || true

# pages are tested in Chromium; root gets it from Debian, elsewhere those tests are skipped, with a line that says so
browser:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && timeout 100 apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive timeout 300 apt-get -qq install --no-install-recommends chromium; \
	} >/dev/null 2>&1 || echo "no Chromium: the tests of pages in a browser are skipped"

# a warning, such as a link that leads nowhere, fails
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs site

dist-check:
	$(PYTHON) tools/dist_check.py

matrix:
	$(PYTHON) tools/version_matrix.py $(WITH)

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[dev]"
	touch $@ $(VENV)/.run

$(VENV)/.docs: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[docs]"
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
