"""Scaled dot-product attention, forward and with its gradients."""

from typing import Any

import numpy as np
import pytest
from gatework import _core, reference

from bench.conftest import Measure
from bench.peers import transformer_problems as problems
from bench.transformers import ATTENTION, Attention


def ours(given: tuple[Any, ...], dy: Any, w: Attention) -> Any:
    y, lse = _core.attention_forward(*given, causal=True)
    if w.train:
        return _core.attention_backward(*given, y, lse, dy, causal=True)[0]
    return y


def plain(given: tuple[Any, ...], dy: Any, w: Attention) -> Any:
    if w.train:
        return reference.attention_backward(*given, dy, causal=True)[0]
    return reference.attention_forward(*given, causal=True)[0]


RIVALS = {"gatework": ours, "NumPy": plain}


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("w", [w for w in ATTENTION if w.time <= 512], ids=lambda w: w.name)
def test_attention(w: Attention, rival: str, measure: Measure) -> None:
    q, k, v, dy = problems.attention(w)
    given = (q, k, v, None, None, None, np.zeros(w.batch, np.int64), w.size**-0.5)
    found = measure(w.group, rival, lambda: RIVALS[rival](given, dy, w), flops=w.flops)
    np.testing.assert_allclose(found[0], plain(given, dy, w)[0], rtol=1e-3, atol=1e-4)
