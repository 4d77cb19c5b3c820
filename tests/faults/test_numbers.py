"""Fault 45, 51, 54 and 83: NaN and infinity, long sequences, the processor's modes."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, inference, layers, models, ops, reference
from gatework.callbacks import TerminateOnNaN
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.programs import code, run
from tests.kernels.cells import CELLS
from tests.kernels.problems import forward_arguments as kernel_arguments
from tests.kernels.problems import (
    forward_by_reference,
    random_problem,
    solve_by_kernel,
    solve_by_reference,
)
from tests.kernels.test_attention import problem as attention_problem

NOT_FINITE = (np.nan, np.inf, -np.inf)


def classes(array: Any) -> Any:
    """What kind each number is: finite, which infinity, NaN."""
    return np.where(np.isnan(array), 2, np.where(np.isinf(array), np.sign(array), 0))


@settings(max_examples=60)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    seed=st.integers(0, 2**31),
    value=st.sampled_from(NOT_FINITE),
    place=st.sampled_from(["x", "initial", "kernel", "recurrent_kernel", "bias"]),
    mask=st.sampled_from(["none", "post", "holes"]),
    units=st.sampled_from([3, 17, 40]),
)
def test_45_as_in_the_equations(
    cell: str, seed: int, value: float, place: str, mask: str, units: int
) -> None:
    """Where the equations in NumPy give NaN, an infinity or a number, so does every kernel.

    Compared in float32: of sums without overflow only what is not finite at the start spreads.
    """
    rng = np.random.default_rng(seed)
    problem = random_problem(cell, rng, 6, 5, 4, units, mask=mask)
    arrays = {
        "x": problem.x,
        "initial": (problem.initial_state or (problem.x,))[0],
        "kernel": problem.kernel,
        "recurrent_kernel": problem.recurrent_kernel,
        "bias": problem.bias,
    }
    target = arrays[place]
    assert target is not None
    target.flat[rng.integers(target.size)] = value
    with np.errstate(all="ignore"):
        expected, states, _ = forward_by_reference(problem.astype(np.float64))
    y, found, _ = _core.recurrent_forward(**kernel_arguments(problem), keep=False)
    np.testing.assert_array_equal(classes(y), classes(expected))
    for now, then in zip(found, states, strict=True):
        np.testing.assert_array_equal(classes(now), classes(then))


UNARY = sorted(set(reference.ACTIVATIONS))


@pytest.mark.parametrize("name", UNARY)
def test_45_activations(name: str, isa: str) -> None:
    """At every place of a vector, and one after the last whole one."""
    x = np.linspace(-3, 3, 37).astype(np.float32)
    for value in NOT_FINITE:
        for place in (0, 5, 31, 36):
            given = x.copy()
            given[place] = value
            with np.errstate(all="ignore"):
                expected = reference.ACTIVATIONS[name].value(given.astype(np.float64))
            found = _core.activation_forward(name, given)
            np.testing.assert_array_equal(classes(found), classes(expected), err_msg=name)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    value=st.sampled_from(NOT_FINITE),
    rows=st.integers(1, 40),
    depth=st.integers(1, 70),
    columns=st.integers(1, 70),
    left=st.booleans(),
)
def test_45_products(
    seed: int, value: float, rows: int, depth: int, columns: int, left: bool
) -> None:
    """inf · 0 is NaN, inf - inf is NaN, and other rows and columns stay numbers."""
    rng = np.random.default_rng(seed)
    a = rng.integers(-2, 3, (rows, depth)).astype(np.float32)
    b = rng.integers(-2, 3, (depth, columns)).astype(np.float32)
    target = a if left else b
    for _ in range(2):
        target.flat[rng.integers(target.size)] = value
    with np.errstate(invalid="ignore"):
        expected = (a[:, :, None] * b[None, :, :]).sum(1)
    np.testing.assert_array_equal(classes(_core.gemm(a, b)), classes(expected))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    value=st.sampled_from(NOT_FINITE),
    which=st.sampled_from([0, 1, 2]),
    time=st.sampled_from([1, 3, 40, 70]),
    keys=st.sampled_from([1, 5, 70]),
    features=st.sampled_from([1, 7, 16]),
    soft_cap=st.sampled_from([None, 2.0]),
)
def test_45_attention(
    seed: int, value: float, which: int, time: int, keys: int, features: int, soft_cap: float | None
) -> None:
    """Every query that looks at what is not finite gives what the equations give, no other does."""
    p = attention_problem(
        seed, time=time, keys=keys, features=features, value_features=5, heads=4, soft_cap=soft_cap
    )
    target = p.arrays[which]
    target.flat[np.random.default_rng(seed).integers(target.size)] = value
    with np.errstate(all="ignore"):
        expected, _ = reference.attention_forward(*p.wide(), p.scale, **p.options)
    np.testing.assert_array_equal(classes(p.forward()[0]), classes(expected))


def whole_program() -> Any:
    """A program with a kernel of every kind."""
    gatework.utils.set_random_seed(45)
    entry = layers.Input((None, 5))
    x = layers.Conv1D(6, 3, padding="causal", activation="relu")(entry)
    x = layers.BatchNormalization()(layers.DepthwiseConv1D(2, padding="same")(x))
    x = layers.Bidirectional(layers.LSTM(9, return_sequences=True))(x)
    x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x))
    x = layers.MaxPooling1D(2)(layers.GRU(7, return_sequences=True)(x))
    y = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.SimpleRNN(3)(x)])
    return models.Model(entry, layers.Dense(4, "softmax")(y))


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_45_rows_of_a_program_keep_to_themselves(dtype: str, value: float) -> None:
    """And the row itself shows it as the layers do, one by one."""
    model = whole_program()
    program = inference.compile(model, dtype=dtype)
    x = np.random.default_rng(1).normal(size=(9, 6, 5)).astype(np.float32)
    expected = program(x)
    x[4, 2, 1] = value
    found = program(x)
    others = np.arange(9) != 4
    np.testing.assert_array_equal(found[others], expected[others])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(classes(found), classes(model(x, training=False)))


@pytest.mark.parametrize("value", NOT_FINITE)
def test_45_rows_of_a_stream_keep_to_themselves(value: float) -> None:
    """Also at later steps; reset makes the row a number again."""
    model = models.Sequential(
        [layers.Input((None, 5)), layers.LSTM(9, return_sequences=True), layers.Dense(3)]
    )
    session = inference.compile(model).session(4)
    clean = inference.compile(model).session(4)
    x = np.random.default_rng(1).normal(size=(4, 6, 5)).astype(np.float32)
    bad = x.copy()
    bad[2, 1, 0] = value
    for t in range(6):
        if t == 4:
            session.reset(2)
            clean.reset(2)
        found, expected = session.step(bad[:, t]), clean.step(x[:, t])
        wrong = t in (1, 2, 3) and np.isnan(value)
        assert np.isnan(found[2]).all() == wrong
        np.testing.assert_array_equal(found[[0, 1, 3]], expected[[0, 1, 3]])
        if t >= 4:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(5, activation="relu"),
        layers.LayerNormalization(),
        layers.Softmax(),
        layers.LSTM(4),
        layers.Conv1D(3, 2),
        layers.Bidirectional(layers.GRU(3)),
        layers.MaxPooling1D(2),
        layers.GlobalAveragePooling1D(),
        layers.LSTM(4, layer_normalization=True, return_sequences=True),
        layers.GRU(4, layer_normalization=True),
        layers.GRU(40, dtype="mixed_bfloat16"),
        layers.BatchNormalization(),
        layers.RMSNormalization(),
        layers.DepthwiseConv1D(2),
        layers.TransformerEncoder(6, 1),
        layers.TransformerDecoder(6, 1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_45_rows_keep_to_themselves(layer: Any, value: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(9, 6, 5)).astype(np.float32)
    expected = np.asarray(layer(x)).copy()
    bad = x.copy()
    bad[4, 2, 1] = value
    with np.errstate(invalid="ignore"):
        found = np.asarray(layer(bad))
    others = np.arange(9) != 4
    np.testing.assert_array_equal(found[others], expected[others])


def test_45_training_stops_within_one_batch() -> None:
    made = models.Sequential([layers.Input((3,)), layers.Dense(1)])
    made.compile("sgd", "mse")
    x, y = np.ones((40, 3), np.float32), np.ones((40, 1), np.float32)
    x[17, 1] = np.nan
    batches: list[int] = []

    class Count(TerminateOnNaN):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            batches.append(batch)
            super().on_train_batch_end(batch, logs)

    made.fit(x, y, batch_size=4, epochs=9, shuffle=False, verbose=0, callbacks=[Count()])
    assert batches[-1] == 4
    assert all(np.isfinite(w).all() for w in made.get_weights())


@pytest.mark.parametrize("value", [1e4, -1e4, 1e30, -1e30, np.float32(3.4e38)])
def test_54_exploding_inputs(value: float) -> None:
    x = np.full((2, 19), value, np.float32)
    for name in ("sigmoid", "tanh", "softmax", "hard_sigmoid", "softsign"):
        found = np.asarray(layers.Activation(name)(x))
        assert np.isfinite(found).all(), name
        assert (np.abs(found) <= 1).all(), name
    masked = np.full((1, 4), -np.inf, np.float32)  # a row of attention that may see nothing
    found = np.asarray(ops.softmax(masked))
    assert found.shape == (1, 4)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(classes(found), classes(reference.softmax_forward(masked)))


STEPS = 100_000


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_51_a_hundred_thousand_steps(cell: str) -> None:
    """Late in the sequence as exact as at its start, against the equations in double precision.

    These states forget: after a thousand steps nothing is left of where they started.
    """
    problem = random_problem(cell, np.random.default_rng(51), 1, STEPS, 2, 8)
    y, _, _ = _core.recurrent_forward(**kernel_arguments(problem), keep=False)
    for start in (0, STEPS // 2, STEPS - 1500):
        part = replace(problem, x=problem.x[:, start : start + 1500], initial_state=None)
        expected, _, _ = forward_by_reference(part.astype(np.float64))
        np.testing.assert_allclose(y[:, start + 1000 : start + 1500], expected[:, 1000:], atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_51_bfloat16_loses_no_more_late_than_early(cell: str) -> None:
    """What rounding to eight bits loses does not grow with the steps: states forget it."""
    problem = random_problem(cell, np.random.default_rng(51), 1, STEPS, 2, 8)
    given = kernel_arguments(problem)
    plain, _, _ = _core.recurrent_forward(**given, keep=False)
    rounded, _, _ = _core.recurrent_forward(**given, keep=False, bf16=True)
    lost = np.abs(rounded - plain).max(axis=2)[0]
    tenths = lost.reshape(10, -1)
    assert lost.max() < 0.05
    assert tenths.mean(axis=1).max() < 1.2 * tenths[0].mean()


@pytest.mark.long
@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_51_every_one_of_them(cell: str) -> None:
    problem = random_problem(cell, np.random.default_rng(51), 1, STEPS, 2, 8)
    y, states, _ = _core.recurrent_forward(**kernel_arguments(problem), keep=False)
    expected, final, _ = forward_by_reference(problem.astype(np.float64))
    np.testing.assert_allclose(y, expected, atol=2e-6)
    for now, then in zip(states, final, strict=True):
        np.testing.assert_allclose(now, then, atol=2e-6)


def test_51_gradients_of_a_long_sequence() -> None:
    """Training on 5,000 steps gives the gradient of the equations, and needs no deep stack."""
    problem = random_problem("gru", np.random.default_rng(52), 1, 5_000, 2, 4)
    found, expected = solve_by_kernel(problem), solve_by_reference(problem.astype(np.float64))
    for name, gradient in expected.gradients.items():
        size = np.abs(gradient).max()
        np.testing.assert_allclose(
            found.gradients[name], gradient, atol=2e-4 * size + 1e-4, err_msg=name
        )


X86 = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="reads MXCSR through glibc"
)

MODES = """
    import ctypes
    libm = ctypes.CDLL("libm.so.6")
    def mode():
        environment = (ctypes.c_uint32 * 8)()
        libm.fegetenv(environment)
        return environment[7] & ~0x3F, environment[0] & 0xFFFF
    def set_mode(bits):
        environment = (ctypes.c_uint32 * 8)()
        libm.fegetenv(environment)
        environment[7] = (environment[7] & ~0xE040) | bits
        libm.fesetenv(environment)
"""


@X86
@pytest.mark.parametrize(
    "bits", [0x0, 0x8040, 0x6000, 0x2000], ids=["plain", "ftz", "zero", "down"]
)
def test_83_modes_of_the_processor(bits: int) -> None:
    """Flush to zero or another rounding, set by someone else before or after the import, stays;
    kernels still tell NaN from numbers."""
    program = f"""
        before = mode()
        set_mode({bits})
        wanted = mode()
        x, y = some_data()
        for isa in _core.isa_available():
            _core.set_isa(isa)
            for threads in (1, 2):
                _core.set_num_threads(threads)
                model = small_model()
                model.fit(x, y, verbose=0)
                found = model.predict(x, verbose=0)
                assert mode() == wanted
                assert np.isfinite(found).all()
                x[0, 0, 0] = np.nan
                assert np.isnan(model.predict(x, verbose=0)[0]).all()
                x[0, 0, 0] = 0
        assert mode() == wanted
    """
    run(code(MODES, program))


def test_83_import_leaves_the_process_as_it_was() -> None:
    """Modes of the processor, signal handlers, number of threads of others, environment, limits,
    warnings, random numbers."""
    program = """
import locale, os, random, resource, signal, sys, threading, warnings
import numpy as np
def state():
    return (
        [signal.getsignal(s) for s in signal.valid_signals()
         if s not in (signal.SIGKILL, signal.SIGSTOP)],
        signal.pthread_sigmask(signal.SIG_BLOCK, []),
        dict(os.environ), os.getcwd(), os.sched_getaffinity(0), locale.setlocale(locale.LC_ALL),
        [resource.getrlimit(r) for r in (resource.RLIMIT_STACK, resource.RLIMIT_NOFILE)],
        warnings.filters[:], np.geterr(), random.getstate(), np.random.get_state()[1].tolist(),
        threading.active_count(), sys.getswitchinterval(), sys.getrecursionlimit(),
        sys.excepthook, threading.excepthook, sys.gettrace(), os.umask(os.umask(0o22)),
        len(os.listdir("/proc/self/task")), sorted(os.listdir("/proc/self/fd")),
    )
before = state()
import gatework
import gatework.layers, gatework.models, gatework.saving, gatework.callbacks
import gatework.inference, gatework.tokenizers, gatework.samplers
assert state() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
