# Two commands for a newcomer: `make train` and `make test`. Both make .venv first.
SHELL := /bin/sh
PYTHONS := python3.11 python3.12 python3.13 python3 python
BIN := .venv/bin
# What several tests need is made once, for both workers; one that has nothing left takes over from the other.
WORKERS := -n 2 --dist worksteal

.PHONY: help install train test test-long check types docs dist benchmark clean
help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: .venv/installed  ## make .venv with everything the other targets need

# The first Python that runs, has a supported version and can make environments (Debian splits ensurepip off).
.venv/installed: setup.cfg pyproject.toml constraints.txt
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
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,docs]'
	@touch $@

train: install  ## train LeNet-5 with both heads on the bundled digits, quantize, compare
	@$(BIN)/kerascnn compare lenet --data digits
	@echo 'Next, real MNIST:  . .venv/bin/activate  and  kerascnn train lenet --data mnist'

test: install check  ## style, types, layers, documentation and every test
	@$(BIN)/python -m pytest $(WORKERS) -m 'not long'

# The emulated device is tested where its tools can be had; elsewhere its tests say what they miss.
test-long: install  ## full trainings, several processes on both backends, an emulated Raspberry Pi
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  ! { command -v mmdebstrap && command -v qemu-aarch64-static; } >/dev/null; then \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends mmdebstrap qemu-user-static >/dev/null || true; \
	fi
	@$(BIN)/python -m pytest $(WORKERS) -m long

check: install types docs  ## style, types, layers and documentation
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd build/types && PYTHONPATH=. ../../$(BIN)/lint-imports --config ../../pyproject.toml --no-cache

# Type and import checkers read paths, not setup.cfg: give them the package as it is installed.
types:
	@rm -rf build/types && mkdir -p build/types
	@cp -Rp kerascnn build/types/kerascnn
	@cp -Rp tflite build/types/kerascnn/tflite
	@cp -Rp cli build/types/kerascnn/cli

# Not --quiet: it hides warnings from --strict. The variable silences mkdocs-material's notice about its successor.
docs: install types  ## build the documentation into build/site; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

dist: install  ## build wheel and sdist, test the wheel in an empty environment
	@rm -rf build/lib build/bdist* dist build/wheel-venv build/wheel-tests
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@$(BIN)/python -m venv build/wheel-venv
	@build/wheel-venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl pytest pytest-xdist
	@mkdir -p build/wheel-tests && cp -R tests pyproject.toml setup.cfg build/wheel-tests/
	@cd build/wheel-tests && ../wheel-venv/bin/python -m pytest -n 2 --dist loadfile -m 'not long'

benchmark: install  ## the side-by-side measurements: make benchmark DATA_DIR=folder-of-MNIST PHOTOS=folder-of-photos
	@$(BIN)/python -c 'import torch' 2>/dev/null || { \
	  echo "The benchmarks compare with PyTorch: $(BIN)/pip install -e '.[benchmark]'" >&2; exit 5; }
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
