# Every target sets itself up: `make demo` and `make test` work on a fresh machine with Python and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := tests/letters/npm tests/feeds/npm
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo up test lint format types imports tests browser readers npm postfix nginx bench chaos messages constraints dist clean

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Dispatcher needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	@touch $@

demo: $(VENV)/installed  ## Show the whole way of a brief; ARGS="--once --readers 1000 --json".
	@$(BIN)/dispatcher demo $(ARGS)

up: $(VENV)/installed  ## Start everything on this machine and stay.
	@$(BIN)/dispatcher up $(ARGS)

test: lint types imports tests  ## Everything that must hold: style, types, rooms, tests.

lint: $(VENV)/installed  ## ruff, style and format.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/installed  ## mypy --strict.
	@$(BIN)/mypy

imports: $(VENV)/installed  ## Which room may import which.
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

tests: $(VENV)/installed browser readers npm  ## pytest.
	@$(BIN)/python -m pytest $(ARGS)

# Browser tests want Debian's Chromium. It is installed where that is allowed, and said where it is not.
browser:
	@command -v chromium >/dev/null 2>&1 || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "Installing chromium for the browser tests …"; \
			apt-get -qq update >/dev/null 2>&1; \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium fonts-noto-core >/dev/null 2>&1 || \
				echo "chromium could not be installed; the browser tests will say that they did not run"; \
		else \
			echo "chromium is not here; the browser tests will say that they did not run"; \
		fi

# Feeds are read by Debian's newsboat and rss2email too. Installed where that is allowed, said where it is not.
readers:
	@{ command -v newsboat && command -v r2e; } >/dev/null 2>&1 || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "Installing newsboat and rss2email for the tests of feeds …"; \
			apt-get -qq update >/dev/null 2>&1; \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends newsboat rss2email >/dev/null 2>&1 || \
				echo "newsboat and rss2email could not be installed; the tests with feed readers will say that they did not run"; \
		else \
			echo "newsboat and rss2email are not here; the tests with feed readers will say that they did not run"; \
		fi

# Letters and feeds are also read by what others wrote for Node.js. Installed where npm is, said where it is not.
npm:
	@if command -v npm >/dev/null 2>&1; then $(MAKE) -s $(NPM:%=%/node_modules/installed); \
	else echo "npm is not here; the tests that read letters and feeds with Node.js will say that they did not run"; fi

%/node_modules/installed: %/package-lock.json
	@echo "Installing what $* reads with …"
	@npm ci --prefix $* --ignore-scripts --no-audit --no-fund --fetch-retries=1 --loglevel=error >/dev/null || \
		{ echo "npm could not install it; above it says why"; exit 1; }
	@touch $@

bench: $(VENV)/installed postfix nginx  ## Measure against yardsticks, write bench/latest.json; ARGS="--quick".
	@$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/installed  ## Break everything while letters go out: none lost, none doubled; ARGS="--help".
	@$(BIN)/python -m bench.chaos $(ARGS)

# smtp-sink and smtp-source, the yardsticks, come with Debian's postfix. No mail server is started.
postfix:
	@command -v smtp-sink >/dev/null 2>&1 || test -x /usr/sbin/smtp-sink || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "Installing postfix for smtp-sink and smtp-source (no mail server is started) …"; \
			apt-get -qq update >/dev/null 2>&1; \
			policy=/usr/sbin/policy-rc.d; \
			if [ -e $$policy ]; then policy=/dev/null; else printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; fi; \
			trap 'test $$policy = /dev/null || rm -f $$policy' EXIT; \
			echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections 2>/dev/null; \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends --no-remove postfix >/dev/null 2>&1 || \
				echo "postfix could not be installed; a sink of our own takes its place"; \
		else \
			echo "postfix is not here; a sink of our own takes its place"; \
		fi

# The yardstick of the feeds, and what asks them. nginx is started by the bench alone, as a process of its own.
nginx:
	@{ command -v nginx >/dev/null 2>&1 || test -x /usr/sbin/nginx; } && command -v wrk >/dev/null 2>&1 || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "Installing nginx and wrk (no web server is started) …"; \
			apt-get -qq update >/dev/null 2>&1; \
			policy=/usr/sbin/policy-rc.d; \
			if [ -e $$policy ]; then policy=/dev/null; else printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; fi; \
			trap 'test $$policy = /dev/null || rm -f $$policy' EXIT; \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends --no-remove nginx-light wrk >/dev/null 2>&1 || \
				echo "nginx and wrk could not be installed; feeds are not held against them"; \
		else \
			echo "nginx or wrk is not here; feeds are not held against them"; \
		fi

format: $(VENV)/installed  ## Put the code into form.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Folders that begin with _ are read too, so the usual list of what is passed over is given anew.
messages: $(VENV)/installed  ## Gather the sentences for readers into dispatcher/locale, and compile what is translated.
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F pyproject.toml --ignore-dirs ".*" --no-default-keywords \
		-k later -k _ -k gettext -k ngettext:1,2 --add-comments Translators: --strip-comments \
		--add-location file --sort-output --no-wrap --omit-header --output-file build/messages.pot .
	@$(BIN)/pybabel -q update -i build/messages.pot -d dispatcher/locale -D dispatcher \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	@$(BIN)/pybabel -q compile -d dispatcher/locale -D dispatcher

constraints: ## Choose the newest versions that pyproject.toml allows, and write them down.
	@$(PYTHON) -m venv build/constraints
	@build/constraints/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	@build/constraints/bin/python -m pip install --quiet . --group dev
	@{ echo "# Made by \`make constraints\`: what \`make\` and the image install."; \
		build/constraints/bin/python -m pip freeze --exclude dispatcher --exclude pip; } > constraints.txt

dist: $(VENV)/installed  ## Build the wheel and the sdist.
	@$(BIN)/python -m pip install --quiet "build>=1.2"
	@$(BIN)/python -m build

clean:  ## Remove what make made; the data in .dispatcher stays.
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis $(NPM:%=%/node_modules)
