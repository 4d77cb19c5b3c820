"""A dense layer forward: product, bias and tanh in one call."""

import numpy as np
import pytest
from gatework import _core, reference

from bench.conftest import Measure
from bench.workloads import DENSE

RIVALS = {
    "gatework": lambda x, kernel, bias: _core.dense_forward(x, kernel, bias, "tanh", False)[0],
    "NumPy": lambda x, kernel, bias: reference.dense_forward(x, kernel, bias, "tanh")[0],
}


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize(("rows", "inputs", "units"), DENSE)
def test_dense(rows: int, inputs: int, units: int, rival: str, measure: Measure) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, inputs), np.float32)
    kernel = rng.standard_normal((inputs, units), np.float32) * np.float32(inputs**-0.5)
    bias = rng.standard_normal(units, np.float32)
    group = f"dense tanh {rows}x{inputs}x{units}"
    work = 2.0 * rows * inputs * units
    y = measure(group, rival, lambda: RIVALS[rival](x, kernel, bias), flops=work)
    np.testing.assert_allclose(y, RIVALS["NumPy"](x, kernel, bias), rtol=1e-4, atol=1e-5)
