# All that one does here. It needs Python 3.11 or newer and make; the rest comes into .venv from requirements.lock.

PYTHON ?= $(shell for one in python3.13 python3.12 python3.11 python3; do \
	$$one -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$one && break; done)
RUN = .venv/bin/python -m
READY = .venv/ready

.PHONY: help demo test check bench bench-placement soak sandbox docs lock clean
.DEFAULT_GOAL = help

help: ## show what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s%s\n", $$1, $$2}' Makefile

demo: $(READY) ## a real Kafka from nothing: plan, apply, clients, drift (about a minute, stops what it started)
	.venv/bin/python tests/demo.py

test: $(READY) ## all facts, with real brokers on loopback
	$(RUN) pytest -n 2 --dist loadgroup -m 'not soak'

check: $(READY) ## format, lint, types, import contract, workflows, freshness of what make docs makes
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/zizmor --offline --quiet --persona=auditor .github/workflows
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci kafkaops/starter/gitlab-ci.yml
	if command -v actionlint; then actionlint; fi # where it is there: a minute and more to build is too long for every check
	.venv/bin/python tests/pictures.py --check
	.venv/bin/python tests/documentation.py --check
	.venv/bin/kafkaops schema topology | cmp - topology/kafkaops.schema.json || { echo 'run make docs' >&2; exit 1; }
	.venv/bin/kafkaops schema settings | cmp - topology/kafkaops.settings.schema.json || { echo 'run make docs' >&2; exit 1; }

bench: $(READY) ## 10,000 topics on three brokers: time and memory beside the bare reads
	.venv/bin/python tests/bench

bench-placement: $(READY) ## placements of 1,000 to 100,000 partitions: bytes, time and memory beside the least and beside Kafka's own tool
	.venv/bin/python tests/bench/placement.py

soak: $(READY) ## many kills of apply at random moments, on a real Kafka (minutes)
	$(RUN) pytest -m soak

sandbox: $(READY) ## start a real three-broker Kafka on loopback and leave it running
	.venv/bin/kafkaops sandbox up

docs: $(READY) ## make the picture of the README, the generated pages and the schemas for editors anew, and the site in site/
	.venv/bin/python tests/pictures.py
	.venv/bin/python tests/documentation.py
	.venv/bin/kafkaops schema topology >topology/kafkaops.schema.json
	.venv/bin/kafkaops schema settings >topology/kafkaops.settings.schema.json
	$(RUN) mkdocs build --quiet -f .github/mkdocs.yml

lock: ## choose the newest allowed versions and write requirements.lock (asks the package index)
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet uv
	.venv/lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet --output-file requirements.lock

clean: ## stop the sandbox and remove everything that was made here
	if [ -e .kafkaops/sandbox ]; then .venv/bin/kafkaops sandbox down; fi
	rm -rf .venv .kafkaops build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo 'make: no Python 3.11 or newer with venv and pip is on the PATH: install one' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@
