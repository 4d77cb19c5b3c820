"""Attention of the reference against sums written out, and difference quotients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import reference

RNG = np.random.default_rng(5)
B, T, S, N, K, D, E = 2, 4, 5, 4, 2, 3, 2
Q, KEYS, V = (
    RNG.normal(size=(B, T, N, D)),
    RNG.normal(size=(B, S, K, D)),
    RNG.normal(size=(B, S, K, E)),
)
BIAS = RNG.normal(size=(B, N, T, S))
MASK = RNG.random((B, 1, T, S)) < 0.7
MASK[1, 0, 2] = False
SLOPES = RNG.random(N)
OFFSET = np.array([0, 1])

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"window": 1},
    "causal window": {"causal": True, "window": 2},
    "bias and mask": {"bias": BIAS, "mask": MASK},
    "soft cap": {"soft_cap": 0.7, "bias": BIAS},
    "slopes": {"slopes": SLOPES, "causal": True},
    "dropout": {"rate": 0.4, "seed": 11, "mask": MASK},
}


def arguments(options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    options = dict(options)
    arrays = [options.pop(name, None) for name in ("bias", "mask", "slopes")]
    return [*arrays, OFFSET, 0.6], options


@pytest.mark.parametrize("name", CASES)
def test_every_output_is_the_weighted_mean_of_what_its_query_sees(name: str) -> None:
    options = CASES[name]
    arrays, rest = arguments(options)
    y, lse = reference.attention_forward(Q, KEYS, V, *arrays, **rest)
    factor = np.ones((B, N, T, S))
    if "rate" in options:
        factor = reference.attention_dropout_mask((B, N, T, S), 0.4, 11)
        assert 0 < (factor == 0).mean() < 0.8
    for b, t, n in np.ndindex(B, T, N):
        weights, values = [], []
        for s in range(S):
            at = OFFSET[b] + t
            if options.get("causal") and s > at:
                continue
            if "window" in options and abs(at - s) > options["window"]:
                continue
            if "mask" in options and not MASK[b, 0, t, s]:
                continue
            logit = 0.6 * Q[b, t, n] @ KEYS[b, s, n // 2]
            if "soft_cap" in options:
                logit = 0.7 * np.tanh(logit / 0.7)
            if "bias" in options:
                logit += BIAS[b, n, t, s]
            if "slopes" in options:
                logit -= SLOPES[n] * abs(at - s)
            weights.append(np.exp(logit))
            values.append(factor[b, n, t, s] * V[b, s, n // 2])
        expected = np.zeros(E)
        for weight, value in zip(weights, values, strict=True):
            expected += weight / sum(weights) * value
        np.testing.assert_allclose(y[b, t, n], expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(lse[b, n, t], np.log(sum(weights)) if weights else -np.inf)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_slopes(name: str) -> None:
    arrays, rest = arguments(CASES[name])
    dy = RNG.normal(size=(B, T, N, E))
    found = reference.attention_backward(Q, KEYS, V, *arrays, dy, **rest)

    def loss(*inputs: np.ndarray) -> float:
        given = inputs[:3]
        bias = inputs[3] if arrays[0] is not None else None
        y, _ = reference.attention_forward(*given, bias, *arrays[1:], **rest)
        return float((dy * y).sum())

    inputs = [Q, KEYS, V, BIAS]
    for i, gradient in enumerate(found[: 4 if arrays[0] is not None else 3]):
        assert gradient.shape == inputs[i].shape
        for flat in RNG.choice(inputs[i].size, 12, replace=False):
            index = np.unravel_index(flat, inputs[i].shape)
            sides = []
            for step in (1e-6, -1e-6):
                moved = [x.copy() for x in inputs]
                moved[i][index] += step
                sides.append(loss(*moved))
            slope = (sides[0] - sides[1]) / 2e-6
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-6, atol=1e-8)


def test_rotary_turns_and_turns_back() -> None:
    x = RNG.normal(size=(2, 5, 3, 8))
    angles = reference.rotary_angles(np.arange(5.0)[None], 8, 10000.0, 1.0)
    y = reference.rotary(x, np.cos(angles), np.sin(angles))
    pairs = (x[..., :4] + 1j * x[..., 4:]) * np.exp(1j * angles)[:, :, None]
    np.testing.assert_allclose(y, np.concatenate([pairs.real, pairs.imag], -1), rtol=1e-12)
    back = reference.rotary(y, np.cos(angles), np.sin(angles), inverse=True)
    np.testing.assert_allclose(back, x, rtol=1e-12)
