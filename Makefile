# One verb a line; each is also what CI calls. `make demo` and `make test` set up what they need by themselves.
SHELL := /bin/bash
SWIFT := swift
PYTHON_ENVIRONMENT := .venv
SEEDS ?= 200
# Where the seeds of simulated lives begin: elsewhere with every commit.
FIRST_SEED ?= $(shell git rev-parse HEAD 2>/dev/null | cut -c1-5 | xargs -I{} printf '%d' 0x1{})
RELEASE_FLAGS := -c release --disable-index-store --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked
DEBIAN_BUILD := liblz4-dev libpcre2-dev libsnappy-dev libsqlite3-dev libzstd-dev tzdata zlib1g-dev
DEBIAN_TEST := curl gcc iproute2 kcat libc6-dev libzookeeper-mt-dev openssl python3-venv
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

DEBIAN_REFERENCE := default-jre-headless
# Java source is compiled or run as it is; that needs the JDK, whoever made it.
DEBIAN_JAVA := $(if $(shell command -v javac),,default-jdk-headless)
# ZooKeeper's server, its Java client and Curator are inside this distribution of PyPI, 434 MB in all.
REFERENCE_PYSPARK := 4.0.1
REFERENCE_JARS := $(PYTHON_ENVIRONMENT)/zookeeper-jars
KAFKA_JARS := $(PYTHON_ENVIRONMENT)/kafka-jars
KAFKA_JARS_3 := $(PYTHON_ENVIRONMENT)/kafka-jars-3
FUZZ_SECONDS ?= 60
.PHONY: fuzz fuzz-api fuzz-api-reference hostile build release demo test test-all compat-kafka compat-zookeeper compat-zookeeper-reference compat-zookeeper-java compat-kafka-java compat-spark setup-java kafka-jars zookeeper-jars sim bench bench-start bench-coord bench-broker bench-dfs bench-compute lint fmt docs setup setup-tests setup-bench clean cluster

build: setup
	$(SWIFT) build --product platform

release: setup
	$(SWIFT) build $(RELEASE_FLAGS) --product platform

# Installs what is missing, builds, runs the whole job on real input and stops; fails on a wrong figure.
demo: release
	.build/release/platform demo

cluster: release
	.build/release/platform up

TEST_SEEDS = 40
TEST_LOG = .build/tests.log
RUN_TESTS = set -o pipefail; PLATFORM_PYTHON="$(CURDIR)/$(PYTHON_ENVIRONMENT)/bin/python" $(SWIFT) test --disable-xctest --skip-build
test: setup setup-tests setup-java
	$(SWIFT) build --product platform
	$(SWIFT) build --product platform-fuzz-api
	$(SWIFT) build --product platformPackageTests
	rm -f $(TEST_LOG)
	$(RUN_TESTS) --skip 'ProcessTests\.(OneAtATime|SideBySide)' 2>&1 | tee -a $(TEST_LOG)
	$(RUN_TESTS) --filter 'ProcessTests\.SideBySide' 2>&1 | tee -a $(TEST_LOG)
	$(RUN_TESTS) --filter 'ProcessTests\.OneAtATime' 2>&1 | tee -a $(TEST_LOG)
	@echo "The slowest tests, in seconds:"
	@sed -nE 's/^.*Test (.*) passed after ([0-9.]+) seconds.*$$/\2 \1/p' $(TEST_LOG) | grep -v '^[0-9.]* run ' | sort -rn | sed 30q
	$(MAKE) sim SEEDS=$(TEST_SEEDS)

# The same with more: twenty kills where `make test` has six, two hundred simulated lives where it has forty, and both Java clients.
test-all: export PLATFORM_TEST_TIER = all
test-all: TEST_SEEDS = 200
test-all: test compat-kafka-java compat-zookeeper-java

# Every check of the broker with kafka-python, aiokafka, confluent-kafka, kcat and Kafka's Java client, against the lists of those that must pass, on one broker and on three.
compat-kafka: build setup-tests compat-kafka-java
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Clients/kafka_compat.py .build/debug/platform
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Clients/kafka_compat.py .build/debug/platform --servers 3

# Kafka's Java client, the present one and the last of 3.x, on one broker and on three; part of `make test` as well.
compat-kafka-java: build kafka-jars
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_java.py .build/debug/platform $(KAFKA_JARS)
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_java.py .build/debug/platform $(KAFKA_JARS) --servers 3
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_java.py .build/debug/platform $(KAFKA_JARS_3)
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_java.py .build/debug/platform $(KAFKA_JARS_3) --servers 3

kafka-jars: DEBIAN_TEST += $(DEBIAN_JAVA)
kafka-jars: setup-tests
	@$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_jars.py $(KAFKA_JARS)
	@$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kafka_jars.py $(KAFKA_JARS_3) 3.9

# For `make test`, which skips what needs Java, and says so, where it cannot be had.
setup-java: setup-tests
	@$(MAKE) kafka-jars || echo "Kafka's Java client or a JDK cannot be had: its checks are skipped"

# kazoo's own test suite and the recorded answers of the real server, against coord; part of `make test` as well.
compat-zookeeper: setup setup-tests build
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kazoo_suite.py .build/debug/platform
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kazoo_suite.py .build/debug/platform --servers 3

# The same against the real ZooKeeper: what the suite gives there, and new recordings.
compat-zookeeper-reference: DEBIAN_TEST += $(DEBIAN_REFERENCE)
compat-zookeeper-reference: setup setup-tests zookeeper-jars
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/kazoo_suite.py .build/debug/platform --reference $(REFERENCE_JARS)

# ZooKeeper's Java client, by zkCli and by Curator's recipes, against one server and three. Not part of `make test`: the jars take minutes to download.
compat-zookeeper-java: DEBIAN_TEST += $(DEBIAN_JAVA)
compat-zookeeper-java: setup setup-tests zookeeper-jars build
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/java_clients.py .build/debug/platform $(REFERENCE_JARS)
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/java_clients.py .build/debug/platform $(REFERENCE_JARS) --servers 3

zookeeper-jars: setup-tests
	@if [ ! -d $(REFERENCE_JARS) ]; then mkdir -p $(REFERENCE_JARS).new && \
	  $(PYTHON_ENVIRONMENT)/bin/pip download -q --no-deps --no-binary :all: -d $(REFERENCE_JARS).new pyspark==$(REFERENCE_PYSPARK) && \
	  tar xzf $(REFERENCE_JARS).new/pyspark-*.tar.gz --strip-components=3 -C $(REFERENCE_JARS).new --wildcards '*/deps/jars/*.jar' && \
	  rm $(REFERENCE_JARS).new/pyspark-*.tar.gz && mv $(REFERENCE_JARS).new $(REFERENCE_JARS); fi

# A real Spark with its JVM (434 MB from PyPI) on hdfs:// of ours, and the examples of PySpark's docstrings on compute. Not part of `make test`.
SPARK_ENVIRONMENT := $(PYTHON_ENVIRONMENT)/spark
SPARK_PYSPARK := 4.3.0
compat-spark: DEBIAN_TEST += $(DEBIAN_REFERENCE)
compat-spark: setup setup-tests build
	@[ -d $(SPARK_ENVIRONMENT)/bin ] || python3 -m venv $(SPARK_ENVIRONMENT)
	@$(SPARK_ENVIRONMENT)/bin/pip install -q pyspark==$(SPARK_PYSPARK)
	$(SPARK_ENVIRONMENT)/bin/python -B Tests/Compat/spark_hdfs.py .build/debug/platform
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/docstrings.py .build/debug/platform --must-pass Tests/Compat/docstrings.must-pass

# Simulated clusters, ten minutes of faults each, and simulated brokers, in release, also the last part of `make test`: `make sim SEEDS=1000`. Fails if a law is broken or a
# rare branch is never seen.
sim: setup
	$(SWIFT) build $(RELEASE_FLAGS) --product platform-sim
	.build/release/platform-sim $(SEEDS) $(FIRST_SEED)

# Damaged bytes for every decoder, led by libFuzzer in a build of its own: `make fuzz FUZZ_SECONDS=3600`. What broke is left in .build/fuzz/corpus/crash-*.
fuzz: setup
	$(SWIFT) build -c release --disable-index-store --scratch-path .build/fuzz --product platform-fuzz -Xswiftc -sanitize=fuzzer -Xswiftc -DFUZZER -Xswiftc -use-ld=lld
	mkdir -p .build/fuzz/corpus && .build/fuzz/release/platform-fuzz seeds .build/fuzz/corpus Tests/WireTests/Golden
	SWIFT_BACKTRACE=enable=no .build/fuzz/release/platform-fuzz -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=2048 -artifact_prefix=.build/fuzz/corpus/ .build/fuzz/corpus

# Well-formed requests with boundary values in every field, in sequences by several sessions, against the real program, which is killed or stopped after each: its state must be the
# same before and after, and on every server. `make fuzz-api FUZZ_SECONDS=3600 FUZZ_SEED=1`; a finding names its seed.
FUZZ_SEED ?= $(shell git rev-parse HEAD 2>/dev/null | cut -c1-8 | xargs -I{} printf '%d' 0x{})
fuzz-api: build
	$(SWIFT) build --product platform-fuzz-api
	.build/debug/platform-fuzz-api run coord $(FUZZ_SECONDS) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api run coord $(FUZZ_SECONDS) $(FUZZ_SEED) --servers 3
	.build/debug/platform-fuzz-api run broker $(FUZZ_SECONDS) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api run dfs $(FUZZ_SECONDS) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api run dfs-rpc $(FUZZ_SECONDS) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api run compute $(FUZZ_SECONDS) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api conceal broker $$((100 * $(FUZZ_SECONDS))) $(FUZZ_SEED)
	.build/debug/platform-fuzz-api conceal broker $$((100 * $(FUZZ_SECONDS))) $$(($(FUZZ_SEED) + 1))

# The same requests to a real ZooKeeper 3.9.5 and to coord, one after the other; prints where the answers differ.
fuzz-api-reference: DEBIAN_TEST += $(DEBIAN_REFERENCE)
fuzz-api-reference: build zookeeper-jars
	$(SWIFT) build --product platform-fuzz-api
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Compat/zookeeper_reference.py $(REFERENCE_JARS) .build/debug/platform-fuzz-api differ coord 3000 $(FUZZ_SEED)

# Everything, or one part: `make bench`, `make bench-coord`. With KAFKA_HOME=DIR, a Kafka 3.x or 4.x, the broker is measured beside that (it needs java);
# KAFKA_HEAP_OPTS sets its heap.
bench bench-start bench-coord bench-broker bench-dfs bench-compute: release setup-bench
	$(SWIFT) build $(RELEASE_FLAGS) --product platform-bench
	.build/release/platform-bench $(patsubst bench-%,%,$(filter bench-%,$@))

# Clients that mean harm, beside one that does not: what they can take of memory and time. The short form is part of `make test`.
hostile: release setup-tests
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Clients/hostile_limits.py .build/release/platform --long
	$(PYTHON_ENVIRONMENT)/bin/python -B Tests/Clients/kafka_hostile.py .build/release/platform --long

lint:
	$(SWIFT) format lint --recursive --parallel Sources Tests Package.swift

fmt:
	$(SWIFT) format --in-place --recursive --parallel Sources Tests Package.swift

# Writes the generated tables into docs; a house test compares them.
docs: build
	.build/debug/platform docs docs

setup:
	@missing=""; for p in $(DEBIAN_BUILD); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; fi

setup-tests:
	@missing=""; for p in $(DEBIAN_TEST); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then echo "installing:$$missing"; $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; fi
	@if ! cmp -s Tests/Clients/requirements.txt $(PYTHON_ENVIRONMENT)/installed.txt; then \
	  python3 -m venv $(PYTHON_ENVIRONMENT) && $(PYTHON_ENVIRONMENT)/bin/pip install -q -r Tests/Clients/requirements.txt && \
	  cp Tests/Clients/requirements.txt $(PYTHON_ENVIRONMENT)/installed.txt; fi

# ZooKeeper of another make, to measure beside.
setup-bench: DEBIAN_TEST += zookeeper default-jre-headless
setup-bench: setup-tests

clean:
	rm -rf .build $(PYTHON_ENVIRONMENT)
