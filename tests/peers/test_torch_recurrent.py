"""LSTM, GRU and SimpleRNN against PyTorch, live: outputs, states, gradients, packed sequences."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers

from tests.peers.torch_side import close

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

Arrays = list[np.ndarray]
CELLS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]


def peer(cell: str, inputs: int, units: int, **options: Any) -> Any:
    """PyTorch's layer, its weights drawn as PyTorch does."""
    torch.manual_seed(3)
    if cell.startswith("rnn"):
        return torch.nn.RNN(inputs, units, nonlinearity=cell[4:], batch_first=True, **options)
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    return kind(inputs, units, batch_first=True, **options)


def ours(cell: str, units: int, **options: Any) -> Any:
    """The same layer here."""
    if cell.startswith("rnn"):
        return layers.SimpleRNN(units, activation=cell[4:], **options)
    return {"lstm": layers.LSTM, "gru": layers.GRU}[cell](units, **options)


def to_keras(cell: str, parts: Arrays) -> Arrays:
    """PyTorch's (weight_ih, weight_hh, bias_ih, bias_hh) as kernel, recurrent kernel, bias.

    The matrices are transposed. The GRU's gates come as reset, update, candidate there and as
    update, reset, candidate here; it keeps both biases where the others add them.
    """
    if cell == "gru":
        parts = [np.concatenate([np.split(p, 3)[gate] for gate in (1, 0, 2)]) for p in parts]
    inner, recurrent, bias_in, bias_hidden = parts
    bias = np.stack([bias_in, bias_hidden]) if cell == "gru" else bias_in + bias_hidden
    return [inner.T, recurrent.T, bias]


def gradients_to_keras(cell: str, parts: Arrays) -> Arrays:
    """Gradients in the same layout; that of a summed bias is the gradient of either."""
    inner, recurrent, bias = to_keras(cell, parts)
    return [inner, recurrent, bias if cell == "gru" else bias / 2]


def parameters(layer: Any, suffix: str, gradients: bool = False) -> Arrays:
    """The four arrays of one level and direction."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    tensors = [getattr(layer, f"{name}_{suffix}") for name in names]
    return [(t.grad if gradients else t.detach()).numpy() for t in tensors]


def tensors(arrays: Arrays) -> list[Any]:
    return [torch.tensor(a, requires_grad=True) for a in arrays]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("batch", "time", "inputs", "units"), [(3, 6, 4, 5), (1, 1, 1, 1), (17, 40, 9, 33)]
)
def test_outputs_states_gradients(
    cell: str, batch: int, time: int, inputs: int, units: int
) -> None:
    rng = np.random.default_rng(batch)
    theirs = peer(cell, inputs, units)
    x = rng.normal(size=(batch, time, inputs)).astype(np.float32)
    count = 2 if cell == "lstm" else 1
    states = [rng.normal(size=(batch, units)).astype(np.float32) for _ in range(count)]
    up = [rng.normal(size=(batch, time, units)).astype(np.float32)]
    up += [rng.normal(size=(batch, units)).astype(np.float32) for _ in states]

    source, starts = torch.tensor(x, requires_grad=True), tensors(states)
    given = tuple(s[None] for s in starts)
    y, last = theirs(source, given if cell == "lstm" else given[0])
    ends = [s[0] for s in (last if cell == "lstm" else (last,))]
    torch.autograd.backward([y, *ends], [torch.tensor(g) for g in up])

    layer = ours(cell, units, return_sequences=True, return_state=True)
    layer.build(x.shape)
    layer.set_weights(to_keras(cell, parameters(theirs, "l0")))
    own, begin = gatework.Tensor(x), [gatework.Tensor(s) for s in states]
    with gatework.GradientTape() as tape:
        tape.watch([own, *begin])
        outputs = list(layer(own, initial_state=begin))
    sources = [*layer.trainable_weights, own, *begin]
    found = tape.gradient(outputs, sources, output_gradients=[gatework.Tensor(g) for g in up])

    for a, b in zip(outputs, [y, *ends], strict=True):
        close(a, b.detach())
    expected = gradients_to_keras(cell, parameters(theirs, "l0", gradients=True))
    expected += [t.grad.numpy() for t in (source, *starts)]
    for a, b in zip(found, expected, strict=True):
        close(a, b)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences(cell: str, bidirectional: bool) -> None:
    """PyTorch's packed batch is our post-padding mask, also for the direction that goes back."""
    rng = np.random.default_rng(5)
    lengths = np.array([7, 1, 4, 7, 2])
    x = rng.normal(size=(5, 7, 3)).astype(np.float32)
    mask = np.arange(7) < lengths[:, None]
    theirs = peer(cell, 3, 6, bidirectional=bidirectional)
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.tensor(x), torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    y, last = theirs(packed)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    up = rng.normal(size=tuple(expected.shape)).astype(np.float32)
    expected.backward(torch.tensor(up))

    directions = ["l0", "l0_reverse"][: 1 + bidirectional]
    layer = ours(cell, 6, return_sequences=True, return_state=True, zero_output_for_mask=True)
    if bidirectional:
        layer = layers.Bidirectional(layer)
    layer.build(x.shape)
    layer.set_weights([w for d in directions for w in to_keras(cell, parameters(theirs, d))])
    with gatework.GradientTape() as tape:
        outputs, *states = layer(x, mask=mask)
    found = tape.gradient(outputs, layer.trainable_weights, output_gradients=gatework.Tensor(up))

    close(outputs, expected.detach())
    ends = last if cell == "lstm" else (last,)
    for place, state in enumerate(states):
        direction, kind = divmod(place, len(ends))
        close(state, ends[kind][direction].detach())
    wanted = [g for d in directions for g in gradients_to_keras(cell, parameters(theirs, d, True))]
    for a, b in zip(found, wanted, strict=True):
        close(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_stacked_and_bidirectional(cell: str) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=(4, 9, 3)).astype(np.float32)
    theirs = peer(cell, 3, 5, num_layers=3, bidirectional=True)
    model = gatework.models.Sequential(
        [layers.Bidirectional(ours(cell, 5, return_sequences=True)) for _ in range(3)]
    )
    model.build(x.shape)
    model.set_weights(
        [
            w
            for level in range(3)
            for d in (f"l{level}", f"l{level}_reverse")
            for w in to_keras(cell, parameters(theirs, d))
        ]
    )
    with torch.no_grad():
        expected, _ = theirs(torch.tensor(x))
    close(model.predict(x, verbose=0), expected)
