"""Convolutions against sums of products written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.numeric import check, values


def written_out(
    x: Any, w: Any, stride: int, padding: str, dilation: int, groups: int = 1
) -> np.ndarray:
    """x (B, T, C), w (K, C / groups, F): tap by tap."""
    taps, size, features = w.shape
    span = (taps - 1) * dilation + 1
    if padding == "causal":
        x = np.pad(x, [(0, 0), (span - 1, 0), (0, 0)])
    elif padding == "same":
        count = -(-x.shape[1] // stride)
        total = max((count - 1) * stride + span - x.shape[1], 0)
        x = np.pad(x, [(0, 0), (total // 2, total - total // 2), (0, 0)])
    count = (x.shape[1] - span) // stride + 1
    y = np.zeros((x.shape[0], count, features), x.dtype)
    for g in range(groups):
        part = slice(g * features // groups, (g + 1) * features // groups)
        for t in range(count):
            for k in range(taps):
                step = x[:, t * stride + k * dilation, g * size : (g + 1) * size]
                y[:, t, part] += step @ w[k][:, part]
    return y


@given(
    batch=st.integers(1, 3),
    time=st.integers(6, 9),
    groups=st.sampled_from([1, 2]),
    size=st.integers(1, 2),
    taps=st.integers(1, 3),
    windows=st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)]),
    padding=st.sampled_from(["valid", "same", "causal"]),
)
def test_conv(
    batch: int,
    time: int,
    groups: int,
    size: int,
    taps: int,
    windows: tuple[int, int],
    padding: str,
) -> None:
    stride, dilation = windows
    x, w = values(batch, time, groups * size), values(taps, size, 2 * groups, seed=1)
    check(
        lambda x, w: ops.conv(x, w, stride, padding, dilation_rate=dilation),
        lambda x, w: written_out(x, w, stride, padding, dilation, groups),
        x,
        w,
    )


def test_conv_with_a_bias_and_channels_first() -> None:
    x, w, b = values(2, 3, 5), values(2, 3, 4, seed=1), values(4, seed=2)
    check(
        lambda x, w, b: ops.conv(x, w, data_format="channels_first", bias=b),
        lambda x, w, b: (written_out(x.transpose(0, 2, 1), w, 1, "valid", 1) + b).transpose(
            0, 2, 1
        ),
        x,
        w,
        b,
    )


@pytest.mark.parametrize("shape", [(5, 300, 40), (64, 20, 16)])
def test_long_convolutions(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    w = rng.normal(size=(5, shape[2], 33)).astype(np.float32)
    y = ops.conv(x, w, 2, "same").numpy()
    expected = written_out(x.astype(np.float64), w.astype(np.float64), 2, "same", 1)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2)])
def test_conv_transpose_is_the_transpose(padding: str, stride: int, dilation: int) -> None:
    """<conv(x), y> = <x, conv_transpose(y)> where the lengths go together."""
    taps = 3
    y = values(2, 4, 3)
    w = values(taps, 2, 3, seed=1)
    x = ops.conv_transpose(y, w, stride, padding, dilation_rate=dilation).numpy()
    forward = written_out(x, w, stride, padding, dilation)
    assert forward.shape == y.shape
    probe = values(*x.shape, seed=2)
    left = float((written_out(probe, w, stride, padding, dilation) * y).sum())
    assert left == pytest.approx(float((probe * x).sum()), rel=1e-4)

    def formula(y: Any, w: Any) -> Any:
        basis = np.eye(x.shape[1] * 2).reshape(-1, x.shape[1], 2)
        images = written_out(basis, w, stride, padding, dilation)
        return np.einsum("ntf,btf->bn", images, y).reshape(x.shape)

    check(
        lambda y, w: ops.conv_transpose(y, w, stride, padding, dilation_rate=dilation),
        formula,
        y,
        w,
    )


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_depthwise_and_separable_conv(padding: str, stride: int, dilation: int) -> None:
    x, w, p = values(2, 6, 2), values(3, 2, 2, seed=1), values(1, 4, 3, seed=2)

    def depthwise(x: Any, w: Any) -> Any:
        columns = [
            written_out(x[..., c : c + 1], w[:, c : c + 1], stride, padding, dilation)
            for c in range(2)
        ]
        return np.concatenate(columns, axis=-1)

    given: dict[str, Any] = {"dilation_rate": dilation}
    check(lambda x, w: ops.depthwise_conv(x, w, stride, padding, **given), depthwise, x, w)
    check(
        lambda x, w, p: ops.separable_conv(x, w, p, stride, padding, **given),
        lambda x, w, p: depthwise(x, w) @ p[0],
        x,
        w,
        p,
    )


X = values(2, 5, 3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: ops.conv(X[0], values(2, 3, 4)), "inputs and kernel must have three axes each"),
        (
            lambda: ops.conv(X, values(2, 2, 4)),
            "kernel must have channels that divide",
        ),
        (
            lambda: ops.conv(X, values(6, 3, 4)),
            "inputs must have at least 6 steps for a",
        ),
        (lambda: ops.conv_transpose(X, values(2, 4, 2)), "kernel must have 3 channels in its last"),
        (lambda: ops.depthwise_conv(X, values(2, 2, 1)), "kernel must have 3 channels, as the inp"),
    ],
)
def test_refused(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()
