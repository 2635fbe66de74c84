# Two commands for a newcomer: `make train` and `make test`. Each first installs into .venv what it needs.
SHELL := /bin/sh
PYTHONS := python3 python3.13 python3.12 python3.11 python
BIN := .venv/bin
PIP := python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# What several tests need is made once, for both workers; one that has nothing left takes over from the other.
# The longest are listed at the end: the suite has to stay fast.
WORKERS := -n 2 --dist worksteal --durations=60 --durations-min=3

.PHONY: help install train test test-long fuzz test-arm64 arm64-tools check types docs wasm constraints dist benchmark clean
.NOTPARALLEL:  # two pips at once would break .venv
help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: .venv/installed  ## make .venv with what the main job needs, and nothing else

# The first Python that runs, has a supported version and can make environments (Debian splits ensurepip off); before
# all others python3, the one that this shell means.
.venv/installed: setup.cfg constraints.txt
	@for python in $(PYTHONS); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	    >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "kerascnn needs Python 3.11, 3.12 or 3.13 with the venv module, and found none on the PATH (Debian: apt install python3 python3-venv)." >&2; \
	  exit 1; \
	fi; \
	echo "Making .venv with $$($$found --version); TensorFlow is large, this takes a minute or two."; \
	$$found -m venv --clear .venv
	@$(BIN)/$(PIP) -e .
	@touch $@

# What a target needs beyond that: the extra of this name in setup.cfg, into the same .venv. Its lines alone, because
# with -e '.[test]' pip builds kerascnn again and goes over everything that is installed (14 s instead of 3).
.venv/test .venv/docs .venv/live .venv/jax .venv/benchmark .venv/gpu .venv/jax-gpu: .venv/installed
	@echo 'Adding to .venv what the extra $(@F) names.'
	@$(BIN)/python -c 'import configparser; setup = configparser.ConfigParser(); setup.read("setup.cfg"); \
	  print(setup["options.extras_require"]["$(@F)"])' >$@.txt
	@$(BIN)/$(PIP) -r $@.txt
	@touch $@

train: install  ## train LeNet-5 with both heads on the bundled digits, quantize, compare
	@$(BIN)/kerascnn compare lenet --data digits
	@echo 'Next, real MNIST:  . .venv/bin/activate  and  kerascnn train lenet --data mnist'

test: .venv/test .venv/jax check  ## style, types, layers, documentation and every test
	@$(BIN)/python -m pytest $(WORKERS) -m 'not long'

test-long: .venv/test .venv/jax arm64-tools  ## full trainings, several processes, an emulated Raspberry Pi (as root installs its tools)
	@$(BIN)/python -m pytest $(WORKERS) -m long

fuzz: .venv/test  ## 100,000 damaged files for everything that reads one; repeat with make fuzz SEED=1
	@$(BIN)/python tests/fuzz/fuzzing.py --inputs 100000 $(if $(SEED),--seed $(SEED))

test-arm64: .venv/test arm64-tools  ## of these the emulated Raspberry Pi alone
	@KERASCNN_ARM64=1 $(BIN)/python -m pytest -s tests/tflite/test_arm64.py

# The emulated device is tested where its tools can be had; elsewhere its tests say what they miss.
arm64-tools:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  ! { command -v mmdebstrap && command -v qemu-aarch64-static; } >/dev/null; then \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends mmdebstrap qemu-user-static >/dev/null || true; \
	fi

check: .venv/test .venv/live types docs  ## style, types, layers and documentation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd build/types && PYTHONPATH=. ../../$(BIN)/lint-imports ../../pyproject.toml --no-cache

# Type and import checkers read paths, not setup.cfg: give them the package as it is installed.
types:
	@rm -rf build/types && mkdir -p build/types
	@cp -Rp kerascnn build/types/kerascnn
	@cp -Rp tflite build/types/kerascnn/tflite
	@cp -Rp cli build/types/kerascnn/cli

# Not --quiet: it hides warnings from --strict. The variable silences mkdocs-material's notice about its successor.
docs: .venv/docs types  ## build the documentation into build/site; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The bytes that are committed are those of clang 14 and lld 14 (Debian 12); a test compares them.
WASM := clang --target=wasm32 -std=c99 -O2 -ffreestanding -fno-builtin -nostdlib \
  -Wl,--no-entry -Wl,--export=kc_run -Wl,--export=__heap_base -Wl,--strip-all
WASM_DIR := tflite/program

wasm:  ## build the integer kernels for browsers, with SIMD and without (needs clang and lld)
	@$(WASM) -msimd128 -o $(WASM_DIR)/kernels.wasm tflite/program/kernels.c
	@$(WASM) -o $(WASM_DIR)/kernels-plain.wasm tflite/program/kernels.c
	@chmod 644 $(WASM_DIR)/kernels.wasm $(WASM_DIR)/kernels-plain.wasm

# --universal: for every system and every Python from 3.11.0 on; fewest: one version for all of them, where there is
# one; --system-certs: as pip. PyTorch's wheels differ by system, so the extra benchmark stays without pins.
constraints: .venv/test  ## renew constraints.txt: the newest versions that hold on every supported Python
	@$(BIN)/uv pip compile --quiet --system-certs --upgrade --universal --python-version 3.11.0 --fork-strategy fewest \
	  --annotation-style line --custom-compile-command 'make constraints' \
	  --extra test --extra docs --extra live --extra jax --output-file constraints.txt setup.cfg

dist: .venv/test  ## build wheel and sdist, run the main job from the wheel in an empty environment
	@rm -rf build/lib build/bdist* build/wheel dist
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@$(BIN)/python -m venv build/wheel
	@build/wheel/bin/$(PIP) dist/*.whl
	@cd build/wheel && bin/kerascnn compare lenet --data digits

benchmark: .venv/benchmark  ## the side-by-side measurements: make benchmark DATA_DIR=folder-of-MNIST PHOTOS=folder-of-photos
	@$(BIN)/python benchmarks/startup.py
	@$(BIN)/python benchmarks/training_throughput.py --data-dir '$(DATA_DIR)'
	@$(BIN)/python benchmarks/time_to_accuracy.py --data-dir '$(DATA_DIR)'
	@$(BIN)/python benchmarks/surgery_against_cropping.py
	@$(BIN)/python benchmarks/folder_memory.py
	@$(BIN)/python benchmarks/input_pipeline.py --data-dir '$(DATA_DIR)' $(if $(PHOTOS),--photos '$(PHOTOS)')
	@$(BIN)/kerascnn train lenet --data mnist --data-dir '$(DATA_DIR)' --runs-dir build --name inference --overwrite
	@$(BIN)/kerascnn quantize build/inference
	@$(BIN)/python benchmarks/inference.py build/inference
	@$(BIN)/python benchmarks/study_cost.py --data-dir '$(DATA_DIR)'
	@if [ -n '$(PHOTOS)' ]; then $(BIN)/python benchmarks/alexnet_training.py --data '$(PHOTOS)'; else \
	  echo 'AlexNet was not measured: name a folder of class folders of photos with PHOTOS=DIR.' >&2; fi

clean:  ## remove what the targets made, keep runs and studies
	@rm -rf .venv build dist *.egg-info
