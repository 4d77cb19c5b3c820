"""pad_sequences against Keras 3.15: values, shape and dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.preprocessing.sequence import pad_sequences

from tests.golden.store import read


@pytest.mark.parametrize(
    "case", read("values.npz")["padding"], ids=lambda c: f"{c['sequences']}-{c['options']}"
)
def test_like_keras(case: dict[str, Any]) -> None:
    for sequences in (case["sequences"], [np.array(s) for s in case["sequences"]]):
        padded = pad_sequences(sequences, **case["options"])
        expected = np.array(case["result"], case["dtype"]).reshape(case["shape"])
        np.testing.assert_array_equal(padded, expected, strict=True)
