"""Imported graphs compute what ONNX Runtime does: nodes of random weights, exports of PyTorch."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.interop.onnx import export_model, import_model

from tests.interop.onnx.nodes import model_of
from tests.peers.onnx_side import randomize, run

onnx = pytest.importorskip("onnx", reason="reads ONNX files with the onnx package, not installed")
pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
T, B, F, H = 6, 4, 3, 5


def leaves(outputs: Any) -> list[np.ndarray]:
    found = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(y.numpy()) for y in found]


def agree(own: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    assert [y.shape for y in own] == [y.shape for y in theirs]
    for a, b in zip(own, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * max(1.0, float(np.abs(b).max())))


def check_node(
    kind: str,
    *,
    direction: str = "forward",
    bias: bool = True,
    lengths: bool = False,
    states: bool = False,
    peepholes: bool = False,
    outputs: tuple[str, ...] = ("Y", "Y_h", "Y_c"),
    seed: int = 0,
    **attributes: Any,
) -> Any:
    """Runs one node of random weights on both sides; returns the model."""
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.6, shape).astype(np.float32)

    d = 2 if direction == "bidirectional" else 1
    rows = GATES[kind] * H
    constants = {"W": random(d, rows, F), "R": random(d, rows, H)}
    slots = ["X", "W", "R", "", "", "", "", ""]
    if bias:
        constants["B"] = random(d, 2 * rows)
        slots[3] = "B"
    values: dict[str, np.ndarray] = {"X": random(T, B, F)}
    sizes: dict[str, Any] = {"X": ["time", "batch", F]}
    if lengths:
        values["L"] = np.array([T, 1, 3, 2], np.int32)
        sizes["L"] = ["batch"]
        slots[4] = "L"
    if states:
        names = ["H0", "C0"] if kind == "LSTM" else ["H0"]
        for place, name in enumerate(names, 5):
            values[name] = random(d, B, H)
            sizes[name] = [d, "batch", H]
            slots[place] = name
    if peepholes:
        constants["P"] = random(d, 3 * H)
        slots[7] = "P"
    while not slots[-1]:
        slots.pop()
    found = [name for name in ("Y", "Y_h", "Y_c")[: 3 if kind == "LSTM" else 2] if name in outputs]
    made = [name if name in found else "" for name in ("Y", "Y_h", "Y_c")]
    while not made[-1]:
        made.pop()
    node = onnx.helper.make_node(
        kind, slots, made, name="node", hidden_size=H, direction=direction, **attributes
    )
    proto = model_of([node], sizes, found, constants, dtypes={"L": np.int32})
    model = import_model(proto)
    given = list(values.values())
    own = leaves(model(given if len(given) > 1 else given[0]))
    agree(own, run(proto, *given))
    return model


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", GATES)
def test_nodes(kind: str, direction: str, lengths: bool, states: bool) -> None:
    model = check_node(kind, direction=direction, lengths=lengths, states=states)
    names = {"LSTM": layers.LSTM, "GRU": layers.GRU, "RNN": layers.SimpleRNN}
    wanted = layers.Bidirectional if direction == "bidirectional" else names[kind]
    assert any(type(layer) is wanted for layer in model.layers)


@pytest.mark.parametrize("outputs", [("Y",), ("Y_h",), ("Y_c",), ("Y", "Y_h"), ("Y_h", "Y_c")])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_some_outputs(direction: str, outputs: tuple[str, ...]) -> None:
    check_node("LSTM", direction=direction, outputs=outputs)
    if "Y_c" not in outputs:
        check_node("GRU", direction=direction, outputs=outputs)


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_reset_gate(direction: str, after: int) -> None:
    check_node("GRU", direction=direction, linear_before_reset=after, states=True)


@pytest.mark.parametrize("kind", GATES)
def test_no_bias(kind: str) -> None:
    check_node(kind, bias=False, direction="bidirectional")


PAIRS = [
    (["Sigmoid", "Tanh"], [], []),
    (["HardSigmoid", "Softsign"], [1 / 6], [0.5]),
    (["HardSigmoid", "Tanh"], [0.3], [0.4]),
    (["HardSigmoid", "Relu"], [], []),
    (["Sigmoid", "LeakyRelu"], [0.2], []),
    (["Sigmoid", "LeakyRelu"], [0.05], []),
    (["Affine", "Elu"], [0.5, 1.0], [0.25]),
    (["Sigmoid", "Elu"], [0.7], []),
    (["Sigmoid", "ScaledTanh"], [1.5], [0.5]),
    (["Sigmoid", "ThresholdedRelu"], [0.4], []),
    (["Sigmoid", "Softplus"], [], []),
]


@pytest.mark.parametrize(("names", "alphas", "betas"), PAIRS)
@pytest.mark.parametrize("kind", GATES)
def test_activations(kind: str, names: list[str], alphas: list[float], betas: list[float]) -> None:
    given: dict[str, Any] = {}
    own = names[1:] if kind == "RNN" else names
    own = [*own, "Tanh"] if kind == "LSTM" else own
    # RNN leaves out the gates' function and its values.
    first = (
        {"HardSigmoid": (1, 1), "Affine": (1, 1)}.get(names[0], (0, 0)) if kind == "RNN" else (0, 0)
    )
    for key, values, skip in (
        ("activation_alpha", alphas, first[0]),
        ("activation_beta", betas, first[1]),
    ):
        if values[skip:]:
            given[key] = values[skip:]
    check_node(kind, activations=own, **given)


def test_other_activations_backwards() -> None:
    names = ["Sigmoid", "Tanh", "Tanh", "HardSigmoid", "Relu", "Tanh"]
    check_node("LSTM", direction="bidirectional", activations=names, states=True)
    check_node("GRU", direction="bidirectional", activations=["Sigmoid", "Tanh", "Sigmoid", "Relu"])


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_peepholes(direction: str, lengths: bool) -> None:
    check_node("LSTM", direction=direction, peepholes=True, states=True, lengths=lengths)


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("kind", GATES)
def test_clip(kind: str, direction: str) -> None:
    check_node(kind, direction=direction, clip=0.4, states=True)


def test_coupled_gates() -> None:
    check_node("LSTM", input_forget=1, states=True)
    check_node("LSTM", input_forget=1, peepholes=True, clip=0.6, direction="bidirectional")


MODELS = {
    "sequences": [layers.LSTM(4, return_sequences=True), layers.Dense(3)],
    "backwards": [layers.GRU(4, go_backwards=True, return_sequences=True), layers.GRU(3)],
    "both": [layers.Bidirectional(layers.LSTM(4, return_sequences=True)), layers.SimpleRNN(3)],
    "sum": [layers.Bidirectional(layers.GRU(4), merge_mode="sum")],
    "zeros": [layers.LSTM(4, return_sequences=True, zero_output_for_mask=True)],
}


@pytest.mark.parametrize("name", MODELS)
def test_masks_come_back(name: str) -> None:
    """Padding anywhere in a row, out and in again."""
    ids = np.random.default_rng(0).integers(1, 10, (5, 7))
    ids[0, :3] = ids[1, 4:] = ids[2, [1, 5]] = ids[3] = 0
    parts = [type(layer).from_config(layer.get_config()) for layer in MODELS[name]]
    model = models.Sequential(
        [layers.Input((None,)), layers.Embedding(10, 3, mask_zero=True), *parts]
    )
    randomize(model)
    back = import_model(export_model(model))
    agree([back.predict(ids, verbose=0)], [model.predict(ids, verbose=0)])


torch = pytest.importorskip("torch", reason="exports models of PyTorch, which is not installed")


class Tagger(torch.nn.Module):  # type: ignore[misc]
    """Embedding, recurrent layers, a projection of what ``take`` says."""

    def __init__(self, recurrent: Any, take: str) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(10, 3)
        self.recurrent = recurrent
        width = 4 * (2 if recurrent.bidirectional else 1)
        self.linear = torch.nn.Linear(width, 2)
        self.take = take

    def forward(self, ids: Any) -> Any:
        y, state = self.recurrent(self.embedding(ids))
        h = state[0] if isinstance(state, tuple) else state
        if self.take == "last":
            return self.linear(y[:, -1])
        if self.take == "state":
            return torch.softmax(self.linear(h[-1]), -1)
        if self.take == "both":
            return self.linear(torch.cat([h[-2], h[-1]], 1))
        if self.take == "mean":
            return torch.sigmoid(self.linear(y.mean(1)))
        return torch.relu(self.linear(y))


N = torch.nn
TAGGERS = [
    (N.LSTM(3, 4, batch_first=True), "last"),
    (N.LSTM(3, 4, 2, batch_first=True), "state"),
    (N.GRU(3, 4, 3, batch_first=True), "all"),
    (N.GRU(3, 4, bidirectional=True, batch_first=True), "mean"),
    (N.LSTM(3, 4, 2, bidirectional=True, batch_first=True), "both"),
    (N.RNN(3, 4, nonlinearity="relu", bidirectional=True, batch_first=True), "all"),
    (N.RNN(3, 4, 2, batch_first=True), "last"),
]


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(("recurrent", "take"), TAGGERS)
def test_exports_of_pytorch(recurrent: Any, take: str, dynamic: bool) -> None:
    module = Tagger(recurrent, take).eval()
    buffer = io.BytesIO()
    axes = {"ids": {0: "batch", 1: "time"}} if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.ones(2, 5, dtype=torch.long),),
            buffer,
            input_names=["ids"],
            dynamic_axes=axes,
            dynamo=False,
        )
    model = import_model(buffer.getvalue())
    for shape in [(2, 5), (3, 8)] if dynamic else [(2, 5)]:
        ids = np.random.default_rng(1).integers(0, 10, shape)
        with torch.no_grad():
            expected = module(torch.from_numpy(ids)).numpy()
        agree([model.predict(ids, verbose=0)], [expected])


def test_time_first() -> None:
    """The model takes and returns what the graph does: time comes first here."""
    module = N.LSTM(3, 4, bidirectional=True).eval()
    buffer = io.BytesIO()
    x = torch.randn(6, 2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (x,), buffer, dynamo=False)
    model = import_model(buffer.getvalue())
    with torch.no_grad():
        y, (h, c) = module(x)
    agree(leaves(model(x.numpy())), [y.numpy(), h.numpy(), c.numpy()])
