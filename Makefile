# Foreshadow from source. `make` alone lists what there is.
#
# Each target first installs the system packages that it needs and this machine lacks, and says
# which and why (.ci/packages); on a machine that has them it touches nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# cargo uses every core by itself; two cargos at once would only wait for each other.
.NOTPARALLEL:
# Nor should they look for the slots of a make that was called with -j.
unexport MAKEFLAGS MFLAGS

# Seconds for each fuzz target.
FUZZ_SECONDS ?= 30
# What `make run` reads, and where its logs go.
CAPTURE ?= tests/data/demo.pcap
LOGS ?= demo-logs

TARGET_DIR := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# The combinations of .ci/features without its comments.
EACH_FEATURES := grep -v '^\#' .ci/features | while read -r features; do

.PHONY: help run picture build test check fmt fmt-check clippy doc fuzz miri asan bench corpus clean \
	packages-build packages-test

help: ## this list
	@echo "make TARGET, where TARGET is"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1 \2/p' $(MAKEFILE_LIST) | while read -r name what; do \
		printf '  %-11s %s\n' "$$name" "$$what"; done

run: build ## build, read a bundled capture, write its logs and report (CAPTURE=file LOGS=folder)
	@$(TARGET_DIR)/release/foreshadow run --read $(CAPTURE) --out $(LOGS) --report $(LOGS).html
	@echo
	@echo "In $(LOGS)/: conn.log has a line for each connection, synthetic.log for each"
	@echo "packet that was due and did not come, anomaly.log for each not expected."
	@echo "To look at all of it, open $(abspath $(LOGS)).html in a browser."
	@echo "Next: $(TARGET_DIR)/release/foreshadow run --help"

picture: run ## the picture of the report in the README, from the page of `make run`
	@chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1280,1420 \
		--virtual-time-budget=5000 --screenshot=docs/images/report.png "file://$(abspath $(LOGS)).html#light"

build: packages-build ## the release binary and the library that hosts load
	@cargo build --release

test: packages-test ## every test, in every combination of .ci/features
	@$(EACH_FEATURES) echo "== cargo test $$features"; cargo test $$features </dev/null; done

check: ## what CI runs
	@.ci/run

fmt: ## format the sources
	@cargo fmt
	@cargo fmt --manifest-path fuzz/Cargo.toml -- --config-path $(CURDIR)

fmt-check:
	@cargo fmt --check
	@cargo fmt --manifest-path fuzz/Cargo.toml --check -- --config-path $(CURDIR)

clippy: packages-build ## lints, warnings are errors, in every combination
	@cargo clippy --all-targets --all-features -- -D warnings
	@$(EACH_FEATURES) cargo clippy --all-targets $$features -- -D warnings </dev/null; done

doc: packages-build ## the API's documentation, warnings are errors
	@RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features

fuzz: ## every fuzz target for FUZZ_SECONDS=30
	@FUZZ_SECONDS=$(FUZZ_SECONDS) .ci/fuzz

miri: ## the safe core's unit tests under Miri, where there is one
	@.ci/miri

asan: packages-build ## the unit tests under AddressSanitizer
	@RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" \
		cargo test --lib --target $(HOST) --target-dir $(TARGET_DIR)/asan

bench: packages-build ## the benchmarks
	@cargo bench

corpus: build ## read every capture under DIR=folder, looking for crashes and hangs
	@if [ -z "$(DIR)" ]; then echo "usage: make corpus DIR=folder"; exit 2; fi
	@tests/scripts/corpus --binary $(TARGET_DIR)/release/foreshadow "$(DIR)"

include engine-torch/torch.mk
include c-shim/wireshark/wireshark.mk
include c-shim/zeek/zeek.mk

clean: ## remove what was built, and the demo's logs
	@cargo clean
	@rm -rf c-shim/zeek/build c-shim/zeek/testing/.tmp
	@rm -rf fuzz/target fuzz/corpus fuzz/artifacts demo-logs demo-logs.html

packages-build:
	@.ci/packages build

packages-test:
	@.ci/packages build test
