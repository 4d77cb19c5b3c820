"""Attention against the reference, and what must not change a bit of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.compare import assert_output


class Problem(NamedTuple):
    """Arguments as ``_core.attention_forward`` takes them, and the gradient of its result."""

    arrays: tuple[Any, ...]  # q, k, v, bias, mask, slopes, offset
    scale: float
    dy: Any
    options: dict[str, Any]

    def forward(self) -> tuple[Any, Any]:
        return _core.attention_forward(*self.arrays, self.scale, **self.options)

    def backward(self, need_logits: bool = False) -> tuple[Any, ...]:
        y, lse = self.forward()
        return _core.attention_backward(
            *self.arrays, self.scale, y, lse, self.dy, **self.options, need_logits=need_logits
        )

    def wide(self) -> tuple[Any, ...]:
        return tuple(
            a.astype(np.float64) if a is not None and a.dtype == np.float32 else a
            for a in self.arrays
        )


def problem(
    seed: int = 0,
    batch: int = 2,
    time: int = 7,
    keys: int = 7,
    heads: int = 2,
    groups: int = 2,
    features: int = 5,
    value_features: int = 5,
    bias: tuple[int, ...] | None = None,
    mask: tuple[int, ...] | None = None,
    slopes: bool = False,
    offset: int = 0,
    **options: Any,
) -> Problem:
    """bias, mask: which of the four axes of the logits they have, the others repeat."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    full = (batch, heads, time, keys)

    def spread(axes: tuple[int, ...], make: Any) -> Any:
        return np.broadcast_to(make([n if i in axes else 1 for i, n in enumerate(full)]), full)

    added = None if bias is None else spread(bias, lambda shape: draw(*shape))
    kept = None if mask is None else spread(mask, lambda shape: rng.random(shape) < 0.6)
    arrays = (
        draw(batch, time, heads, features),
        draw(batch, keys, groups, features),
        draw(batch, keys, groups, value_features),
        added,
        kept,
        rng.random(heads).astype(np.float32) if slopes else None,
        rng.integers(-offset, offset + 1, batch),
    )
    return Problem(arrays, features**-0.5, draw(batch, time, heads, value_features), options)


def assert_solved(p: Problem) -> None:
    y, lse = p.forward()
    expected_y, expected_lse = reference.attention_forward(*p.wide(), p.scale, **p.options)
    assert_output(y, expected_y)
    assert_output(lse, expected_lse, "lse")
    need_logits = p.arrays[3] is not None
    found = p.backward(need_logits)
    expected = reference.attention_backward(
        *p.wide(), p.scale, p.dy.astype(np.float64), **p.options
    )
    terms = terms_of_gradients(p)
    for i, (gradient, wanted) in enumerate(zip(found, expected, strict=True)):
        if gradient is not None:
            assert gradient.dtype == np.float32
            assert gradient.shape == wanted.shape
            error = float(np.linalg.norm(gradient - wanted))
            bound = 1e-4 * float(np.linalg.norm(wanted)) + 1e-6 * terms[i]
            assert error <= bound, f"d{'qkvs'[i]}: {error:.3g} of {bound:.3g}"


def assert_rounded(p: Problem) -> None:
    """With operands of bfloat16, which have eight bits: near the results of float32."""
    exact = (*p.forward(), *p.backward(p.arrays[3] is not None))
    rounded = p._replace(options={**p.options, "bf16": True})
    found = (*rounded.forward(), *rounded.backward(p.arrays[3] is not None))
    terms = [0.0, 0.0, *terms_of_gradients(p)]
    for i, (one, other) in enumerate(zip(found, exact, strict=True)):
        assert (one is None) == (other is None)
        if one is None:
            continue
        assert (np.isfinite(one) == np.isfinite(other)).all()
        known = np.isfinite(other)
        error = float(np.linalg.norm(one[known] - other[known]))
        bound = 0.02 * float(np.linalg.norm(other[known])) + 5e-3 * terms[i]
        assert error <= bound, f"result {i}: {error:.3g} of {bound:.3g}"


def terms_of_gradients(p: Problem) -> list[float]:
    """The size of what is summed up to each gradient: a sum that cancels keeps their roundings.

    A logit's gradient is the difference of dy·v and its mean, both as large as |dy||v|.
    """
    q, k, v = p.wide()[:3]
    if 0 in (q.size, k.size):
        return [0.0] * 4
    largest = np.linalg.norm(p.dy, axis=-1).max() * np.linalg.norm(v, axis=-1).max()
    largest /= 1 - p.options.get("rate", 0.0)
    sizes = [k, q, p.dy]
    found = [float(p.scale * largest * np.abs(x).max() * np.sqrt(q.size)) for x in sizes[:2]]
    found.append(float(np.abs(p.dy).max() * np.sqrt(v.size)))
    batch, time, heads, _ = q.shape
    return [*found, float(largest * np.sqrt(batch * time * heads))]


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "one of everything": {
        "batch": 1,
        "time": 1,
        "keys": 1,
        "heads": 1,
        "groups": 1,
        "features": 1,
    },
    "one query": {
        "time": 1,
        "keys": 300,
        "heads": 4,
        "groups": 2,
        "features": 64,
        "value_features": 64,
    },
    "one key": {"time": 9, "keys": 1},
    "several blocks": {"time": 300, "keys": 203, "features": 20, "value_features": 33},
    "tiles of full height": {
        "batch": 1,
        "time": 528,
        "keys": 70,
        "features": 16,
        "value_features": 16,
    },
    "far beyond a tile": {
        "batch": 1,
        "time": 512,
        "keys": 512,
        "features": 64,
        "value_features": 64,
    },
    "far beyond a tile, causal": {
        "batch": 1,
        "time": 512,
        "keys": 512,
        "causal": True,
        "groups": 1,
    },
    "one query, masked": {
        "time": 1,
        "keys": 140,
        "heads": 6,
        "features": 64,
        "value_features": 64,
        "mask": (0, 2, 3),
        "causal": True,
        "offset": 120,
    },
    "two queries": {
        "time": 2,
        "keys": 143,
        "heads": 4,
        "features": 30,
        "value_features": 32,
        "causal": True,
        "offset": 130,
        "window": 70,
    },
    "causal": {"time": 193, "keys": 193, "features": 64, "value_features": 64, "causal": True},
    "more keys than queries": {"time": 70, "keys": 150, "causal": True},
    "more queries than keys": {"time": 150, "keys": 70, "causal": True},
    "offset": {"time": 70, "keys": 150, "offset": 80, "causal": True},
    "grouped": {"time": 65, "keys": 66, "heads": 6, "groups": 2, "causal": True},
    "many heads to a key": {
        "time": 10,
        "keys": 130,
        "heads": 8,
        "groups": 1,
        "causal": True,
        "offset": 5,
    },
    "window": {"time": 210, "keys": 210, "window": 20, "causal": True},
    "window both ways": {"time": 210, "keys": 190, "window": 30},
    "window of nothing but itself": {"time": 66, "keys": 66, "window": 0},
    "key mask": {"time": 70, "keys": 140, "mask": (0, 3)},
    "query mask": {"time": 70, "keys": 140, "mask": (0, 2)},
    "mask": {"time": 70, "keys": 70, "mask": (0, 2, 3), "causal": True},
    "mask of heads": {"time": 40, "keys": 70, "heads": 4, "groups": 2, "mask": (0, 1, 2, 3)},
    "bias": {"time": 70, "keys": 75, "bias": (0, 1, 2, 3)},
    "bias of keys": {"time": 70, "keys": 75, "bias": (3,), "mask": (0, 3)},
    "bias of queries": {"time": 30, "keys": 75, "bias": (1, 2), "causal": True},
    "slopes": {"time": 140, "keys": 140, "slopes": True, "causal": True},
    "slopes both ways": {"time": 40, "keys": 140, "slopes": True, "offset": 30},
    "soft cap": {"time": 70, "keys": 70, "soft_cap": 0.8, "causal": True, "bias": (2, 3)},
    "dropout": {
        "time": 70,
        "keys": 75,
        "rate": 0.3,
        "seed": 2**63 + 5,
        "causal": True,
        "mask": (0, 3),
    },
    "wide heads": {"time": 20, "keys": 70, "features": 300, "value_features": 130},
    "keys in pieces": {
        "batch": 1,
        "time": 90,
        "keys": 600,
        "heads": 2,
        "groups": 1,
        "causal": True,
        "offset": 500,
    },
    "no queries": {"time": 0},
    "no batch": {"batch": 0},
    "no keys": {"keys": 0},
}


def drawn(case: dict[str, Any]) -> Problem:
    case = dict(case)
    key = case.pop("seed", None)
    p = problem(**case)
    return p if key is None else p._replace(options={**p.options, "seed": key})


@pytest.mark.parametrize("name", CASES)
def test_reference(name: str, isa: str) -> None:
    assert_solved(drawn(CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_operands_of_bfloat16(name: str, isa: str) -> None:
    assert_rounded(drawn(CASES[name]))


SHAPES_AND_MASKS = given(
    seed=st.integers(0, 2**32),
    batch=st.integers(1, 3),
    time=st.integers(1, 140),
    keys=st.integers(1, 140),
    heads=st.sampled_from([(1, 1), (2, 1), (4, 2), (3, 3)]),
    features=st.integers(1, 40),
    value_features=st.integers(1, 40),
    bias=st.sampled_from([None, None, (0, 1, 2, 3), (1, 2, 3), (3,), (2,)]),
    mask=st.sampled_from([None, (0, 3), (0, 2, 3), (0, 1, 2, 3), (0, 2)]),
    slopes=st.booleans(),
    offset=st.sampled_from([0, 3, 100]),
    causal=st.booleans(),
    window=st.sampled_from([None, 0, 5, 64]),
    soft_cap=st.sampled_from([None, 1.5]),
    rate=st.sampled_from([0.0, 0.25]),
)


@SHAPES_AND_MASKS
def test_any_shape_and_mask_of_bfloat16(heads: tuple[int, int], **case: Any) -> None:
    assert_rounded(problem(heads=heads[0], groups=heads[1], **case))


@SHAPES_AND_MASKS
def test_any_shape_and_mask(heads: tuple[int, int], **case: Any) -> None:
    """Rows, columns and whole tiles may be masked; every option meets every other."""
    assert_solved(problem(heads=heads[0], groups=heads[1], **case))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("time", [120, 126, 127, 128, 129, 252, 256, 384])
def test_lengths_around_those_of_tiles(time: int, causal: bool, isa: str) -> None:
    assert_solved(
        problem(time=time, keys=time, batch=1, heads=1, groups=1, features=8, causal=causal)
    )


@pytest.mark.parametrize("bf16", [False, True])
def test_threads_change_no_bit(bf16: bool, threads_restored: None, isa: str) -> None:
    for name in ("causal", "keys in pieces", "grouped", "dropout", "bias"):
        p = drawn({**CASES[name], "bf16": bf16})
        found = []
        for threads in (1, 2, 3, 7):
            _core.set_num_threads(threads)
            found.append([a.tobytes() for a in (*p.forward(), *p.backward()[:3])])
        assert all(f == found[0] for f in found), name


@pytest.mark.parametrize("bf16", [False, True])
def test_the_future_changes_no_bit(bf16: bool, isa: str) -> None:
    """Not even what is not a number: outputs and gradients up to a step know nothing past it."""
    sizes = {"time": 150, "keys": 150, "heads": 4, "features": 16, "value_features": 24}
    p = problem(**sizes, causal=True, bf16=bf16)
    y, lse = p.forward()
    for step in (1, 63, 64, 100, 149):
        for change in (3.0, np.nan, np.inf):
            arrays = [None if a is None else a.copy() for a in p.arrays]
            for a in arrays[:3]:
                a[:, step:] = a[:, step:] * np.float32(change)
            y2, lse2 = p._replace(arrays=tuple(arrays)).forward()
            assert y2[:, :step].tobytes() == y[:, :step].tobytes(), (step, change)
            assert lse2[..., :step].tobytes() == lse[..., :step].tobytes()


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_padding_changes_no_bit(causal: bool, bf16: bool, isa: str) -> None:
    """Keys that the mask leaves out might as well not be there, whatever they hold."""
    p = problem(time=90, keys=90, features=16, value_features=24, causal=causal, bf16=bf16)
    y, lse = p.forward()
    gradients = p.backward()
    for more in (1, 37, 128):
        arrays = list(p.arrays)
        for i in (1, 2):
            garbage = np.full((2, more, *arrays[i].shape[2:]), np.nan, np.float32)
            arrays[i] = np.concatenate([arrays[i], garbage], axis=1)
        kept = np.broadcast_to(np.arange(90 + more) < 90, (2, 2, 90, 90 + more))
        arrays[4] = kept
        padded = p._replace(arrays=tuple(arrays))
        y2, lse2 = padded.forward()
        assert y2.tobytes() == y.tobytes()
        assert lse2.tobytes() == lse.tobytes()
        dq, dk, dv, _ = padded.backward()
        assert dq.tobytes() == gradients[0].tobytes()
        for found, expected in ((dk, gradients[1]), (dv, gradients[2])):
            assert found[:, :90].tobytes() == expected.tobytes()
            np.testing.assert_array_equal(found[:, 90:], 0)


def test_views_of_a_fused_projection(isa: str) -> None:
    rng = np.random.default_rng(3)
    qkv = rng.normal(size=(2, 40, 3, 4, 12)).astype(np.float32)
    views = [qkv[:, :, i] for i in range(3)]
    rest = (None, None, None, np.zeros(2, np.int64), 0.3)
    y, lse = _core.attention_forward(*views, *rest, causal=True)
    copies = [np.ascontiguousarray(x) for x in views]
    again, _ = _core.attention_forward(*copies, *rest, causal=True)
    assert y.tobytes() == again.tobytes()
    dy = np.broadcast_to(np.float32(1), y.shape[:3] + (1,)).repeat(12, -1).swapaxes(1, 2)
    dy = np.ascontiguousarray(dy).swapaxes(1, 2)
    found = _core.attention_backward(*views, *rest, y, lse, dy, causal=True)
    expected = _core.attention_backward(*copies, *rest, y, lse, dy.copy(order="C"), causal=True)
    for a, b in zip(found[:3], expected[:3], strict=True):
        assert a.tobytes() == b.tobytes()


def test_queries_that_are_masked_reach_no_gradient(isa: str) -> None:
    """What the mask leaves out may be no number: with bfloat16 too it meets nothing but itself."""
    p = problem(time=70, keys=90, features=16, value_features=8, mask=(0, 2, 3), bf16=True)
    mask = p.arrays[4].copy()
    mask[:, :, 5] = False
    arrays = [*p.arrays[:4], mask, *p.arrays[5:]]
    expected = p._replace(arrays=tuple(arrays)).backward()
    arrays[0] = arrays[0].copy()
    arrays[0][:, 5] = np.inf
    dy = p.dy.copy()
    dy[:, 5] = np.nan
    found = p._replace(arrays=tuple(arrays), dy=dy).backward()
    for one, other in zip(found[1:3], expected[1:3], strict=True):
        assert one.tobytes() == other.tobytes()
    assert np.isfinite(found[0]).all()


@pytest.mark.parametrize("bf16", [False, True])
def test_not_a_number_reaches_who_looks_at_it(bf16: bool, isa: str) -> None:
    p = problem(time=70, keys=70, features=16, value_features=8, causal=True, bf16=bf16)
    v = p.arrays[2].copy()
    v[:, 30, :, 3] = np.inf
    y, _ = p._replace(arrays=(*p.arrays[:2], v, *p.arrays[3:])).forward()
    assert np.isinf(y[:, 30:, :, 3]).all()
    assert np.isfinite(y[:, :30]).all()
    assert np.isfinite(np.delete(y, 3, axis=-1)).all()


def test_not_a_number_stays_in_the_rows_that_look_at_it(isa: str) -> None:
    p = problem(time=70, keys=70, features=16, value_features=8)
    y, _ = p.forward()
    q, k, v = (a.copy() for a in p.arrays[:3])
    q[0, 3, 1, 2] = np.nan
    found, _ = _core.attention_forward(q, k, v, *p.arrays[3:], p.scale)
    assert np.isnan(found[0, 3, 1]).all()
    found[0, 3, 1] = y[0, 3, 1]
    assert found.tobytes() == y.tobytes()


def test_large_logits_do_not_overflow(isa: str) -> None:
    p = problem(time=70, keys=140, features=16, value_features=8)
    bias = np.linspace(-1e30, 1e30, 140, dtype=np.float32)
    arrays = (*p.arrays[:3], np.broadcast_to(bias, (2, 2, 70, 140)), *p.arrays[4:])
    y, _ = p._replace(arrays=arrays).forward()
    np.testing.assert_allclose(y, np.broadcast_to(p.arrays[2][:, 139:], y.shape), rtol=1e-6)


def test_refused() -> None:
    q = np.zeros((2, 3, 4, 6), np.float32)
    zero = np.zeros(2, np.int64)
    with pytest.raises(ValueError, match=r"v must be of shape \(2, 3, 4, any\)"):
        _core.attention_forward(q, q, q[:, :2], None, None, None, zero, 1.0)
    with pytest.raises(ValueError, match="k must be of a number of heads that divides 4, not 3"):
        _core.attention_forward(q, q[:, :, :3], q[:, :, :3], None, None, None, zero, 1.0)
    with pytest.raises(ValueError, match="q must be of features that lie in one piece"):
        _core.attention_forward(q[..., ::2], q, q, None, None, None, zero, 1.0)
    with pytest.raises(TypeError, match="mask must be an array of bool"):
        _core.attention_forward(q, q, q, None, q, None, zero, 1.0)
    with pytest.raises(ValueError, match="x must be of an even number of features"):
        _core.rotary(q[..., :5], q[0, :, :, :2], q[0, :, :, :2])


@pytest.mark.parametrize("features", [2, 6, 64, 70])
def test_rotary(features: int, isa: str) -> None:
    rng = np.random.default_rng(features)
    x = rng.normal(size=(2, 5, 3, 2 * features)).astype(np.float32)[..., :features]
    for rows in (1, 2):
        angles = rng.normal(size=(rows, 5, features // 2))
        c, s = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        for inverse in (False, True):
            expected = reference.rotary(x.astype(np.float64), c, s, inverse)
            assert_output(_core.rotary(x, c, s, inverse), expected)
