"""State dicts of PyTorch, converted without it: round trips, correspondence, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.interop.torch import load_state_dict, read_state_dict, state_dict, write_state_dict

from tests.saving.hostile import same

RNG = np.random.default_rng(3)


def built(layer: Any, *shape: int | None) -> Any:
    """The layer with weights that are all different."""
    layer.build((None, *shape))
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer


LAYERS = {
    "LSTM": lambda: built(layers.LSTM(3, name="it"), None, 2),
    "LSTM_without_bias": lambda: built(layers.LSTM(3, use_bias=False, name="it"), None, 2),
    "GRU": lambda: built(layers.GRU(3, name="it"), None, 2),
    "SimpleRNN": lambda: built(layers.SimpleRNN(3, activation="relu", name="it"), None, 2),
    "Bidirectional": lambda: built(layers.Bidirectional(layers.GRU(3), name="it"), None, 2),
    "Dense": lambda: built(layers.Dense(3, name="it"), 2),
    "TimeDistributed": lambda: built(layers.TimeDistributed(layers.Dense(3), name="it"), None, 2),
    "Embedding": lambda: built(layers.Embedding(5, 3, name="it"), None),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_there_and_back(kind: str) -> None:
    layer, other = LAYERS[kind](), LAYERS[kind]()
    load_state_dict(other, state_dict(layer))
    same(other, layer.get_weights())


def test_linear() -> None:
    """y = x Wᵀ + b."""
    weight, bias = RNG.normal(size=(3, 2)).astype("f4"), RNG.normal(size=3).astype("f4")
    layer = built(layers.Dense(3), 2)
    load_state_dict(layer, {"weight": weight, "bias": bias})
    x = RNG.normal(size=(4, 2)).astype("f4")
    np.testing.assert_allclose(layer(x).numpy(), x @ weight.T + bias, rtol=1e-5, atol=1e-6)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_gru() -> None:
    """PyTorch's equations, gates r, z, n."""
    shapes = {"weight_ih_l0": (9, 2), "weight_hh_l0": (9, 3), "bias_ih_l0": 9, "bias_hh_l0": 9}
    state = {name: RNG.normal(size=shape).astype("f4") for name, shape in shapes.items()}
    layer = built(layers.GRU(3), None, 2)
    load_state_dict(layer, state)
    x = RNG.normal(size=(4, 5, 2)).astype("f4")
    h = np.zeros((4, 3))
    for t in range(5):
        i_r, i_z, i_n = np.split(x[:, t] @ state["weight_ih_l0"].T + state["bias_ih_l0"], 3, 1)
        h_r, h_z, h_n = np.split(h @ state["weight_hh_l0"].T + state["bias_hh_l0"], 3, 1)
        z = sigmoid(i_z + h_z)
        h = (1 - z) * np.tanh(i_n + sigmoid(i_r + h_r) * h_n) + z * h
    np.testing.assert_allclose(layer(x).numpy(), h, rtol=1e-5, atol=1e-6)


def classifier() -> Any:
    model = models.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(7, 4, name="table"),
            layers.LSTM(3, return_sequences=True, name="first"),
            layers.LSTM(3, name="second"),
            layers.Dense(2, name="head"),
        ]
    )
    model.set_weights([RNG.normal(size=w.shape) for w in model.get_weights()])
    return model


NAMES = {
    "table": "words",
    "first": ("encoder.rnn", 0),
    "second": ("encoder.rnn", 1),
    "head": "out.0",
}


class TestModels:
    def test_names(self) -> None:
        model, other = classifier(), classifier()
        state = state_dict(model, NAMES)
        assert sorted(state)[:2] == ["encoder.rnn.bias_hh_l0", "encoder.rnn.bias_hh_l1"]
        assert {name.rpartition(".")[0] for name in state} == {"words", "encoder.rnn", "out.0"}
        shuffled = dict(sorted(state.items()))
        load_state_dict(other, shuffled, NAMES)
        same(other, model.get_weights())

    def test_order(self) -> None:
        """Without names a module of two levels is two layers."""
        model, other = classifier(), classifier()
        load_state_dict(other, state_dict(model, NAMES))
        same(other, model.get_weights())

    def test_data_parallel_and_lists(self) -> None:
        model, other = classifier(), classifier()
        state = {f"module.{k}": v.tolist() for k, v in state_dict(model, NAMES).items()}
        load_state_dict(other, state, NAMES)
        same(other, model.get_weights())

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda s: s.pop("out.0.bias"), r"out\.0\.bias.*head"),
            (lambda s: s.update({"out.0.weight": np.zeros((4, 3))}), r"head.*\(3, 2\).*\(3, 4\)"),
            (lambda s: s.update({"extra.weight": np.zeros(3)}), "extra"),
            (lambda s: s.update({"out.0.bias": ["a"]}), r"out\.0\.bias.*numbers"),
            (lambda s: s.update({"encoder.rnn.weight_hr_l0": np.zeros((1, 3))}), "weight_hr_l0"),
        ],
    )
    def test_what_does_not_fit(self, change: Any, sentence: str) -> None:
        model, other = classifier(), classifier()
        state: dict[str, Any] = dict(state_dict(model, NAMES))
        change(state)
        before = other.get_weights()
        with pytest.raises(ValueError, match=sentence):
            load_state_dict(other, state, NAMES)
        same(other, before)

    def test_strict(self) -> None:
        model, other = classifier(), classifier()
        state = state_dict(model, NAMES) | {"decoder.weight": np.zeros(3)}
        load_state_dict(other, state, NAMES, strict=False)
        same(other, model.get_weights())

    def test_names_that_do_not_fit(self) -> None:
        model = classifier()
        state = state_dict(model, NAMES)
        with pytest.raises(ValueError, match="hed"):
            load_state_dict(model, state, {**NAMES, "hed": "out.0"})
        with pytest.raises(ValueError, match="head"):
            load_state_dict(model, state, {k: v for k, v in NAMES.items() if k != "head"})
        with pytest.raises(ValueError, match="correspond"):
            load_state_dict(model, {k: v for k, v in state.items() if "l1" not in k})
        with pytest.raises(ValueError, match="name of its own"):
            state_dict(model, {"first": "x", "second": "x"})


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        (lambda: layers.LSTM(3, activation="relu", name="it"), "activation of 'it'.*tanh.*relu"),
        (lambda: layers.GRU(3, recurrent_activation="hard_sigmoid"), "recurrent_activation"),
        (lambda: layers.GRU(3, reset_after=False), "reset_after"),
        (lambda: layers.SimpleRNN(3, zoneout=0.1), "zoneout of .* must be 0 as .*, not 0.1"),
        (lambda: layers.LSTM(3, cell_zoneout=0.1), "cell_zoneout of .* must be 0"),
        (
            lambda: layers.GRU(3, layer_normalization=True),
            "layer_normalization of .* must be False",
        ),
        (lambda: layers.Bidirectional(layers.LSTM(3), merge_mode="sum"), "merge_mode"),
        (lambda: layers.EinsumDense("abc,cd->abd", (None, 3)), "EinsumDense"),
    ],
)
def test_what_pytorch_has_not(layer: Any, sentence: str) -> None:
    one = built(layer(), 4, 2)
    with pytest.raises(ValueError, match=sentence):
        state_dict(one)
    with pytest.raises(ValueError, match=sentence):
        load_state_dict(one, {"weight": np.zeros(3)})


class TestFiles:
    def test_safetensors(self, tmp_path: Path) -> None:
        pytest.importorskip("safetensors", reason="an extra, which is not installed")
        model, other = classifier(), classifier()
        write_state_dict(tmp_path / "w.safetensors", state_dict(model, NAMES))
        load_state_dict(other, read_state_dict(tmp_path / "w.safetensors"), NAMES)
        same(other, model.get_weights())

    @pytest.mark.parametrize("name", ["w.pickle", "w.npz", "w"])
    def test_other_endings(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(ValueError, match="filepath"):
            read_state_dict(tmp_path / name)
        with pytest.raises(ValueError, match="filepath"):
            write_state_dict(tmp_path / name, {})
