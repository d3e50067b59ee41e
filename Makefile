# Every command first sets up what it needs; only Python >= 3.11 must be there beforehand. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python that is new enough; PYTHON=... chooses another one.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
BIN := .venv/bin

# demo, run and trace
BOOKS ?= 1000
FAULTS ?= 2
# run
HOST ?= devhost
PORT ?= 0
SAMPLE ?= 1
STATE ?= .
# test: more options for pytest, for example PYTEST_ARGS="-k singleton"
PYTEST_ARGS ?=
# smoke
URL ?= http://127.0.0.1:7071
KEY ?=
# growth
PAGES ?= 1000
# prove-fuzz
SECONDS ?= 60
READERS ?=

# Every target is a command: none makes a file of its name.
.PHONY: $(shell sed -nE 's/^([a-z0-9-]+):.*/\1/p' Makefile)

help: ## list these commands
	@sed -nE '/^prove-/d; s/^([a-z0-9-]+):.*## /  make \1\t/p' Makefile | expand -t 26
	@printf '\nLong proofs:\n'
	@sed -nE 's/^(prove-[a-z0-9-]+):.*## /  make \1\t/p' Makefile | expand -t 26

setup: ## .venv, Node if there is none, and Azurite (PYTHON=python3.12 chooses the interpreter)
	@$(PYTHON) -m scripts.setup

browser: setup ## a Chromium for the tests of the dashboard: CHROMIUM=path, or on PATH, else installed
	@$(BIN)/python -m scripts.chromium

demo: setup ## one daily scrape of the sample site, start to end (BOOKS=1000 FAULTS=2)
	@$(BIN)/python -m scripts.demo --books $(BOOKS) --faults $(FAULTS)

run: setup ## Azurite, sample site and host until Ctrl-C (HOST=func PORT=7071 SAMPLE=0 STATE=folder)
	@$(BIN)/python -m scripts.run --host $(HOST) --port $(PORT) --sample $(SAMPLE) \
		--books $(BOOKS) --faults $(FAULTS) --state $(STATE)

test: setup browser ## unit, integration and end-to-end tests (PYTEST_ARGS="-k singleton")
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m "not bench and not long" -n auto --dist worksteal $(PYTEST_ARGS)

test-e2e: setup ## end-to-end tests only; with HOST=func those that fit Core Tools, under them
	@HOST=$(HOST) $(BIN)/python -m pytest -m "not bench and not long" tests/e2e $(PYTEST_ARGS)

coverage: setup browser ## which lines and branches of devhost/ the tests reach
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -m "not bench and not long" $(PYTEST_ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

check: setup ## ruff, mypy, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint-workflows: setup ## the files in .github/workflows, by actionlint
	@$(BIN)/python -m scripts.lint_workflows

conformance: setup ## every rule of the development host with its tests: run them, and report by table
	@$(BIN)/python -m tests.conformance --run $(if $(PYTEST_ARGS),-- $(PYTEST_ARGS))

bench: setup ## figures: a run against a plain script, then the durable engine by itself
	@$(BIN)/python -m tests.bench

trace: setup ## one daily scrape by two workers, its trace as JSON and as a picture (BOOKS=1000 FAULTS=2 TO=folder)
	@$(BIN)/python -m scripts.trace --books $(BOOKS) --faults $(FAULTS) $(if $(TO),--to $(TO))

package: setup ## .run/app.zip as a deployment uploads it: its size, and how long importing the app takes
	@$(BIN)/python -m scripts.package

smoke: setup ## is a deployment up and does it refuse a second start? (URL=https://… KEY=…, or SMOKE_KEY in the environment)
	@$(BIN)/python scripts/smoke.py "$(URL)" $(KEY)

prove-crash: setup ## the long proof that a crash anywhere loses nothing and doubles nothing
	@$(BIN)/python -m pytest -s -m long -k "(crash or kill) and not thousands" $(PYTEST_ARGS)

prove-random: setup ## thousands of random orchestrations and entities, disturbed by order, batching and crashes
	@$(BIN)/python -m pytest -s -m long -k thousands $(PYTEST_ARGS)

prove-singleton: setup ## the long proof that two runs never overlap
	@$(BIN)/python -m pytest -s -m long -k "singleton or concurrent" $(PYTEST_ARGS)

prove-stop: setup ## the long proof that nothing of a run is seen once a stop has been answered
	@$(BIN)/python -m pytest -s -m long -k "stop_at_random_moments or stop_interleaved" $(PYTEST_ARGS)

prove-publish: setup ## the long proof that a publication by hand and a run never undo each other
	@$(BIN)/python -m pytest -s -m long -k "publish_interleaved" $(PYTEST_ARGS)

prove-outages: setup ## a fault of storage at every call of a tick, for each overlap policy: no day lost, none run twice
	@$(BIN)/python -m pytest -s -m long tests/integration/test_outages.py $(PYTEST_ARGS)

prove-workflows: setup ## 200 clients at once command workflows on 50 keys: all answers fit a serial order
	@$(BIN)/python -m pytest -s -m long -k workflow_commands $(PYTEST_ARGS)

prove-exact: setup ## 1,000 pages with 5 % faults: rows and failures equal the site's own truth
	@$(BIN)/python -m pytest -s -m long -k thousand_pages $(PYTEST_ARGS)

prove-api: setup ## 5,000 generated requests: every answer as docs/openapi.yaml describes it (SEED=1 repeats them)
	@$(BIN)/python -m pytest -s -m long tests/e2e/test_described_answers.py $(PYTEST_ARGS)

prove-retry: setup ## a hundred random chains of runs, stops and retries, and a retry whose host is killed fifteen times
	@$(BIN)/python -m pytest -s -m long -k "retries or retry" $(PYTEST_ARGS)

prove-crawl: setup ## crawls of thousands of pages, with the host killed and with retries: every page once, histories short
	@$(BIN)/python -m pytest -s -m long -k crawl $(PYTEST_ARGS)

prove-unchanged: setup ## a second run over 5,000 pages that have not changed: its time and bytes against the first; kills in the middle
	@$(BIN)/python -m pytest -s -m long tests/e2e/test_unchanged_site.py $(PYTEST_ARGS)

prove-faults: setup ## 2,000 pages with every fault: rows and failures equal the site's own truth; then a new layout
	@$(BIN)/python -m pytest -s -m long tests/e2e/test_fault_site.py $(PYTEST_ARGS)

prove-polite: setup ## what sites see of a run with two workers: rate and concurrency per host, robots.txt, crawl delay
	@$(BIN)/python -m pytest -s -m long tests/e2e/test_polite_runs.py $(PYTEST_ARGS)

prove-matrix: setup ## hosts killed, storage restarted, network cut; readers see whole snapshots (KILLS=100 RESTARTS=10 SEED=1)
	@$(BIN)/python -m pytest -s -m long tests/e2e/test_crash_matrix.py $(PYTEST_ARGS)

prove-purge: setup ## a thousand random pasts with purges that break off anywhere, and others between any two of a purge's calls
	@$(BIN)/python -m pytest -s -m long tests/unit/storage/test_purge.py tests/unit/storage/test_purge_races.py $(PYTEST_ARGS)

prove-day: setup ## 24 simulated hours: 10 sources, random faults, crashes, an operator at random; memory flat, data true (SEED=1 HOURS=24)
	@# Without pytest's own log, which keeps every record of an injected error with its traceback, and so would not be flat.
	@$(BIN)/python -m pytest -s -m long -p no:logging tests/integration/test_simulated_day.py $(PYTEST_ARGS)

growth: setup ## what a run leaves in storage and asks of it, per page and day: the figures of docs/cost.md (PAGES=1000)
	@$(BIN)/python -m tests.bench.growth --pages $(PAGES)

prove-fuzz: setup ## hostile bytes for everything that reads what sites send (SECONDS=60 for each reader, READERS='"HTML: rows" feed')
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --to .run/fuzz $(READERS)

prove-browser: setup browser ## the dashboard in a real Chromium: each view and action, both themes, desk and phone
	@$(BIN)/python -m pytest tests/browser $(PYTEST_ARGS)

prove-manuals: setup ## real pages: the HTML manuals of two Debian packages (python3-doc, postgresql-doc)
	@$(BIN)/python -m tests.proofs.manuals

prove-samples: setup ## public sample apps, unmodified (SAMPLES=folder with a checkout of each)
	@$(BIN)/python -m tests.proofs.sample_apps "$(SAMPLES)"

screenshots: setup browser ## the pictures of the dashboard in docs/images, taken while the sample site is scraped
	@$(BIN)/python -m scripts.screenshots

clean: ## remove everything that these commands have made, the local state included
	@$(PYTHON) -m scripts.clean
