"""num_layers and projection against PyTorch, live: outputs, states, gradients, both directions."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers

from tests.peers.test_torch_recurrent import (
    CELLS,
    close,
    gradients_to_keras,
    ours,
    parameters,
    peer,
    to_keras,
)

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

X = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
LENGTHS = np.array([9, 1, 6, 4])
MASK = np.arange(9) < LENGTHS[:, None]


def names(layers_: int, bidirectional: bool) -> list[str]:
    """Suffixes of PyTorch's parameters in the order of our weights: all forward, then backward."""
    return [f"l{i}{way}" for way in ("", "_reverse")[: 1 + bidirectional] for i in range(layers_)]


def own_weights(cell: str, theirs: Any, suffix: str, gradients: bool = False) -> list[np.ndarray]:
    turn = gradients_to_keras if gradients else to_keras
    found = turn(cell, parameters(theirs, suffix, gradients))
    projection = getattr(theirs, f"weight_hr_{suffix}", None)
    if projection is not None:
        found.append((projection.grad if gradients else projection.detach()).numpy().T)
    return found


def compare(cell: str, bidirectional: bool, packed: bool, units: int, **options: Any) -> None:
    theirs = peer(
        cell,
        3,
        units,
        num_layers=options.get("num_layers", 1),
        bidirectional=bidirectional,
        **({"proj_size": options["projection"]} if "projection" in options else {}),
    )
    count, ways = options.get("num_layers", 1), 1 + bidirectional
    source = torch.tensor(X, requires_grad=True)
    if packed:
        given = torch.nn.utils.rnn.pack_padded_sequence(
            source, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
        )
        y, last = theirs(given)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    else:
        y, last = theirs(source)
    ends = last if cell == "lstm" else (last,)
    rng = np.random.default_rng(1)
    # By direction and layer, as ours come; PyTorch's lie by layer and direction.
    order = [level * ways + way for way in range(ways) for level in range(count)]
    theirs_states = [end[place] for place in order for end in ends]
    up = [rng.normal(size=tuple(t.shape)).astype(np.float32) for t in (y, *theirs_states)]
    torch.autograd.backward([y, *theirs_states], [torch.tensor(g) for g in up])

    layer = ours(
        cell, units, return_sequences=True, return_state=True, zero_output_for_mask=True, **options
    )
    if bidirectional:
        layer = layers.Bidirectional(layer)
    layer.build(X.shape)
    suffixes = names(count, bidirectional)
    layer.set_weights([w for s in suffixes for w in own_weights(cell, theirs, s)])
    own = gatework.Tensor(X)
    with gatework.GradientTape() as tape:
        tape.watch(own)
        outputs = list(layer(own, mask=MASK if packed else None))
    sources = [*layer.trainable_weights, own]
    found = tape.gradient(outputs, sources, output_gradients=[gatework.Tensor(g) for g in up])
    for a, b in zip(outputs, (y, *theirs_states), strict=True):
        close(a, b.detach())
    expected = [w for s in suffixes for w in own_weights(cell, theirs, s, gradients=True)]
    for a, b in zip(found, [*expected, source.grad.numpy()], strict=True):
        close(a, b)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_layers(cell: str, bidirectional: bool, packed: bool) -> None:
    compare(cell, bidirectional, packed, 5, num_layers=3)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("units", "projection", "count"), [(5, 2, 1), (33, 17, 2), (20, 1, 3)])
def test_projection(
    units: int, projection: int, count: int, bidirectional: bool, packed: bool
) -> None:
    options = {"projection": projection, "num_layers": count}
    compare("lstm", bidirectional, packed, units, **options)
