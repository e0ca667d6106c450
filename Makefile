# One verb a line; each is also what CI calls. `make demo` and `make test` set up what they need by themselves.
SHELL := /bin/bash
SWIFT := swift
PYTHON_ENVIRONMENT := .venv
SEEDS ?= 50
RELEASE_FLAGS := -c release --disable-index-store --static-swift-stdlib
DEBIAN_BUILD := libsqlite3-dev zlib1g-dev
DEBIAN_TEST := kcat python3-venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: build release demo test sim bench lint fmt docs setup setup-tests clean cluster compat-kafka

build: setup
	$(SWIFT) build --product platform

release: setup
	$(SWIFT) build $(RELEASE_FLAGS) --product platform

# Installs what is missing, builds, runs the whole job on real input and stops; fails on a wrong figure.
demo: release
	.build/release/platform demo

cluster: release
	.build/release/platform up

test: setup setup-tests
	$(SWIFT) build --build-tests
	$(SWIFT) test --disable-xctest --skip-build --skip OneAtATime
	PLATFORM_PYTHON="$(CURDIR)/$(PYTHON_ENVIRONMENT)/bin/python" $(SWIFT) test --disable-xctest --skip-build --filter OneAtATime

# Every check of the broker with kafka-python, aiokafka, confluent-kafka and kcat, against the list of those that must pass.
compat-kafka: build setup-tests
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Clients/kafka_compat.py .build/debug/platform

# Simulated runs under other seeds: `make sim SEEDS=1000`.
sim: setup
	PLATFORM_SIM_SEEDS=$(SEEDS) $(SWIFT) test --filter SimulationTests

bench: release setup-tests
	$(SWIFT) build $(RELEASE_FLAGS) --product platform-bench
	.build/release/platform-bench --python $(PYTHON_ENVIRONMENT)/bin/python

lint:
	$(SWIFT) format lint --recursive --parallel Sources Tests Package.swift

fmt:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

# Writes the generated tables into docs; a house test compares them.
docs: build
	.build/debug/platform docs docs

setup:
	@missing=""; for p in $(DEBIAN_BUILD); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $$missing; fi

setup-tests:
	@missing=""; for p in $(DEBIAN_TEST); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $$missing; fi
	@if ! cmp -s Tests/Clients/requirements.txt $(PYTHON_ENVIRONMENT)/installed.txt; then \
	  python3 -m venv $(PYTHON_ENVIRONMENT) && $(PYTHON_ENVIRONMENT)/bin/pip install -q -r Tests/Clients/requirements.txt && \
	  cp Tests/Clients/requirements.txt $(PYTHON_ENVIRONMENT)/installed.txt; fi

clean:
	rm -rf .build $(PYTHON_ENVIRONMENT)
