"""One step of Adam over all the weights of a model."""

import numpy as np
import pytest
from gatework import _core, reference

from bench.conftest import Measure
from bench.workloads import OPTIMIZER

RIVALS = {"gatework": _core, "NumPy": reference}
STEP = (1e-3, 0.9, 0.999, 1e-7, 1, 0.0, 1.0)  # rate, betas, epsilon, count, decay, scale


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("model", OPTIMIZER)
def test_adam(model: str, rival: str, measure: Measure) -> None:
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape, np.float32) for shape in OPTIMIZER[model]]
    gradients = [rng.standard_normal(shape, np.float32) for shape in OPTIMIZER[model]]

    def step(functions: object, steps: int = 1) -> list[np.ndarray]:
        params = [w.copy() for w in weights]
        m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
        for _ in range(steps):
            functions.adam_update(params, gradients, m, v, None, *STEP)  # type: ignore[attr-defined]
        return params

    for actual, wanted in zip(step(RIVALS[rival], 3), step(reference, 3), strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)

    m, v = ([np.zeros_like(w) for w in weights] for _ in range(2))
    count = sum(w.size for w in weights)
    measure(
        f"Adam {model}, {count / 1e6:.1f} M weights",
        rival,
        lambda: RIVALS[rival].adam_update(weights, gradients, m, v, None, *STEP),
        bytes_moved=28.0 * count,  # reads four arrays, writes three
    )
