"""Where windows lie on an axis of time, for convolution and pooling."""

from __future__ import annotations

__all__ = ["output_length", "padding_sizes"]


def output_length(time: int, span: int, stride: int, padding: str) -> int:
    """How many windows of ``span`` steps there are.

    Raises:
        ValueError: if there is none.
    """
    if padding == "valid":
        count = (time - span) // stride + 1
    else:
        count = -(-time // stride)
    if count < 1:
        raise ValueError(
            f"inputs must have at least {span if padding == 'valid' else 1} steps for a window of "
            f"{span}, not {time}"
        )
    return count


def padding_sizes(time: int, span: int, stride: int, padding: str) -> tuple[int, int]:
    """Steps of zeros before and after; the odd one of "same" comes after."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return span - 1, 0
    count = output_length(time, span, stride, padding)
    total = max((count - 1) * stride + span - time, 0)
    return total // 2, total - total // 2
