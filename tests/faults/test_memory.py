"""Faults 74 and 75: memory runs out, at every allocation in turn and under a limit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.failing import HANDLES, build
from tests.faults.programs import code, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")

# Everything that takes memory in C++, the loads and kernels of a small model, on two threads.
JOBS = """
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 6, 5)).astype("f4")
y = rng.integers(0, 3, 300)
ids = rng.integers(0, 9, (300, 6))

def sequences():
    made = models.Sequential([
        layers.Input((6, 5)), layers.LSTM(70, return_sequences=True, recurrent_dropout=0.1),
        layers.BatchNormalization(), layers.Bidirectional(layers.GRU(40)),
        layers.Dropout(0.1), layers.Dense(3, activation="softmax"),
    ])
    made.compile("adam", "sparse_categorical_crossentropy")
    return made, x

def words():
    made = models.Sequential([
        layers.Input((6,)), layers.Embedding(9, 5, mask_zero=True),
        layers.Conv1D(8, 3, padding="causal"), layers.LayerNormalization(),
        layers.SimpleRNN(33), layers.Dense(3, activation="softmax"),
    ])
    made.compile(gatework.optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy")
    return made, ids

def attends():
    made = models.Sequential([
        layers.Input((6,)), layers.TokenAndPositionEmbedding(9, 6, 8),
        layers.TransformerDecoder(16, 2, dropout=0.1),
        layers.Conv1D(8, 3, padding="causal"), layers.LSTM(9, layer_normalization=True),
        layers.Dense(3, activation="softmax"),
    ])
    made.compile("adam", "sparse_categorical_crossentropy")
    return made, ids

def rounded():
    made = models.Sequential([
        layers.Input((6, 5)), layers.GRU(70, dtype="mixed_bfloat16"),
        layers.Dense(3, activation="softmax", dtype="mixed_bfloat16"),
    ])
    made.compile("adam", "sparse_categorical_crossentropy")
    return made, x

def stream():
    layer = layers.LSTM(20)
    layer.build((None, None, 5))
    return layer
"""

EVERY = """
model, inputs = globals()[sys.argv[1]]()
model.fit(inputs, y, batch_size=300, verbose=0)
layer = stream()
_core.set_num_threads(2)
assert library.watch_library(sys.argv[2].encode())
path = sys.argv[3] + "/model.keras"
model.save(path)

def job():
    _core.release_memory()
    model.train_on_batch(inputs, y)
    found = model.predict(inputs, batch_size=300, verbose=0)
    again = gatework.saving.load_model(path)
    steps = layer.stream(2)
    for t in range(2):
        steps.step(x[:2, t])
    return found

job()
library.fail_memory_after(-1)
job()
total = library.how_many_seen()
refused = 0
for n in range(0, total + 3, int(sys.argv[4])):
    before = model.get_weights()
    library.fail_memory_after(n)
    try:
        job()
    except MemoryError:
        refused += 1
    except Exception as error:
        # Pythons C code may turn it into an error of its own, which must say so.
        if "memory" not in str(error).lower() and "alloc" not in str(error).lower():
            raise
        refused += 1
    finally:
        library.fail_memory_after(-1)
    assert _core.num_threads() == 2
model.set_weights(before)
assert np.isfinite(model.predict(inputs, verbose=0)).all()
assert model.fit(inputs, y, verbose=0).epoch == [0]
print(total, refused)
"""


@pytest.mark.parametrize(
    ("model", "step"),
    [
        ("words", 11),
        ("sequences", 37),
        ("attends", 23),
        ("rounded", 29),
        pytest.param("words", 1, marks=pytest.mark.long),
        pytest.param("sequences", 1, marks=pytest.mark.long),
        pytest.param("attends", 1, marks=pytest.mark.long),
        pytest.param("rounded", 1, marks=pytest.mark.long),
    ],
)
def test_74_every_allocation_fails_once(model: str, step: int, tmp_path: Path) -> None:
    """Those of the kernels and their bindings, also on other threads: never the end of the process.

    NumPy's own are left alone: its iterators crash where they find no memory for their buffers.
    """
    out = run(
        code(HANDLES, JOBS, EVERY), model, "gatework/_core.", str(tmp_path), str(step),
        seconds=900, LD_PRELOAD=build(tmp_path),
    )  # fmt: skip
    total, refused = map(int, out.split())
    assert total > 100
    assert refused > 0.7 * total / step


PROGRAMS = """
from gatework import inference
_core.set_num_threads(2)
gatework.utils.set_random_seed(1)
entry = layers.Input((None,))
y = layers.Embedding(9, 8, mask_zero=True)(entry)
y = layers.Bidirectional(layers.GRU(33, return_sequences=True))(y)
y = layers.Conv1D(8, 3, padding="causal", activation="relu")(y)
y = layers.MultiHeadAttention(2, 4)(y, y, use_causal_mask=True)
whole = models.Model(entry, layers.Dense(3)(layers.LayerNormalization()(y)))
words = models.Sequential([
    layers.Input((None,)), layers.Embedding(9, 8), layers.LSTM(40, return_sequences=True),
    layers.Dense(9),
])
path = sys.argv[2] + "/model.gwp"
inference.compile(whole).save(path)
texts = rng.integers(1, 9, (40, 6))

def job():
    _core.release_memory()
    program = inference.load(path)
    rounded = inference.compile(words, dtype="bfloat16")
    found = program(texts), program(texts[:3]), rounded(texts)
    session = rounded.session(3)
    for t in range(3):
        session.step(texts[:3, t])
    session.clone().run(texts[:3])
    words.generate([1, 2], max_length=6)
    return found

kept = inference.load(path)
steady = inference.compile(words).session(3)
job()
expected = job(), kept(texts)
library.watch_library(sys.argv[1].encode())
library.fail_memory_after(-1)
job()
total = library.how_many_seen()
refused = 0
for n in range(0, total + 3, int(sys.argv[3])):
    library.fail_memory_after(n)
    try:
        job()
    except MemoryError:
        refused += 1
    except Exception as error:
        if "memory" not in str(error).lower() and "alloc" not in str(error).lower():
            raise
        refused += 1
    library.fail_memory_after(n % 50)  # a program and a stream that live through it
    for call in (lambda: kept(texts[: 1 + n % 40]), lambda: steady.step(texts[:3, 0])):
        try:
            call()
        except MemoryError:
            pass
    library.fail_memory_after(-1)
for one, two in zip(job(), expected[0]):
    assert (one == two).all()
assert (kept(texts) == expected[1]).all()
steady.reset()
whole = steady.run(texts[:3])
steady.reset()
for t in range(6):
    assert np.allclose(steady.step(texts[:3, t]), whole[:, t], atol=1e-6)
print(total, refused)
"""


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.long)])
def test_74_programs_streams_and_generation(step: int, tmp_path: Path) -> None:
    """Programs, files and streams; those that were there before compute on as ever."""
    out = run(
        code(HANDLES, JOBS, PROGRAMS), "gatework/_core.", str(tmp_path), str(step),
        seconds=900, LD_PRELOAD=build(tmp_path),
    )  # fmt: skip
    total, refused = map(int, out.split())
    assert total > 100
    assert refused > 0.7 * total / step


def test_75_a_limit_of_addresses() -> None:
    """MemoryError from Python's calls and from kernels on two threads; then all goes on."""
    run(
        code(JOBS, """
import resource
model, inputs = sequences()
model.fit(inputs, y, verbose=0)
_core.set_num_threads(2)
huge = models.Sequential([layers.Input((None, 64)), layers.LSTM(128, return_sequences=True)])
huge.predict(np.zeros((1, 3, 64), "f4"), verbose=0)
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (400 << 20), -1))
refused = 0
for rows in (50, 2_000, 6_000):
    try:
        data = np.zeros((rows, 300, 64), "f4")
        huge.predict(data, batch_size=rows, verbose=0)
    except MemoryError:
        refused += 1
assert refused >= 2, refused
assert np.isfinite(model.predict(inputs, verbose=0)).all()
model.fit(inputs, y, verbose=0)
""")
    )  # fmt: skip
