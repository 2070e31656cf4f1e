# `make` lists what there is to make. The work is done by scripts/, which also run on their own.

# What is built is kept outside the clone, so that a new clone does not start from nothing.
BUILD_DIR ?= $(HOME)/.cache/stasis/build
CONFIGURATION ?= debug
export BUILD_DIR CONFIGURATION

.DEFAULT_GOAL := help
.PHONY: help setup build test demo lint format clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing from Debian's packages; check the Swift toolchain.
	@scripts/setup

build: setup ## Build everything into BUILD_DIR.
	swift build --scratch-path "$(BUILD_DIR)" --configuration $(CONFIGURATION)

test: setup ## Lint, build, and run every test against a real containerd and registry.
	@scripts/test

demo: setup ## Pause and resume a sandbox on this machine, and prove that nothing was lost.
	@demo/run

lint: ## Check formatting, headers, house rules, scripts and links.
	@scripts/lint

format: ## Format all Swift sources in place.
	@scripts/swift-sources -z | xargs -0 swift format --in-place --parallel

clean: ## Delete BUILD_DIR.
	rm -rf "$(BUILD_DIR)"
