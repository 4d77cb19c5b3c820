"""Masks, sample weights and reductions."""

import numpy as np
import pytest
from gatework import losses
from gatework.autograd import Tensor
from gatework.losses.reduction import reduce_weighted

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
MASK = np.array([[True, True, False], [True, False, False]])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        ("sum_over_batch_size", 3.5),
        ("mean", 3.5),
        ("sum", 21.0),
        ("mean_with_sample_weight", 3.5),
        (None, VALUES),
        ("none", VALUES),
    ],
)
def test_reductions(reduction, expected):
    np.testing.assert_allclose(reduce_weighted(VALUES, reduction=reduction).numpy(), expected)


def test_unknown_reduction_is_refused():
    with pytest.raises(ValueError, match=r"reduction must be one of .*, not 'average'"):
        losses.MeanSquaredError(reduction="average")


def test_mean_is_over_unmasked_entries():
    assert reduce_weighted(VALUES, mask=MASK).item() == pytest.approx((1 + 2 + 4) / 3)
    assert reduce_weighted(VALUES, mask=MASK, reduction="sum").item() == pytest.approx(7)


def test_all_masked_is_zero():
    assert reduce_weighted(VALUES, mask=np.zeros_like(MASK)).item() == 0.0


def test_weights_do_not_change_the_divisor_of_a_mean():
    weights = np.array([1.0, 3.0], np.float32)
    expected = (6 + 3 * 15) / 6
    assert reduce_weighted(VALUES, weights).item() == pytest.approx(expected)
    assert reduce_weighted(VALUES, weights[:, None]).item() == pytest.approx(expected)


def test_mean_with_sample_weight_divides_by_the_weights():
    weights = np.array([1.0, 3.0], np.float32)
    found = reduce_weighted(VALUES[:, 0], weights, reduction="mean_with_sample_weight")
    assert found.item() == pytest.approx((1 + 3 * 4) / 4)


def test_weights_and_mask_together():
    weights = np.array([1.0, 3.0], np.float32)
    found = reduce_weighted(VALUES, weights, MASK)
    assert found.item() == pytest.approx((1 + 2 + 3 * 4) / 3)


def test_weights_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight .* must have a shape that fits"):
        reduce_weighted(VALUES, np.ones(5, np.float32))


def test_a_mask_on_the_predictions_is_used():
    pred = Tensor(VALUES[..., None])
    pred._keras_mask = MASK
    found = losses.MeanSquaredError()(np.zeros((2, 3, 1)), pred)
    assert found.item() == pytest.approx((1 + 4 + 16) / 3)
    # The same with labels that lack the last axis.
    assert losses.MeanSquaredError()(np.zeros((2, 3)), pred).item() == pytest.approx(7)


def test_rank_one_labels_do_not_broadcast():
    pred = np.array([[1.0], [2.0], [3.0]], np.float32)
    assert losses.MeanSquaredError()(np.array([1, 2, 3]), pred).item() == 0.0
    assert losses.MeanSquaredError()(pred, np.array([1.0, 2.0, 3.0])).item() == 0.0


def test_user_functions_and_classes():
    def cubed(y_true, y_pred):
        return (y_pred - y_true) ** 3

    class Cubed(losses.Loss):
        def call(self, y_true, y_pred):
            return cubed(y_true, y_pred)

    wrapped = losses.LossFunctionWrapper(cubed, name="cubed")
    for loss in (wrapped, Cubed(), Cubed(reduction="mean")):
        assert loss(np.zeros(2, int), np.array([1.0, 3.0])).item() == pytest.approx(14)
    with pytest.raises(NotImplementedError, match="must implement call"):
        losses.Loss()([1.0], [1.0])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mse", losses.mean_squared_error),
        ("binary_crossentropy", losses.binary_crossentropy),
        ("kld", losses.kl_divergence),
    ],
)
def test_get_function(name, kind):
    assert losses.get(name) is kind


def test_get_other():
    assert losses.get(None) is None
    assert isinstance(losses.get("Huber"), losses.Huber)
    assert isinstance(losses.get(losses.Poisson), losses.Poisson)
    with pytest.raises(ValueError, match="nearest: 'categorical_crossentropy'"):
        losses.get("categorical_cross_entropy")
    with pytest.raises(ValueError, match="loss must be a name, a function or a Loss, not 3"):
        losses.get(3)


@pytest.mark.parametrize("cls", sorted(set(losses.CLASSES) - {"Loss", "LossFunctionWrapper"}))
def test_config_round_trip(cls):
    loss = losses.CLASSES[cls]()
    again = losses.CLASSES[cls].from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert loss.get_config()["reduction"] == "sum_over_batch_size"


def test_config_keeps_options():
    loss = losses.Huber(delta=2.5)
    assert losses.Huber.from_config(loss.get_config())._fn_kwargs == {"delta": 2.5}
