"""One step of the optimizers, with Keras' formulas, and the global norm for clipping.

Parameters, gradients and slots are lists of arrays of equal shapes. Parameters and slots are
updated in place. Every gradient is multiplied by ``scale`` first.
"""

from collections.abc import Sequence

import numpy as np

from .array import Array


def sgd_update(
    params: Sequence[Array],
    grads: Sequence[Array],
    velocities: Sequence[Array] | None,
    lr: float,
    momentum: float,
    nesterov: bool,
    scale: float = 1.0,
) -> None:
    """Gradient descent with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013).

    u = μ u - η g, then w += u, or w += μ u - η g with ``nesterov``. Without velocities w -= η g.
    """
    for i, (w, g) in enumerate(zip(params, grads, strict=True)):
        step = lr * scale * g
        if velocities is None:
            w -= step
            continue
        u = velocities[i]
        u[...] = momentum * u - step
        w += momentum * u - step if nesterov else u


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
) -> None:
    """RMSprop (Tieleman & Hinton 2012), centred when ``avg`` is given (Graves 2013).

    v = ρ v + (1 - ρ) g²;  a = ρ a + (1 - ρ) g;  step = η g / √(v - a² + ε)  (a = 0 uncentred)
    u = μ u + step;  w -= u, or w -= step without ``mom``.
    """
    for i, (w, g) in enumerate(zip(params, grads, strict=True)):
        g = scale * g
        v[i][...] = rho * v[i] + (1 - rho) * g**2
        variance = v[i]
        if avg is not None:
            avg[i][...] = rho * avg[i] + (1 - rho) * g
            variance = variance - avg[i] ** 2
        step = lr * g / np.sqrt(variance + epsilon)
        if mom is not None:
            mom[i][...] = momentum * mom[i] + step
            step = mom[i]
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
    for i, (w, g) in enumerate(zip(params, grads, strict=True)):
        g = scale * g
        w -= lr * weight_decay * w
        m[i][...] += (1 - beta_1) * (g - m[i])
        v[i][...] += (1 - beta_2) * (g**2 - v[i])
        second = v[i]
        if vhat is not None:
            vhat[i][...] = np.maximum(vhat[i], second)
            second = vhat[i]
        w -= float(alpha) * m[i] / (np.sqrt(second) + epsilon)


def global_norm(arrays: Sequence[Array]) -> float:
    """√ Σ x² over every element of every array."""
    return float(np.sqrt(sum(float(np.sum(np.square(a, dtype=np.float64))) for a in arrays)))
