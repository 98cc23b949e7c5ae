# The commands a person types. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
TESTS ?= tests

# What tests need from the system, as Debian and Raspberry Pi OS name it.
DEBIAN := libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils mosquitto mosquitto-clients openssl systemd tmux
NEEDS := pulseaudio pactl mosquitto mosquitto_sub mosquitto_passwd openssl systemd-analyze tmux

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands.
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*?## (.*)/  make \1\t\2/' | expand -t 28

# -- environment ----------------------------------------------------------------------------------

$(VENV)/.product: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Earmark needs Python 3.11 or newer.")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Earmark into $(VENV) ..."
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.development: $(VENV)/.product
	@echo "Installing what development needs ..."
	@$(PIP) install --constraint constraints.txt --group dev
	@touch $@

.PHONY: install
install: $(VENV)/.product ## Install Earmark into .venv.

.PHONY: system
system: ## Install what tests need from the system (Debian, Raspberry Pi OS).
	@missing=; for program in $(NEEDS); do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	ldconfig -p 2>/dev/null | grep -q libportaudio || missing="$$missing libportaudio"; \
	if [ -n "$$missing" ]; then \
	  echo "Missing for the tests:$$missing"; \
	  if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
	    if [ "$$(id -u)" = 0 ]; then as=; else as=sudo; fi; \
	    $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq $(DEBIAN) >/dev/null; \
	  else echo "Install them: sudo apt-get install $(DEBIAN)"; exit 1; fi; \
	fi

# -- the product ----------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.product ## The main job on a bundled recording; nothing to configure.
	@$(BIN)/earmark demo

# -- checks ---------------------------------------------------------------------------------------

.PHONY: check
check: system $(VENV)/.development ## Everything that CI runs; changes nothing.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadgroup $(TESTS)

.PHONY: format
format: $(VENV)/.development ## Format the code and mend what can be mended by itself.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# -- longer proofs, each on its own ---------------------------------------------------------------

DATA ?= data
SPLIT ?= dev
JSON ?=
MINUTES ?= 10

.PHONY: browser
browser:
	@missing=; for program in node npm chromium; do command -v $$program >/dev/null || missing="$$missing $$program"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; \
	  packages=$$(echo "$$missing" | sed 's/\bnode\b/nodejs/'); \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq $$packages >/dev/null \
	    || { echo "Install them: sudo apt-get install$$packages"; exit 1; }; \
	fi

.PHONY: check-sdks
check-sdks: browser $(VENV)/.development ## Symbl's published SDKs and a browser against the engine.
	PATH="$(abspath $(BIN)):$$PATH" tests/sdks/run

.PHONY: check-homeassistant
check-homeassistant: system $(VENV)/.development ## A real Home Assistant (700 MB) and a real broker.
	PATH="$(abspath $(BIN)):$$PATH" tests/homeassistant/run

.PHONY: check-arm
check-arm: $(VENV)/.development ## Every dependency as a wheel for 64-bit ARM.
	$(BIN)/python tests/packaging/arm.py

.PHONY: evaluate
evaluate: $(VENV)/.product ## Measure the marks: make evaluate DATA=FOLDER SPLIT=dev JSON=out.json.
	$(BIN)/python examples/training/evaluate.py --data $(DATA) --split $(SPLIT) $(if $(JSON),--json $(JSON))

.PHONY: check-training
check-training: $(VENV)/.development ## That training makes the same weights twice (installs torch).
	@$(PIP) install --group training
	$(BIN)/pytest tests/insights/training_proof.py

.PHONY: train
train: $(VENV)/.development ## Learn the weights of the marks anew: make train DATA=FOLDER.
	@$(PIP) install --group training
	$(BIN)/python examples/training/train.py --data $(DATA)

.PHONY: soak
soak: $(VENV)/.development ## Hours of conversation with faults: make soak MINUTES=60.
	$(BIN)/python -m tests.soak.soak --minutes $(MINUTES)

.PHONY: soak-mqtt
soak-mqtt: system $(VENV)/.development ## Fifty kills of broker and listener on each broker, and latencies.
	$(BIN)/python -m tests.soak.mqtt --kills 50

.PHONY: soak-mic
soak-mic: system $(VENV)/.development ## Ten minutes of capture while every core is busy.
	$(BIN)/python -m tests.soak.capture

.PHONY: bench
bench: $(VENV)/.development ## Live conversations, recognisers, the viewer: figures of this machine.
	$(BIN)/python -m tests.bench.recognizers
	$(BIN)/python -m tests.bench.engine
	$(BIN)/python -m tests.bench.tui

.PHONY: package
package: $(VENV)/.development ## Build wheel and sdist into dist/.
	$(BIN)/python -m hatchling build

.PHONY: clean
clean: ## Remove the environment and everything that was built.
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
