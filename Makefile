# make up    sets everything up and runs the main job: the local stack, compiled, policed and proven, with no cloud
# make test  sets everything up and passes all tests

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: up test lint bench oracle browser golden lock clean
.DEFAULT_GOAL := up

up: $(STAMP)
	$(BIN)/airlock up --stack local --yes

test: $(STAMP)
	$(BIN)/pytest -n auto

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)   ## how long a preview takes, and how long a proof; the latter's table goes to docs/performance.md
	$(BIN)/python -m bench
	$(BIN)/python -m bench.proofs --timeout 60 --markdown docs/performance.md

oracle: $(STAMP)   ## holds the proof against brute force and z3 in 10,000 random cases: some five minutes
	$(BIN)/python tests/proof/run_oracle.py 10000

browser:   ## Debian's Chromium, in which tests open the page of a proof; without it they are skipped (needs root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends chromium chromium-driver

golden: $(STAMP)   ## writes what is generated anew: the JSON Schema of the access file, the page of policies, the pictures
	$(BIN)/airlock schema --output components/pulumi_airlock/access/airlock.schema.json
	cd policy-packs/least-privilege && ../../$(BIN)/python -m least_privilege.docs ../../docs/policies.md
	mkdir -p .airlock
	$(BIN)/airlock preview --stack prod-mwaa --json > .airlock/pictured.json
	$(BIN)/python docs/pictures/make.py .airlock/pictured.json

lock:      ## resolves the newest versions that pyproject.toml allows
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --allow-unsafe --extra all --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv .airlock

$(STAMP): requirements.lock pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
