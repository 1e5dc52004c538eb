# Verbs; each is one command that can be typed as well.
PYTHON ?= python3
TOOLS := .venv/bin
SOURCES := run.py manage.py pipeline storage ui configs tests bench

.PHONY: install lint test e2e bench demo run lock format

install: ; $(PYTHON) run.py --help >/dev/null
lint: install
	$(TOOLS)/ruff check $(SOURCES)
	$(TOOLS)/ruff format --check --quiet $(SOURCES)
	$(TOOLS)/python -m mypy
	$(TOOLS)/lint-imports --no-cache
format: install ; $(TOOLS)/ruff format $(SOURCES)
test: ; $(PYTHON) run.py test
e2e: ; $(PYTHON) run.py test tests/e2e
bench: ; $(PYTHON) run.py bench
demo: ; $(PYTHON) run.py demo
run: ; $(PYTHON) run.py up --config configs/paper.toml

# New requirements.lock from setup.cfg, for Linux, macOS and Windows; needs uv.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --extra test --no-emit-index-url \
	    --custom-compile-command "make lock" setup.cfg -o requirements.lock
