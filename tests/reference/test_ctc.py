"""CTC of the reference against all alignments written out, and difference quotients."""

import itertools

import numpy as np
import pytest
from gatework import reference

RNG = np.random.default_rng(2)


def read(steps: tuple[int, ...], blank: int) -> list[int]:
    """The labels of an alignment: repeats once, blanks not at all."""
    kept = [label for label, _ in itertools.groupby(steps)]
    return [label for label in kept if label != blank]


@pytest.mark.parametrize("labels", [[], [1], [2, 1], [1, 1], [1, 2, 1]])
@pytest.mark.parametrize("blank", [0, 3])
def test_loss_sums_all_alignments_and_its_gradient_is_its_slope(
    labels: list[int], blank: int
) -> None:
    logits = RNG.normal(size=(1, 5, 4))

    def loss(x: np.ndarray) -> float:
        p = np.exp(x[0]) / np.exp(x[0]).sum(axis=1, keepdims=True)
        chances = [
            np.prod(p[range(5), steps])
            for steps in itertools.product(range(4), repeat=5)
            if read(steps, blank) == labels
        ]
        return -float(np.log(sum(chances)))

    row = np.array([labels + [0] * (3 - len(labels))])
    found, gradient = reference.ctc(logits, row, np.array([len(labels)]), np.array([5]), blank)
    np.testing.assert_allclose(found, [loss(logits)], rtol=1e-10)
    for i in [(0, 0, 0), (0, 2, 1), (0, 4, 3)]:
        up, down = logits.copy(), logits.copy()
        up[i] += 1e-5
        down[i] -= 1e-5
        slope = (loss(up) - loss(down)) / 2e-5
        np.testing.assert_allclose(gradient[i], slope, rtol=1e-6, atol=1e-8)
