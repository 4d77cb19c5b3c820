"""Pooling over time against windows written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.numeric import check, values


@given(
    time=st.integers(4, 9),
    size=st.integers(1, 4),
    stride=st.integers(1, 4),
    same=st.booleans(),
    name=st.sampled_from(["max", "average"]),
)
def test_pooling(time: int, size: int, stride: int, same: bool, name: str) -> None:
    op = {"max": ops.max_pool, "average": ops.average_pool}[name]
    take: Any = {"max": np.nanmax, "average": np.nanmean}[name]
    left = right = 0
    count = (time - size) // stride + 1
    if same:
        count = -(-time // stride)
        total = max((count - 1) * stride + size - time, 0)
        left, right = total // 2, total - total // 2

    def formula(x: Any) -> Any:
        padded = np.pad(x, [(0, 0), (left, right), (0, 0)], constant_values=np.nan)
        windows = [padded[:, t * stride : t * stride + size] for t in range(count)]
        return np.stack([take(w, axis=1) for w in windows], axis=1)

    padding = "same" if same else "valid"
    check(lambda x: op(x, size, stride, padding), formula, values(2, time, 3))
    first = op(values(2, time, 3).transpose(0, 2, 1), size, stride, padding, "channels_first")
    np.testing.assert_array_equal(
        first.numpy().transpose(0, 2, 1), op(values(2, time, 3), size, stride, padding).numpy()
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_adaptive_pooling(count: int) -> None:
    time = 5
    cuts = [(i * time // count, -(-(i + 1) * time // count)) for i in range(count)]
    x = values(2, time, 3)
    for op, take in ((ops.adaptive_max_pool, np.max), (ops.adaptive_average_pool, np.mean)):
        check(
            lambda x, op=op: op(x, count),
            lambda x, take=take: np.stack([take(x[:, a:b], axis=1) for a, b in cuts], axis=1),
            x,
        )


def test_refused() -> None:
    x = values(2, 5, 3)
    with pytest.raises(ValueError, match="inputs must have at least 6 steps for a window of 6"):
        ops.max_pool(x, 6)
    with pytest.raises(ValueError, match=r"inputs must have three axes, not shape \(5, 3\)"):
        ops.average_pool(x[0], 2)
    with pytest.raises(ValueError, match="inputs must have at least 1 step, not 0"):
        ops.adaptive_max_pool(x[:, :0], 2)
