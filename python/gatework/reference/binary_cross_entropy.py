"""Binary cross-entropy from logits, elementwise.

With z the logit and t the target, loss = -t log σ(z) - (1 - t) log σ(-z) = softplus(z) - t z.
"""

from .activations import sigmoid, softplus
from .array import Array


def binary_cross_entropy_forward(logits: Array, targets: Array) -> Array:
    """softplus(z) - t z, arranged so that large terms do not cancel."""
    # softplus(z) = max(z, 0) + softplus(-|z|)
    return logits * ((logits > 0) - targets) + softplus(-abs(logits))


def binary_cross_entropy_backward(logits: Array, targets: Array, dloss: Array) -> Array:
    """dloss (σ(z) - t)."""
    return dloss * (sigmoid(logits) - targets)
