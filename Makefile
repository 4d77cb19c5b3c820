# Every target makes what it needs in $(VENV) and runs again only what changed; once set up, none
# needs a network.
#
#   make demo        an LSTM learns English and predicts next words
#   make test        the tests
#   make test-peers  the comparison with Keras and PyTorch, live
#   make keras-table every public name of Keras beside ours, live, as docs/keras.md
#   make bench       kernels beside NumPy, as a table, which is build/bench.md too
#   make instructions
#                    instructions of small calls, counted by valgrind (apt install valgrind), beside
#                    the counts stored; INSTRUCTIONS_ARGS=--store writes them down
#   make bench-peers ours beside other frameworks, by turns, as bench/RESULTS.md
#   make lint        ruff and mypy
#   make tidy        clang-tidy over all of csrc/, with the checks of .clang-tidy
#   make pythons     the tests on every Python from 3.11 on that is found (PATH, pyenv)
#   make sanitize    the kernels' tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make tsan        the kernels' tests, and those of threads, under ThreadSanitizer
#   make valgrind    every kernel, with shapes off its vectors, under memcheck (apt install valgrind)
#   make faults      the long tests, of faults and of streams, as long as they take
#   make fuzz        the readers of files under mutated files for FUZZ_SECONDS, then the compiled core
#                    under mutated arguments, with AddressSanitizer, for as long
#   make soak        random models against the reference, and Keras if installed, for SOAK_SECONDS
#   make aarch64     the kernels' tests on an emulated ARM processor
#   make avx512      the kernels' tests on AVX-512 emulated in C++, on a processor of AVX2
#   make wheel       dist/gatework-*.whl, ready to be published
#   make dev         an editable installation; again after a change in csrc/
#   make clean       removes all of it

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
BENCH_ARGS ?=
INSTRUCTIONS_ARGS ?=
PEERS_ARGS ?= -o bench/RESULTS.md
FUZZ_SECONDS ?= 300
SOAK_SECONDS ?= 300

# A sanitizer in every configuration is neither needed nor fast: one level per vector width.
SANITIZE_LEVELS := baseline;avx2;avx512

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
NATIVE := pyproject.toml CMakeLists.txt $(shell find csrc -type f)
PACKAGE := $(shell find python -type f -not -path '*/__pycache__/*')

TSAN_TESTS := tests/kernels tests/autograd/test_threads.py tests/models/test_weights_lock.py \
	tests/inference/test_program.py tests/inference/test_session.py tests/faults/test_threads.py
comma := ,

# Passed to the build as they are, e.g. --config-settings=cmake.define.GATEWORK_OPENMP=OFF
BUILD_SETTINGS ?=

.PHONY: demo faults fuzz fuzz-calls soak test test-peers keras-table bench bench-peers instructions \
	lint tidy pythons sanitize run-sanitized tsan run-tsan valgrind aarch64 \
	avx512 run-emulated wheel dev clean
.DELETE_ON_ERROR:
.SECONDARY:

demo: $(VENV)/plot.stamp $(VENV)/gatework.stamp
	$(BIN)/gatework demo

test: $(VENV)/test.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m pytest -m "not peers and not long" $(PYTEST_ARGS)

faults: $(VENV)/test.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m pytest tests -m long $(PYTEST_ARGS)

# Coverage-guided where atheris can be had for this Python, at random elsewhere.
fuzz: $(VENV)/test.stamp $(VENV)/gatework.stamp
	@$(PIP) install atheris >/dev/null 2>&1 || echo "no atheris for this Python: mutations at random"
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)
	$(MAKE) fuzz-calls VENV=.venv-fuzz \
		BUILD_SETTINGS="$(call sanitized_build,fuzz,address$(comma)undefined) \
		--config-settings=cmake.define.GATEWORK_TRACE=ON"

fuzz-calls: $(VENV)/test.stamp $(VENV)/gatework.stamp
	$(UNDER_SANITIZERS) \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=4096 \
	$(BIN)/python -m tests.fuzz.calls --seconds $(FUZZ_SECONDS) || \
		{ echo "the call: $$(cat build/fuzz/calls/last.txt)"; exit 1; }

soak: $(VENV)/test.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS)

test-peers: $(VENV)/test.stamp $(VENV)/peers.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m pytest tests/peers $(PYTEST_ARGS)

keras-table: $(VENV)/test.stamp $(VENV)/peers.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m tests.peers.keras_table -o docs/keras.md

bench: $(VENV)/test.stamp $(VENV)/gatework.stamp
	@mkdir -p build
	$(BIN)/python -m pytest bench --benchmark-enable --benchmark-json=build/bench.json \
		--benchmark-quiet --benchmark-min-rounds=3 --benchmark-max-time=0.5 $(BENCH_ARGS)
	$(BIN)/python -m bench.report build/bench.json -o build/bench.md

instructions: $(VENV)/gatework.stamp
	$(BIN)/python -m bench.instructions $(INSTRUCTIONS_ARGS)

bench-peers: $(VENV)/peers.stamp $(VENV)/rivals.stamp $(VENV)/plot.stamp $(VENV)/gatework.stamp
	$(BIN)/python -m bench.peers $(PEERS_ARGS)

lint: $(VENV)/lint.stamp $(VENV)/runtime.stamp
	$(BIN)/ruff check
	$(BIN)/mypy

# Plain threads, because Clang has its OpenMP in a package of its own. Our assertions are seen; those of
# pybind11, which throw in destructors, are not.
tidy: $(VENV)/build.stamp $(VENV)/tidy.stamp
	@mkdir -p build
	$(BIN)/cmake -S . -B build/tidy -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
		-DCMAKE_BUILD_TYPE=Debug -DGATEWORK_OPENMP=OFF -DGATEWORK_PLAIN_THREADS=ON \
		-DCMAKE_CXX_FLAGS=-DPYBIND11_NO_ASSERT_GIL_HELD_INCREF_DECREF \
		-DPython_EXECUTABLE=$(abspath $(BIN))/python \
		-Dpybind11_DIR=$$($(BIN)/python -m pybind11 --cmakedir) >build/tidy.log
	find csrc -name '*.cpp' | sort | xargs -P $$(nproc) -n 1 $(BIN)/clang-tidy -p build/tidy --quiet

# Each in an environment of its own. A name that pyenv knows but does not start is left out.
PYTHONS ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 \
	"$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/*/bin/python3.1[1-9]; do \
	$$python -c 'import sys; print(sys._base_executable)' 2>/dev/null; done | sort -u)

pythons:
	@test -n "$(PYTHONS)" || { echo "no Python of 3.11 or later was found: make PYTHONS=..."; exit 1; }
	set -e; for python in $(PYTHONS); do \
		$(MAKE) test PYTHON=$$python VENV=.venv-$$(basename $$python); done

dev: $(VENV)/test.stamp $(VENV)/lint.stamp $(VENV)/plot.stamp $(VENV)/gatework.stamp

# Settings of an environment of its own: the editable installation in $(VENV) stays fast.
sanitized_build = --config-settings=build-dir=build/$(1) \
	--config-settings=cmake.define.CMAKE_UNITY_BUILD=ON \
	--config-settings=cmake.build-type=Debug \
	--config-settings=cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O1 \
	--config-settings=cmake.define.GATEWORK_SANITIZE=$(2) \
	'--config-settings=cmake.define.GATEWORK_ISA_LEVELS=$(SANITIZE_LEVELS)'

sanitize:
	$(MAKE) run-sanitized VENV=.venv-sanitize \
		BUILD_SETTINGS="$(call sanitized_build,sanitize,address$(comma)undefined)"

# libstdc++ too: AddressSanitizer looks for the real __cxa_throw before Python loads the extension.
PRELOADED = $(foreach library,libasan.so libubsan.so libstdc++.so.6,\
	$(shell $(CXX) -print-file-name=$(library)))

UNDER_SANITIZERS = LD_PRELOAD="$(strip $(PRELOADED))" PYTHONMALLOC=malloc \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# --capture=sys shows a report of theirs
run-sanitized: $(VENV)/test.stamp $(VENV)/gatework.stamp
	$(UNDER_SANITIZERS) $(BIN)/python -m pytest tests/kernels --capture=sys $(PYTEST_ARGS)

# Plain threads in the place of OpenMP's, whose barriers ThreadSanitizer does not see: a report is of
# a race. OpenBLAS has threads of its own kind, so it gets none. Left out is a test that no system call
# is made. setarch, because this sanitizer may refuse addresses at random.
tsan:
	$(MAKE) run-tsan VENV=.venv-tsan BUILD_SETTINGS="$(call sanitized_build,tsan,thread) \
		--config-settings=cmake.define.GATEWORK_OPENMP=OFF \
		--config-settings=cmake.define.GATEWORK_PLAIN_THREADS=ON"

run-tsan: $(VENV)/test.stamp $(VENV)/gatework.stamp
	OPENBLAS_NUM_THREADS=1 HYPOTHESIS_PROFILE=quick \
	TSAN_OPTIONS=suppressions=tests/sanitizers/tsan.supp:exitcode=66:history_size=4 \
	LD_PRELOAD="$$($(CXX) -print-file-name=libtsan.so)" setarch -R $(BIN)/python -m pytest \
		$(TSAN_TESTS) -k "not no_system_call" --capture=sys $(PYTEST_ARGS)

valgrind: $(VENV)/gatework.stamp
	PYTHONMALLOC=malloc OPENBLAS_NUM_THREADS=1 valgrind -q --error-exitcode=9 \
		--suppressions=tests/sanitizers/memcheck.supp $(BIN)/python -m tests.sanitizers.every_kernel

avx512:
	$(MAKE) run-emulated VENV=.venv-avx512 BUILD_SETTINGS="\
		--config-settings=build-dir=build/emulated \
		--config-settings=cmake.define.CMAKE_UNITY_BUILD=ON \
		--config-settings=cmake.build-type=Debug \
		--config-settings=cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O1 \
		--config-settings=cmake.define.GATEWORK_EMULATE_AVX512=ON \
		'--config-settings=cmake.define.GATEWORK_ISA_LEVELS=baseline;avx512;avx512_bf16;avx512_amx'"

run-emulated: $(VENV)/test.stamp $(VENV)/gatework.stamp
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest tests/kernels $(PYTEST_ARGS)

aarch64: $(VENV)/build.stamp
	.ci/aarch64 $(BIN)/python

wheel: dist/wheel.stamp

dist/wheel.stamp: $(NATIVE) $(PACKAGE) README.md LICENSE $(VENV)/build.stamp $(VENV)/wheel.stamp
	rm -rf dist build/wheel
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel $(BUILD_SETTINGS)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/wheel/*.whl
	@ls -l dist/*.whl
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gatework needs Python 3.11 or later: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV) || \
		{ echo "install the venv module (Debian: apt install python3-venv)"; exit 1; }

# The requirements of one group of pyproject.toml: "build", "runtime", or the name of an extra.
$(VENV)/%.stamp: pyproject.toml | $(BIN)/python
	$(PIP) install $$($(BIN)/python .ci/requirements.py $*)
	@touch $@

# Built in the environment itself, so that the build directory stays valid from one run to the next.
$(VENV)/gatework.stamp: $(NATIVE) $(VENV)/build.stamp $(VENV)/runtime.stamp
	$(PIP) install --no-deps --no-build-isolation $(BUILD_SETTINGS) --editable .
	@touch $@

clean:
	rm -rf .venv .venv-* build dist gatework-demo
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
