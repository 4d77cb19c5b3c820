"""Streams give the numbers of the whole sequence, and a step is nothing but its kernels."""

import os
import platform
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.models import shaken

STREAMED: list[Any] = [
    lambda: layers.LSTM(7, return_sequences=True),
    lambda: layers.GRU(17, return_sequences=True, num_layers=2),
    lambda: layers.GRU(5, return_sequences=True, reset_after=False, activation="relu"),
    lambda: layers.SimpleRNN(4, return_sequences=True),
    lambda: layers.LSTM(8, return_sequences=True, projection=3, peepholes=True),
    lambda: layers.Conv1D(6, 3, padding="causal", activation="tanh"),
    lambda: layers.Conv1D(4, 2, padding="causal", dilation_rate=3),
    lambda: layers.Conv1D(3, 1),
    lambda: layers.DepthwiseConv1D(1),
    lambda: layers.LSTM(3, return_sequences=True, zoneout=0.2, cell_zoneout=0.1),
    lambda: layers.LSTM(5, return_sequences=True, layer_normalization=True, projection=3),
    lambda: layers.GRU(6, return_sequences=True, layer_normalization=True, norm_epsilon=1e-5),
    lambda: layers.TimeDistributed(layers.Dense(5, "softmax")),
    lambda: layers.LayerNormalization(),
    lambda: layers.BatchNormalization(),
    lambda: layers.Masking(),
    lambda: layers.LeakyReLU(),
]


@st.composite
def streamed_models(draw: Any) -> Any:
    inner = [draw(st.sampled_from(STREAMED))() for _ in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        inner += [layers.LSTM(6), layers.Dense(3)]
    return shaken(gatework.Sequential([layers.Input((None, 3)), *inner]), 4)


@given(model=streamed_models(), batch=st.sampled_from([1, 3]), seed=st.integers(0, 50))
def test_steps_and_blocks_give_the_numbers_of_the_whole(model: Any, batch: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, 9, 3)).astype("float32")
    x[rng.random((batch, 9)) < 0.2] = 0.0
    program = compile(model)
    whole = program(x)
    steps, blocks = program.session(batch), program.session(batch)
    found = [steps.step(x[:, t]) for t in range(9)]
    parts = [blocks.run(x[:, a:b]) for a, b in ((0, 1), (1, 5), (5, 9))]
    if whole.ndim == 3:
        np.testing.assert_array_equal(np.stack(found, axis=1), whole)
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    else:  # each step returns what the model would if the sequence ended there
        for t in range(9):
            np.testing.assert_array_equal(found[t], program(x[:, : t + 1]))
        np.testing.assert_array_equal(parts[-1], whole)
    for name, state in steps.state.items():
        np.testing.assert_array_equal(state, blocks.state[name])


def language_model() -> Any:
    return shaken(
        gatework.Sequential(
            [
                layers.Input((None,)),
                layers.Embedding(9, 4, mask_zero=True),
                layers.GRU(6, return_sequences=True, name="lower"),
                layers.LSTM(5, name="upper"),
                layers.Dense(9, "softmax"),
            ]
        ),
        6,
    )


def test_ids_and_their_masks_stream() -> None:
    program = compile(language_model())
    x = np.array([[1, 0, 3, 4], [0, 0, 2, 0]])
    session = program.session(2)
    for t in range(4):
        np.testing.assert_array_equal(session.step(x[:, t]), program(x[:, : t + 1]))


def test_states_are_read_restored_cloned_and_reset_by_row() -> None:
    program = compile(language_model())
    rng = np.random.default_rng(0)
    first, second = rng.integers(1, 9, (2, 3, 5))
    session = program.session(3)
    session.run(first)
    kept = session.state
    assert {name: state.shape for name, state in kept.items()} == {
        "lower/h": (3, 6),
        "upper/h": (3, 5),
        "upper/c": (3, 5),
    }
    other = session.clone()
    wanted = session.run(second)
    np.testing.assert_array_equal(other.run(second), wanted)
    session.state = kept
    np.testing.assert_array_equal(session.run(second), wanted)
    session.state = kept
    session.reset(rows=[1])
    found = session.run(second)
    np.testing.assert_array_equal(found[[0, 2]], wanted[[0, 2]])
    np.testing.assert_array_equal(found[1], program(second)[1])
    session.reset()
    np.testing.assert_array_equal(session.run(second), program(second))
    session.state = kept
    session.select([2, 0, 2])
    np.testing.assert_array_equal(session.run(second[[2, 0, 2]]), wanted[[2, 0, 2]])
    with pytest.raises(ValueError, match=r"rows must be in \[0, 3\), not 3"):
        session.select([3])
    with pytest.raises(ValueError, match="rows must be at least one"):
        session.select([])


def test_a_refused_step_leaves_the_states() -> None:
    words, x = layers.Input((None,)), layers.Input((None, 3))
    lower = layers.GRU(4, return_sequences=True)(x)
    late = layers.Embedding(9, 4)(words)
    model = gatework.Model([x, words], layers.Add()([lower, late]))
    session = compile(model).session()
    session.step([np.ones((1, 3), "float32"), np.array([1])])
    before = session.state
    with pytest.raises(ValueError, match=r"embedding ids must be in \[0, 9\), not 9"):
        session.step([np.ones((1, 3), "float32"), np.array([9])])
    for name, state in session.state.items():
        np.testing.assert_array_equal(state, before[name])


def test_bad_arguments_are_refused() -> None:
    program = compile(language_model())
    session = program.session(2)
    with pytest.raises(ValueError, match="of 2 rows, as the session has"):
        session.step(np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"must have shape \(any\), not \(2, 1\)"):
        session.step(np.ones((2, 1), int))
    with pytest.raises(ValueError, match=r"out must be of shape \(2, 9\)"):
        session.step(np.array([1, 2]), out=np.empty((2, 8), "float32"))
    with pytest.raises(ValueError, match=r"rows must be in \[0, 2\), not 2"):
        session.reset(2)
    with pytest.raises(ValueError, match="state must have the keys"):
        session.state = {"lower/h": np.zeros((2, 6))}
    with pytest.raises(ValueError, match="upper/c must be of shape"):
        session.state = {**session.state, "upper/c": np.zeros((2, 6))}
    with pytest.raises(ValueError, match="batch must be a positive integer, not 0"):
        program.session(0)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (lambda: layers.LSTM(3, go_backwards=True, name="back"), "'back' goes backwards"),
        (lambda: layers.Bidirectional(layers.GRU(3), name="two"), "'two' reads .* backwards"),
        (lambda: layers.GlobalMaxPooling1D(name="all"), "'all' pools over all steps"),
        (lambda: layers.Conv1D(3, 2, name="c"), "'c' has padding 'valid'"),
        (lambda: layers.Conv1D(3, 2, 2, "causal", name="c"), "'c' has strides 2"),
        (lambda: layers.MaxPooling1D(name="p"), "'p' pools windows"),
        (lambda: layers.Flatten(name="f"), "'f' joins all steps"),
    ],
)
def test_what_cannot_stream_says_why(layer: Any, why: str) -> None:
    program = compile(gatework.Sequential([layers.Input((4, 3)), layer()]))
    with pytest.raises(ValueError, match=why):
        program.session()


def test_a_session_is_of_one_thread_at_a_time() -> None:
    model = gatework.Sequential([layers.Input((None, 64)), layers.LSTM(256)])
    session = compile(model).session(64)
    block = np.zeros((64, 60, 64), "float32")
    refused, done = [], []

    def run() -> None:
        for _ in range(3):
            try:
                done.append(session.run(block))
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) + len(refused) == 12
    assert done
    assert all("one thread at a time" in text for text in refused)


def test_sessions_of_one_program_in_eight_threads() -> None:
    """Each stream goes its own way, beside calls of the program as a whole."""
    model = gatework.Sequential(
        [
            layers.Input((None, 6)),
            layers.Conv1D(9, 3, padding="causal"),
            layers.LSTM(40, return_sequences=True),
            layers.GRU(17, return_sequences=True, activation="softsign"),
            layers.LayerNormalization(),
            layers.Dense(5, "softmax"),
        ]
    )
    program = compile(model)
    xs = np.random.default_rng(0).normal(size=(8, 2, 12, 6)).astype("float32")
    wanted = [program(x) for x in xs]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(3):
            session = program.session(2)
            half = [session.step(xs[number][:, t]) for t in range(6)]
            whole = program(xs[number])
            rest = session.clone().run(xs[number][:, 6:])
            found = np.concatenate([np.stack(half, 1), rest], 1)
            if not (
                np.array_equal(whole, wanted[number])
                and np.allclose(found, wanted[number], atol=1e-6)
            ):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


QUIET = """
import ctypes, gc, os
import numpy as np
import gatework
from gatework import _core, layers
from gatework.inference import compile

gatework.runtime.set_num_threads(1)
entry = layers.Input((None, 24))
x = layers.Conv1D(16, 3, padding="causal", activation="relu")(entry)
x = layers.LayerNormalization()(x)
x = layers.RotaryEmbedding()(x)
x = layers.GroupedQueryAttention(8, 4, 2)(x, x, use_causal_mask=True)
x = layers.TransformerDecoder(24, 2)(x)
x = layers.LSTM(48, return_sequences=True)(x)
x = layers.GRU(32, return_sequences=True, layer_normalization=True)(x)
x = layers.MultiHeadAttention(2, 8, sliding_window=20)(x, x, use_causal_mask=True)
session = compile(gatework.Model(entry, layers.Dense(100, "softmax")(x))).session(max_length=6000)
x, out = np.ones((1, 24), np.float32), np.empty((1, 100), np.float32)
gc.disable()

def steps():
    for _ in range(2000):
        session.step(x, out)

steps()
counted = getattr(ctypes.CDLL(None), "allocations_counted", lambda: 0)
before, taken = _core.blocks_asked_for(), counted()
steps()
assert counted() - taken < 20, counted() - taken  # of 2,000 steps: Python's own, if any
assert _core.blocks_asked_for() == before, "working memory was taken from the shared blocks"
# From here on the kernel ends the process at the first system call that is not read or write.
assert ctypes.CDLL(None, use_errno=True).prctl(22, 1, 0, 0, 0) == 0
steps()
os.write(1, b"quiet")
"""


COUNTING = """
#include <stddef.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_memalign(size_t, size_t);
static long count;
long allocations_counted(void) { return count; }
void *malloc(size_t n) { ++count; return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { ++count; return __libc_calloc(n, size); }
int posix_memalign(void **p, size_t align, size_t n) {
    ++count;
    return (*p = __libc_memalign(align, n)) ? 0 : 12; /* ENOMEM */
}
"""


def preloaded(folder: Path) -> dict[str, str]:
    """An environment in which malloc counts its calls; an empty one without compiler or glibc."""
    compiler = shutil.which("cc")
    if compiler is None or platform.libc_ver()[0] != "glibc":
        return {}
    source, library = folder / "counting.c", folder / "counting.so"
    source.write_text(COUNTING)
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux' own")
def test_steps_make_no_system_call_and_take_no_memory(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", QUIET],
        capture_output=True,
        check=False,
        env={**os.environ, **preloaded(tmp_path)},
    )
    assert found.stdout == b"quiet", found.stderr.decode()
