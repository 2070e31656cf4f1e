# `make` lists what there is to make. The work is done by scripts/, which also run on their own.

# What is built is kept outside the clone, so that a new clone does not start from nothing.
BUILD_DIR ?= $(HOME)/.cache/stasis/build
CONFIGURATION ?= debug
export BUILD_DIR CONFIGURATION

.DEFAULT_GOAL := help
.PHONY: help setup build images test soak testbed testbed-down bench demo docs lint format clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing from Debian's packages; check the Swift toolchain.
	@scripts/setup

build: setup ## Build everything into BUILD_DIR.
	swift build --scratch-path "$(BUILD_DIR)" --configuration $(CONFIGURATION)

images: setup ## Build the programs with optimization, and an OCI image of each; IMAGES=folder, TAG=version, REGISTRY=host/prefix.
	@scripts/images

test: setup ## Lint, build, and run every test against a real containerd, registry and Kubernetes.
	@scripts/test

soak: setup ## Random operations and faults on a cluster for an hour, or SOAK_SECONDS; then look for what is lost, left or grown.
	@scripts/soak

bench: ## Measure Stasis beside its peers; SUITE=name runs one suite, BENCH_JSON=path writes the results there too.
	@scripts/setup bench
	@Benchmarks/run $(if $(SUITE),--suite $(SUITE)) $(if $(CASE),--case $(CASE))

testbed: ## Start a whole Kubernetes for tests on this machine; build it, if need be.
	@scripts/as-root testbed/up

testbed-down: ## End what `make testbed` has started.
	@scripts/as-root testbed/down

demo: setup ## Pause and resume a sandbox on this machine, and prove that nothing was lost.
	@demo/run

docs: setup ## Make a static site of pages and libraries in OUT (default: ~/.cache/stasis/docs), and check it.
	@scripts/docs $(OUT)

lint: ## Check formatting, headers, house rules, scripts and links.
	@scripts/lint

format: ## Format all Swift sources in place.
	@scripts/swift-sources -z | xargs -0 swift format --in-place --parallel

clean: ## Delete BUILD_DIR.
	rm -rf "$(BUILD_DIR)"
