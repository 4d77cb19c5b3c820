"""What is counted: small calls of the kernels, run under callgrind by ``bench.instructions``.

Each runs N and 2 N times; the difference is that of N calls, whatever surrounds them. Letters: B
batch, T time steps, I inputs, H units.
"""

from __future__ import annotations

import ctypes
import gc
import json
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gatework
import numpy as np
from gatework import _core

REPEATS = 4
LEVELS = ("baseline", "avx2")  # valgrind knows no AVX-512

Call = Callable[[], Any]


def recurrent(cell: str, gates: int, bias_rows: int, states: int) -> Call:
    """Forward and backward pass of a layer: B 4, T 8, I = H = 32."""
    b, t, h = 4, 8, 32
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((b, t, h), np.float32) for _ in range(2))
    kernel, recurrent_kernel = (
        0.1 * rng.standard_normal((h, gates * h), np.float32) for _ in range(2)
    )
    bias = np.zeros((bias_rows, gates * h) if bias_rows > 1 else gates * h, np.float32)

    def train() -> Any:
        *_, saved = _core.recurrent_forward(
            cell, x, kernel, recurrent_kernel, bias, None, None, None, None,
            "tanh", "sigmoid", False, False, True, True,
        )  # fmt: skip
        assert saved is not None
        return _core.recurrent_backward(saved, dy, (None,) * states, True)

    return train


def dense() -> Call:
    """A layer with relu: 32 rows, 64 inputs, 64 units."""
    rng = np.random.default_rng(0)
    x, kernel = (rng.standard_normal(shape, np.float32) for shape in ((32, 64), (64, 64)))
    bias = np.zeros(64, np.float32)
    return lambda: _core.dense_forward(x, kernel, bias, "relu", False)


def adam() -> Call:
    """One update of 64 x 128 weights and 128 biases."""
    rng = np.random.default_rng(0)
    shapes = ((64, 128), (128,))
    params, grads = ([rng.standard_normal(s, np.float32) for s in shapes] for _ in range(2))
    m, v = ([np.zeros(s, np.float32) for s in shapes] for _ in range(2))
    return lambda: _core.adam_update(params, grads, m, v, None, 1e-3, 0.9, 0.999, 1e-7, 1, 0.0, 1.0)


def embedding() -> Call:
    """Look-up of 8 x 32 ids in a table of 200 x 64, and its gradient."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((200, 64), np.float32)
    ids = rng.integers(0, 200, (8, 32)).astype(np.int32)
    dy = rng.standard_normal((8, 32, 64), np.float32)

    def both() -> Any:
        return _core.embedding_forward(table, ids), _core.embedding_backward(ids, dy, 200)

    return both


def padding() -> Call:
    """100 lists of up to 40 numbers, to length 30."""
    rng = np.random.default_rng(0)
    lists = [rng.integers(0, 1000, n).tolist() for n in rng.integers(1, 41, 100)]
    return lambda: _core.pad_sequences(lists, 30, "int32", "pre", "pre", 0)


def workloads() -> Iterator[tuple[str, Call]]:
    yield "lstm train", recurrent("lstm", gates=4, bias_rows=1, states=2)
    yield "gru train", recurrent("gru", gates=3, bias_rows=2, states=1)
    yield "dense", dense()
    yield "adam", adam()
    yield "embedding", embedding()
    yield "pad_sequences", padding()


def environment() -> dict[str, str]:
    """What the counts depend on besides the sources."""
    config = gatework.build_config()
    return {
        "compiler": config["compiler"],
        "build": config["build_type"],
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def main() -> None:
    """Run under callgrind with the path of the compiled ``counter.cpp``."""
    counter = ctypes.CDLL(sys.argv[1])
    counter.end.argtypes = [ctypes.c_char_p]
    _core.set_num_threads(1)
    gc.disable()
    calls = list(workloads())
    counter.start_counting()
    for level in LEVELS:
        if level not in _core.isa_available():
            continue
        _core.set_isa(level)
        for name, call in calls:
            call()  # caches, kept memory
            for repeats in (REPEATS, 2 * REPEATS):
                label = json.dumps([name, level, repeats]).encode()
                counter.begin()
                for _ in range(repeats):
                    call()
                counter.end(label)


if __name__ == "__main__":
    main()
