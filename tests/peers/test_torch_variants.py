"""Layer normalization and zoneout against loops in PyTorch: outputs, states and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers, random, reference

from tests.peers.torch_side import close

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 7, 3)).astype(np.float32)
UNITS, EPSILON = 17, 1e-2
MASK = RNG.random((4, 7)) < 0.7
State = tuple[Any, ...]


def norm(a: Any, gamma: Any, beta: Any = None) -> Any:
    shape = a.shape[-1:]
    gamma = gamma.reshape(shape)
    return torch.nn.functional.layer_norm(a, shape, gamma, beta, EPSILON)


def lstm(w: dict[str, Any], x: Any, states: State) -> State:
    h, c = states
    by_x, by_h = x @ w["kernel"], h @ w["recurrent_kernel"]
    if "norm_gamma" in w:
        by_x, by_h = norm(by_x, w["norm_gamma"][:4]), norm(by_h, w["norm_gamma"][4:8])
    i, f, g, o = (by_x + by_h + w["bias"]).chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    seen = norm(c, w["norm_gamma"][8], w["norm_beta"]) if "norm_gamma" in w else c
    return torch.sigmoid(o) * torch.tanh(seen), c


def gru(w: dict[str, Any], x: Any, states: State) -> State:
    (h,) = states
    terms = []
    for k, a in enumerate((x @ w["kernel"], h @ w["recurrent_kernel"])):
        if "norm_gamma" in w:
            gamma = w["norm_gamma"][3 * k : 3 * k + 3]
            zr = norm(a[:, : 2 * UNITS], gamma[:2])
            a = torch.cat([zr, norm(a[:, 2 * UNITS :], gamma[2])], dim=1)
        terms.append((a + w["bias"][k]).chunk(3, dim=1))
    (x_z, x_r, x_n), (h_z, h_r, h_n) = terms
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
    return (z * h + (1 - z) * n,)


CELLS: dict[str, tuple[Callable[..., State], Any, int]] = {
    "lstm": (lstm, layers.LSTM, 2),
    "gru": (gru, layers.GRU, 1),
}


@pytest.mark.parametrize("zoneout", ["none", "expected", "drawn"])
@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_like_a_loop(cell: str, normalized: bool, zoneout: str) -> None:
    step, kind, count = CELLS[cell]
    rates = (0.0, 0.0) if zoneout == "none" else (0.3, 0.2)
    options: dict[str, Any] = {"zoneout": rates[0]}
    if cell == "lstm":
        options["cell_zoneout"] = rates[1]
    if normalized:
        options |= {"layer_normalization": True, "norm_epsilon": EPSILON}
    layer = kind(UNITS, return_sequences=True, return_state=True, seed=5, **options)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0.1, 0.5, w.shape) for w in layer.weights])
    own = gatework.Tensor(X)
    with gatework.GradientTape() as tape:
        tape.watch(own)
        outputs = list(layer(own, mask=MASK, training=zoneout == "drawn"))
    up = [rng.normal(size=y.shape).astype(np.float32) for y in outputs]
    sources = [*layer.trainable_weights, own]
    found = tape.gradient(outputs, sources, output_gradients=[gatework.Tensor(g) for g in up])

    shape = (*X.shape[:2], UNITS)
    kept: list[Any] = [np.full(shape, rate) for rate in rates]
    if zoneout == "drawn":
        seed = random.SeedGenerator(5).next()
        kept = list(reference.zoneout_masks(shape, rates[:count], seed))
    w = {v.name: torch.tensor(v.numpy(), requires_grad=True) for v in layer.trainable_weights}
    x = torch.tensor(X, requires_grad=True)
    states = tuple(torch.zeros(len(X), UNITS) for _ in range(count))
    y = []
    for t in range(X.shape[1]):
        real = torch.tensor(MASK[:, t : t + 1])
        zoned = zip(step(w, x[:, t], states), states, kept, strict=False)
        mixed = [(new, old, torch.tensor(z[:, t], dtype=torch.float32)) for new, old, z in zoned]
        states = tuple(torch.where(real, z * old + (1 - z) * new, old) for new, old, z in mixed)
        y.append(states[0])
    theirs = [torch.stack(y, dim=1), *states]
    torch.autograd.backward(theirs, [torch.tensor(g) for g in up])

    for a, b in zip(outputs, theirs, strict=True):
        close(a, b.detach())
    for a, b in zip(found, [*w.values(), x], strict=True):
        close(a, b.grad)
