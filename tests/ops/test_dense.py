"""Several dense layers of one input as one operation."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.standard_normal(shape, np.float32)


def weights():
    """Kernels to units of one axis and of two, and the bias of the first."""
    return [(Variable(drawn(5, 7)), Variable(drawn(7))), (Variable(drawn(5, 2, 3)), None)]


def gradients(call, x, wanted, dys):
    with GradientTape() as tape:
        tape.watch(x)
        ys = call()
    kept = [(y, dy) for y, dy in zip(ys, dys, strict=True) if dy is not None]
    return ys, tape.gradient([y for y, _ in kept], wanted, [dy for _, dy in kept])


@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True)])
def test_values_and_gradients_are_those_of_the_layers_apart(used):
    x, pairs = Tensor(drawn(3, 4, 5)), weights()
    wanted = [x, *(w for pair in pairs for w in pair if w is not None)]
    dys = [
        dy if one else None
        for dy, one in zip((drawn(3, 4, 7), drawn(3, 4, 2, 3)), used, strict=True)
    ]
    ys, found = gradients(lambda: ops.dense_together(x, pairs), x, wanted, dys)
    apart, expected = gradients(lambda: [ops.dense(x, k, b) for k, b in pairs], x, wanted, dys)
    for one, other in zip(ys, apart, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_only_what_is_asked_for_is_computed():
    x, pairs = Tensor(drawn(3, 5)), weights()
    dys = [drawn(3, 7), drawn(3, 2, 3)]
    _, found = gradients(lambda: ops.dense_together(x, pairs), x, [pairs[0][1]], dys)
    np.testing.assert_allclose(found[0], dys[0].sum(0), rtol=1e-5, atol=1e-6)


def test_features_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"x must have 5 features in its last axis, not shape"):
        ops.dense_together(drawn(3, 4), weights())
