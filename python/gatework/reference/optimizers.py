"""One step of the optimizers, with Keras' formulas, and the global norm for clipping.

Parameters, gradients and slots are lists of arrays of equal shapes. Parameters and slots are
updated in place. Every gradient is multiplied by ``scale`` first, and every weight shrinks by
``lr * weight_decay`` before the rule.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .array import Array


def _weights(
    params: Sequence[Array],
    grads: Sequence[Array],
    scale: float,
    decay: float,
    *slots: Sequence[Array] | None,
) -> Iterator[tuple[Any, ...]]:
    """Every weight, shrunk, its gradient, scaled, and its slots; None for one not in use."""
    for i, (w, g) in enumerate(zip(params, grads, strict=True)):
        w -= decay * w
        yield w, scale * g, *(None if slot is None else slot[i] for slot in slots)


def sgd_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    velocities: Sequence[Array] | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Gradient descent with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013).

    u = μ u - η g, then w += u, or w += μ u - η g with ``nesterov``. Without velocities w -= η g.
    """
    for w, g, u in _weights(params, grads, scale, lr * weight_decay, velocities):
        if u is None:
            w -= lr * g
            continue
        u[...] = momentum * u - lr * g
        w += momentum * u - lr * g if nesterov else u


def rmsprop_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    v: Sequence[Array],
    mom: Sequence[Array] | None,
    avg: Sequence[Array] | None,
    lr: float,
    rho: float,
    momentum: float,
    epsilon: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """RMSprop (Tieleman & Hinton 2012), centred when ``avg`` is given (Graves 2013).

    v = ρ v + (1 - ρ) g²;  a = ρ a + (1 - ρ) g;  step = η g / √(v - a² + ε)  (a = 0 uncentred)
    u = μ u + step;  w -= u, or w -= step without ``mom``.
    """
    for w, g, square, u, a in _weights(params, grads, scale, lr * weight_decay, v, mom, avg):
        square[...] = rho * square + (1 - rho) * g**2
        variance = square
        if a is not None:
            a[...] = rho * a + (1 - rho) * g
            variance = square - a**2
        step = lr * g / np.sqrt(variance + epsilon)
        if u is not None:
            u[...] = step = momentum * u + step
        w -= step


def adam_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    m: Sequence[Array],
    v: Sequence[Array],
    vhat: Sequence[Array] | None,
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    weight_decay: float = 0.0,
    scale: float = 1.0,
) -> None:
    """Adam (Kingma & Ba 2014) in the paper's second form, where ε is not bias-corrected.

    ``vhat`` gives AMSGrad (Reddi et al. 2018), ``weight_decay`` the decoupled decay of AdamW
    (Loshchilov & Hutter 2017); ``step`` counts from 1.

    w -= η λ w;  m += (1 - β₁)(g - m);  v += (1 - β₂)(g² - v)
    w -= α m / (√v + ε),  α = η √(1 - β₂^t) / (1 - β₁^t)
    """
    alpha = lr * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    for w, g, mean, square, top in _weights(params, grads, scale, lr * weight_decay, m, v, vhat):
        mean += (1 - beta_1) * (g - mean)
        square += (1 - beta_2) * (g**2 - square)
        if top is not None:
            top[...] = square = np.maximum(top, square)
        w -= float(alpha) * mean / (np.sqrt(square) + epsilon)


def adamax_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    m: Sequence[Array],
    norm: Sequence[Array],
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Adamax (Kingma & Ba 2014, section 7.1).

    m += (1 - β₁)(g - m);  u = max(β₂ u, |g|);  w -= η / (1 - β₁^t) m / (u + ε)
    """
    for w, g, mean, u in _weights(params, grads, scale, lr * weight_decay, m, norm):
        mean += (1 - beta_1) * (g - mean)
        u[...] = np.maximum(beta_2 * u, np.abs(g))
        w -= lr / (1 - beta_1**step) * mean / (u + epsilon)


def nadam_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    m: Sequence[Array],
    v: Sequence[Array],
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    product: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Nadam (Dozat 2016). ``product`` is u₁ u₂ … u_t with u_t = β₁ (1 - 0.96^t / 2).

    m and v as in Adam;  w -= η (u_{t+1} m / (1 - Π u_{t+1}) + (1 - u_t) g / (1 - Π)) /
    (√(v / (1 - β₂^t)) + ε)
    """
    now, following = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
    for w, g, mean, square in _weights(params, grads, scale, lr * weight_decay, m, v):
        mean += (1 - beta_1) * (g - mean)
        square += (1 - beta_2) * (g**2 - square)
        ahead = following * mean / (1 - product * following) + (1 - now) * g / (1 - product)
        w -= lr * ahead / (np.sqrt(square / (1 - beta_2**step)) + epsilon)


def adagrad_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    sums: Sequence[Array],
    lr: float,
    epsilon: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Adagrad (Duchi et al. 2011): s += g²;  w -= η g / √(s + ε)"""
    for w, g, s in _weights(params, grads, scale, lr * weight_decay, sums):
        s += g**2
        w -= lr * g / np.sqrt(s + epsilon)


def adadelta_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    squares: Sequence[Array],
    steps: Sequence[Array],
    lr: float,
    rho: float,
    epsilon: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Adadelta (Zeiler 2012).

    G = ρ G + (1 - ρ) g²;  d = √(D + ε) g / √(G + ε);  D = ρ D + (1 - ρ) d²;  w -= η d
    """
    for w, g, square, past in _weights(params, grads, scale, lr * weight_decay, squares, steps):
        square[...] = rho * square + (1 - rho) * g**2
        d = np.sqrt(past + epsilon) * g / np.sqrt(square + epsilon)
        past[...] = rho * past + (1 - rho) * d**2
        w -= lr * d


def lion_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    m: Sequence[Array],
    lr: float,
    beta_1: float,
    beta_2: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Lion (Chen et al. 2023): w -= η sign(β₁ m + (1 - β₁) g);  m = β₂ m + (1 - β₂) g"""
    for w, g, mean in _weights(params, grads, scale, lr * weight_decay, m):
        w -= lr * np.sign(beta_1 * mean + (1 - beta_1) * g)
        mean[...] = beta_2 * mean + (1 - beta_2) * g


def ftrl_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    sums: Sequence[Array],
    linears: Sequence[Array],
    lr: float,
    power: float,
    l1: float,
    l2: float,
    shrinkage: float,
    beta: float,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """FTRL-Proximal (McMahan et al. 2013) with p = -``power``.

    n += g²;  z += g + 2 shrinkage w - (n^p - n_old^p) / η w
    w = (clip(z, -l1, l1) - z) / (n^p / η + 2 l2 + β / η)
    """
    for w, g, n, z in _weights(params, grads, scale, lr * weight_decay, sums, linears):
        old = n**-power
        n += g**2
        new = n**-power
        z += g + 2 * shrinkage * w - (new - old) / lr * w
        w[...] = (np.clip(z, -l1, l1) - z) / (new / lr + 2 * l2 + beta / lr)


def schedule_free_adam_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    z: Sequence[Array],
    v: Sequence[Array],
    lr: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    scale: float = 1.0,
    weight_decay: float = 0.0,
) -> None:
    """Schedule-free AdamW (Defazio et al. 2024). x = (w - (1 - β₁) z) / β₁ is the mean of all z.

    v += (1 - β₂)(g² - v);  z -= η g / (√(v / (1 - β₂^t)) + ε);  x += (z - x) / t
    w = (1 - β₁) z + β₁ x
    """
    for w, g, point, square in _weights(params, grads, scale, lr * weight_decay, z, v):
        x = (w - (1 - beta_1) * point) / beta_1
        square += (1 - beta_2) * (g**2 - square)
        point -= lr * g / (np.sqrt(square / (1 - beta_2**step)) + epsilon)
        x += (point - x) / step
        w[...] = (1 - beta_1) * point + beta_1 * x


def global_norm(arrays: Sequence[Array]) -> float:
    """√ Σ x² over every element of every array."""
    return float(np.sqrt(sum(float(np.sum(np.square(a, dtype=np.float64))) for a in arrays)))
