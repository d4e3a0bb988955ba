# `make` alone lists what there is. Everything works in a fresh clone with Python 3.11+, make and git.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PORT ?= 8000
compile := UV_SYSTEM_CERTS=1 .venv/bin/uv pip compile --upgrade --universal --generate-hashes --python-version 3.11 --no-emit-index-url -q --custom-compile-command 'make requirements'

.PHONY: help run test foreign sweep previous soak bench bench-pages screenshots dashboard-check image-check lint format messages messages-check migrations-check deploy-check paths-check openapi requirements

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

run: ## serve a demo on http://localhost:8000 (another port: make run PORT=8010)
	@.ci/venv base
	@IDP_ISSUER="$${IDP_ISSUER:-$(patsubst %:80,%,http://localhost:$(PORT))}"; export IDP_ISSUER; \
	.venv/bin/python manage.py quickstart && \
	exec .ci/serve $(PORT)

test: ## run every test that can run here (a single one: .venv/bin/pytest tests/clients -k name)
	@.ci/venv dev
	@.ci/node
	@.ci/test

foreign: ## only the programs of others and the conformance plans, against live servers (ARGS="-k allauth": some)
	@.ci/machine programs || true
	@.ci/venv dev
	@.ci/node
	.venv/bin/pytest -q --programs tests/foreign tests/conformance tests/idp/test_importdot_takeover.py $(ARGS)

sweep: ## look at every combination of which the gate tries some, race longer, and turn rows around, which takes an hour (ARGS as for foreign)
	@.ci/venv dev
	VESTIBULE_SWEEP=1 VESTIBULE_RACE_ROUNDS=50 .venv/bin/python .ci/postgres.py .venv/bin/python -m pytest -q \
		$$(grep -rl '^from tests.sweep' tests --include='test_*.py') tests/races $(ARGS)
	.venv/bin/python -m pytest -q --database-only --backwards --numbers-from small -m "not browser and not foreign" $(ARGS)

soak: ## kill, hang and roll nodes, PostgreSQL and Redis under load: nothing may be lost (ARGS="--help"), takes a quarter of an hour
	@.ci/machine soak || true
	@.ci/venv dev
	@.venv/bin/python -m tests.soak $(ARGS)

previous: ## run the previous release on the tables of this code, as it will while this one is rolled out
	@.ci/venv dev
	.venv/bin/python .ci/previous.py
	.venv/bin/python .ci/postgres.py .venv/bin/python .ci/previous.py

bench: ## measure speed beside other providers (more: make bench ARGS="--help"), takes half an hour
	@.ci/venv dev
	@.venv/bin/python -m tests.benchmarks $(ARGS)

bench-pages: ## time every page of the console and the account in a full installation (more: ARGS="--help")
	@.ci/venv dev
	@.venv/bin/python -m tests.benchmarks.pages $(ARGS)

screenshots: ## take docs/screenshots anew, which needs Chromium
	@.ci/venv dev
	.venv/bin/pytest -q tests/browser/screenshots.py

dashboard-check: ## ask a real Prometheus all that docs/monitoring asks, beside a server in use (ARGS=--picture: also draw it)
	@.ci/venv dev
	.venv/bin/python -m tests.idp.metrics.dashboard $(ARGS)

lint: ## ruff, mypy and djlint, changing nothing
	@.ci/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy accounts clients common idp projects provider verifier/vestibule_verifier tests .ci/postgres.py .ci/messages.py .ci/wording.py .ci/openapi.py .ci/image_check.py .ci/previous.py
	cd verifier && ../.venv/bin/mypy
	.venv/bin/djlint templates --lint --quiet

image-check: ## lint the container files, build what they build and run it, without an engine (ARGS=--quick: half a minute)
	@.ci/venv dev
	.venv/bin/hadolint Dockerfile
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	.venv/bin/kubernetes-validate --strict --quiet docs/deployment/kubernetes/[!k]*.yaml
	@! docker compose version > /dev/null 2>&1 || docker compose config --quiet
	.venv/bin/python .ci/image_check.py $(ARGS)

format: ## let ruff sort imports and lay out the code
	@.ci/venv dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

messages: ## collect new texts for translation, and compile the translations
	@.ci/venv dev
	.venv/bin/python .ci/messages.py update

messages-check: ## fail when a text of the code is not translated
	@.ci/venv dev
	.venv/bin/python .ci/messages.py check

migrations-check: ## fail when a model changed without a migration
	@.ci/venv dev
	.venv/bin/python manage.py makemigrations --check --dry-run

deploy-check: ## Django's deployment checks, under made-up production settings
	@.ci/venv dev
	@.ci/deploy-check

# Paths of a container or a service are those of every machine.
in_containers = ':!Dockerfile' ':!compose.yaml' ':!docs/deployment' ':!.ci/image_*.py'

paths-check: ## fail when a tracked file names a directory of one particular machine
	@git -c safe.directory='*' grep -nIE '(^|[^[:alnum:]_.~/-])/(work|root|tmp|Users/[a-z]+/[A-Za-z]+|home/[a-z]+)(/|[^[:alnum:]_-]|$$)' -- . $(in_containers); \
	[ $$? = 1 ] || { echo "Tracked files must not name a path of one machine."; exit 1; }

openapi: ## write docs/openapi.json anew
	@.ci/venv dev
	.venv/bin/python .ci/openapi.py

requirements: ## compile requirements/*.in to the newest pins with hashes
	@.ci/venv dev
	$(compile) requirements/uv.in -o requirements/uv.txt
	$(compile) requirements/base.in -o requirements/base.txt
	$(compile) -c requirements/base.txt requirements/dev.in -o requirements/dev.txt
	$(compile) -c requirements/base.txt requirements/ldap.in -o requirements/ldap.txt
	$(compile) -c requirements/base.txt tests/benchmarks/peers/servers.in -o tests/benchmarks/peers/servers.txt
	for one in tests/foreign/programs/*/requirements.in; do $(compile) $$one -o $${one%.in}.txt || exit 1; done
