"""Layer normalization inside a cell (Ba, Kiros & Hinton 2016)."""

from typing import NamedTuple, Self

from .array import Array
from .normalization import row_norm_backward, row_norm_forward


class Normalized(NamedTuple):
    """Sums a (B, D), and γ ⊙ (a - mean) / √(variance + ε) of each row."""

    a: Array
    gamma: Array  # (D,)
    mean: Array | None
    rstd: Array
    value: Array

    @classmethod
    def of(cls, a: Array, gamma: Array, epsilon: float) -> Self:
        """Normalizes the rows of ``a`` with gains of any shape of D numbers."""
        value, mean, rstd = row_norm_forward(a, gamma.ravel(), None, epsilon, centered=True)
        return cls(a, gamma.ravel(), mean, rstd, value)

    def backward(self, d_value: Array) -> tuple[Array, Array]:
        """The gradients of a and γ."""
        da, dgamma, _ = row_norm_backward(self.a, self.gamma, self.mean, self.rstd, d_value)
        return da, dgamma
