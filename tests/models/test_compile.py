"""Losses and metrics for several outputs: how they are given, named and weighted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import losses, metrics
from gatework.layers import Dense, Input
from gatework.models import Model

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
ONE, TWO = X[:, :2] * 2, np.abs(X[:, :1])
WEIGHT = np.linspace(0.5, 2, 20).astype(np.float32)


def model_of(pack: Any) -> Model:
    """Two outputs, of layers "one" and "two"."""
    inputs = Input((3,), name="in")
    one, two = Dense(2, name="one")(inputs), Dense(1, name="two")(inputs)
    return Model(inputs, pack(one, two))


def as_list(one: Any, two: Any) -> Any:
    return [one, two]


def as_dict(one: Any, two: Any) -> Any:
    return {"p": one, "q": two}


def results(model: Model, y: Any, sample_weight: Any = None, **arguments: Any) -> dict[str, float]:
    model.compile("sgd", **arguments)
    found = model.evaluate(X, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    return {name: float(value) for name, value in found.items()}


def errors(model: Model) -> tuple[Any, Any]:
    outputs = model.predict(X, verbose=0)
    one, two = outputs.values() if isinstance(outputs, dict) else outputs
    return one - ONE, two - TWO


@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        (["mse", "mae"], [0.3, 2.0]),
        ({"one": "mse", "two": "mae"}, {"one": 0.3, "two": 2.0}),
        ({"two": "mae", "one": "mse"}, [0.3, 2.0]),
        ([losses.MeanSquaredError(), losses.mean_absolute_error], [0.3, 2.0]),
    ],
    ids=["lists", "dicts", "mixed", "objects"],
)
def test_losses_by_output(loss: Any, weights: Any) -> None:
    model = model_of(as_list)
    found = results(model, [ONE, TWO], loss=loss, loss_weights=weights)
    one, two = errors(model)
    mse, mae = np.square(one).mean(), np.abs(two).mean()
    assert found == pytest.approx(
        {"loss": 0.3 * mse + 2 * mae, "one_loss": mse, "two_loss": mae}, rel=1e-5
    )


@pytest.mark.parametrize("y", [[ONE, TWO], (ONE, TWO), {"two": TWO, "one": ONE}])
def test_labels_by_place_or_name(y: Any) -> None:
    model = model_of(as_list)
    found = results(model, y, loss="mse")
    assert found["two_loss"] == pytest.approx(np.square(errors(model)[1]).mean(), rel=1e-5)


def test_outputs_in_a_dict_are_called_by_its_keys() -> None:
    model = model_of(as_dict)
    found = results(
        model, {"q": TWO, "p": ONE}, loss={"p": "mse", "q": "mae"}, metrics={"q": ["mse", "mae"]}
    )
    one, two = errors(model)
    assert found == pytest.approx(
        {
            "loss": np.square(one).mean() + np.abs(two).mean(),
            "p_loss": np.square(one).mean(),
            "q_loss": np.abs(two).mean(),
            "q_mse": np.square(two).mean(),
            "q_mae": np.abs(two).mean(),
        },
        rel=1e-5,
    )


def test_outputs_that_lie_deeper() -> None:
    model = model_of(lambda one, two: {"u": [one], "v": two})
    y = {"u": [ONE], "v": TWO}
    found = results(model, y, loss={"u": ["mse"], "v": "mae"})
    assert list(found) == ["loss", "u/one_loss", "v_loss"]
    with pytest.raises(ValueError, match="loss must have the structure of the outputs"):
        results(model, y, loss={"u": "mse", "v": "mae"})


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        (["mae", "mse"], ["one_mae", "two_mse"]),
        ([["mae", "mse"], None], ["one_mae", "one_mse"]),
        ({"two": ["mae", "mse"]}, ["two_mae", "two_mse"]),
        ([["mae"], metrics.MeanAbsoluteError(name="m")], ["one_mae", "two_m"]),
    ],
    ids=["one_each", "lists", "dict", "objects"],
)
def test_metrics_by_output(metrics: Any, names: list[str]) -> None:
    found = results(model_of(as_list), [ONE, TWO], loss="mse", metrics=metrics)
    assert set(found) == {"loss", "one_loss", "two_loss", *names}


@pytest.mark.parametrize(
    "weight", [[WEIGHT, WEIGHT**2], {"one": WEIGHT, "two": WEIGHT**2}], ids=["list", "dict"]
)
def test_sample_weights_by_output(weight: Any) -> None:
    model = model_of(as_list)
    found = results(
        model,
        [ONE, TWO],
        weight,
        loss="mse",
        metrics=["mae", "mae"],
        weighted_metrics=["mae", "mse"],
    )
    one, two = errors(model)
    assert found["one_loss"] == pytest.approx((np.square(one).mean(1) * WEIGHT).mean(), rel=1e-5)
    assert found["two_loss"] == pytest.approx((np.square(two)[:, 0] * WEIGHT**2).mean(), rel=1e-5)
    assert found["one_mae"] == pytest.approx(np.abs(one).mean(), rel=1e-5)
    assert found["one_weighted_mae"] == pytest.approx(
        (np.abs(one).mean(1) * WEIGHT).sum() / WEIGHT.sum(), rel=1e-5
    )


def test_one_weight_serves_all_outputs() -> None:
    model = model_of(as_list)
    found = results(model, [ONE, TWO], WEIGHT, loss="mse")
    assert found["two_loss"] == pytest.approx(
        (np.square(errors(model)[1])[:, 0] * WEIGHT).mean(), rel=1e-5
    )


def test_an_output_without_a_loss() -> None:
    model = model_of(as_list)
    found = results(model, [ONE, TWO], loss=["mse", None], metrics=[None, ["mae"]])
    assert set(found) == {"loss", "two_mae"}


def test_the_order_of_evaluate() -> None:
    model = model_of(as_list)
    model.compile("sgd", ["mse", "mae"], metrics=[["mae", "mse"], ["mse"]])
    found = model.evaluate(X, [ONE, TWO], verbose=0, return_dict=True)
    order = ["loss", "one_loss", "two_loss", "one_mae", "one_mse", "two_mse"]
    expected = [found[name] for name in order]
    assert model.evaluate(X, [ONE, TWO], verbose=0) == pytest.approx(expected)
    assert model.test_on_batch(X, [ONE, TWO]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "y", "sentence"),
    [
        ({"loss": "msee"}, [ONE, TWO], "not 'msee'; nearest: 'mse'"),
        ({"loss": {"oen": "mse"}}, [ONE, TWO], r"output names \['one', 'two'\], not \['oen'\]"),
        ({"loss": ["mse"] * 3}, [ONE, TWO], "loss must hold one item per output, 2 of them, not 3"),
        ({"loss": "mse", "metrics": "mae"}, [ONE, TWO], r"write metrics=\['mae'\]"),
        ({"loss": "mse", "metrics": ["mae"]}, [ONE, TWO], "metrics must hold one item per output"),
        ({"loss": "mse", "metrics": {"two": ["maee"]}}, [ONE, TWO], "not 'maee'; nearest: 'mae'"),
        ({"loss": "mse", "loss_weights": 2.0}, [ONE, TWO], "must be a list or a dict, not 2.0"),
        ({"loss": "mse"}, ONE, "y must hold one item per output, 2 of them, not one array"),
        ({"loss": "mse"}, [ONE], "y must hold one item per output, 2 of them, not 1"),
        ({"loss": "mse"}, {"one": ONE, "tow": TWO}, r"names \['one', 'two'\], not \['tow'\]"),
        ({"loss": "mse"}, [TWO, TWO], "y must have the shape of the model's output"),
        ({"loss": "mse"}, [ONE, TWO[:5]], "y must have as many samples as"),
    ],
)  # fmt: skip
def test_mistakes(arguments: Any, y: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        results(model_of(as_list), y, **arguments)


def test_unknown_arguments_and_models_not_compiled() -> None:
    model = model_of(as_list)
    with pytest.raises(TypeError, match="'optimiser'; nearest: 'optimizer'"):
        model.compile(optimiser="sgd")
    with pytest.raises(ValueError, match=r"compile\(\) must be called before fit\(\)"):
        model.fit(X, [ONE, TWO])
