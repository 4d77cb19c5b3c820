"""Connectionist temporal classification: its loss, and reading labels off the output of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_array, as_tensor, needs_gradient, record, wrap

__all__ = ["ctc_decode", "ctc_loss"]


def _whole(name: str, values: Any, shape: tuple[int, ...]) -> Array:
    """Whole numbers as int64, with the shape of one per row; a number stands for all rows."""
    array = as_array(values)
    if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise ValueError(f"{name} must hold whole numbers, not {array.reshape(-1).tolist()}")
    if array.ndim == 0:
        array = np.full(shape, array)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
    return np.ascontiguousarray(array, np.int64)


def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """-log of the probability that the steps of a row read as its labels (Graves et al. 2006).

    Args:
        target: (batch, labels) class indices.
        output: (batch, time, classes) logits.
        target_length: (batch,) how many labels of a row count.
        output_length: (batch,) how many steps of a row count.
        mask_index: the class that means no label.

    Returns:
        (batch,) losses.

    Raises:
        ValueError: shapes or numbers do not fit, or a row has too few steps for its labels: one
            for each and one between two that are equal.
    """
    logits = as_tensor(output, "float32")
    if logits.ndim != 3:
        raise ValueError(f"output must have shape (batch, time, classes), not {logits.shape}")
    labels = as_array(target)
    batch = logits.shape[0]
    if labels.ndim != 2 or labels.shape[0] != batch:
        raise ValueError(f"target must have shape ({batch}, labels), not {labels.shape}")
    loss, gradient = _core.ctc(
        np.ascontiguousarray(logits._value),
        _whole("target", labels, labels.shape),
        _whole("target_length", target_length, (batch,)),
        _whole("output_length", output_length, (batch,)),
        mask_index,
        needs_gradient(logits),
    )
    if gradient is None:
        return wrap(loss)
    slope = gradient
    return record(loss, (logits,), lambda dy: (slope * dy[:, None, None],))


def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Tensor, Tensor]:
    """Labels from the output of a model trained with `ctc_loss`.

    Args:
        inputs: (batch, time, classes) logits.
        sequence_lengths: (batch,) how many steps of a row count.
        strategy: "greedy" takes the likeliest class of each step; "beam_search" follows the
            `beam_width` likeliest labellings, adding up all alignments of each.
        beam_width: labellings kept from step to step.
        top_paths: labellings returned, the likeliest first; one when greedy.
        merge_repeated: whether repeats without a blank between are one label; greedy only.
        mask_index: the class that means no label.

    Returns:
        Labels (top_paths, batch, time), filled with -1, and scores: (batch, 1), minus the sum of
        the chosen logits when greedy; (batch, top_paths) log-probabilities of a beam search.

    Raises:
        ValueError: for an unknown strategy, or numbers that do not fit.
    """
    logits = as_array(inputs, "float32")
    if logits.ndim != 3:
        raise ValueError(f"inputs must have shape (batch, time, classes), not {logits.shape}")
    lengths = _whole("sequence_lengths", sequence_lengths, logits.shape[:1])
    if not 0 <= mask_index < logits.shape[2]:
        raise ValueError(f"mask_index must be in [0, {logits.shape[2]}), not {mask_index}")
    if strategy == "greedy":
        return _greedy(logits, lengths, merge_repeated, mask_index)
    if strategy != "beam_search":
        raise ValueError(f"strategy must be 'greedy' or 'beam_search', not {strategy!r}")
    if not 1 <= top_paths <= beam_width:
        raise ValueError(f"top_paths must be in [1, beam_width = {beam_width}], not {top_paths}")
    paths = np.full((top_paths, *logits.shape[:2]), -1, np.int32)
    scores = np.full((logits.shape[0], top_paths), -np.inf, np.float32)
    top = logits.max(axis=-1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
    for row, length in enumerate(lengths):
        best = _beam_search(logs[row, :length].astype(np.float64), beam_width, mask_index)
        for place, (labels, score) in enumerate(best[:top_paths]):
            paths[place, row, : len(labels)] = labels
            scores[row, place] = score
    return wrap(paths), wrap(scores)


def _greedy(
    logits: Array, lengths: Array, merge_repeated: bool, blank: int
) -> tuple[Tensor, Tensor]:
    time = logits.shape[1]
    counted = np.arange(time) < lengths[:, None]
    best = np.where(counted, logits.argmax(axis=-1), blank)
    kept = best != blank
    if merge_repeated:
        kept[:, 1:] &= best[:, 1:] != best[:, :-1]
    order = np.argsort(~kept, axis=1, kind="stable")
    labels = np.take_along_axis(np.where(kept, best, -1), order, axis=1)
    scores = -np.where(counted, logits.max(axis=-1), 0).sum(axis=1, keepdims=True)
    return wrap(labels[None].astype(np.int32)), wrap(scores.astype(np.float32))


def _beam_search(logs: Array, width: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest labellings of one row of log-probabilities (time, classes), and their own."""
    nothing = -np.inf
    # By labelling: the log-probability of the alignments that end in a blank, and in the label.
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, nothing)}
    classes = [c for c in range(logs.shape[1]) if c != blank]
    for step in logs:
        grown: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(
            labels: tuple[int, ...],
            ends_blank: float,
            ends_label: float,
            grown: dict[tuple[int, ...], tuple[float, float]] = grown,
        ) -> None:
            old = grown.get(labels, (nothing, nothing))
            grown[labels] = (
                float(np.logaddexp(old[0], ends_blank)),
                float(np.logaddexp(old[1], ends_label)),
            )

        for labels, (after_blank, after_label) in beam.items():
            either = float(np.logaddexp(after_blank, after_label))
            last = labels[-1] if labels else None
            add(
                labels,
                either + step[blank],
                nothing if last is None else after_label + step[last],
            )
            for c in classes:
                add((*labels, c), nothing, (after_blank if c == last else either) + step[c])
        ranked = sorted(grown.items(), key=lambda item: -np.logaddexp(*item[1]))
        beam = dict(ranked[:width])
    found = [(labels, float(np.logaddexp(*score))) for labels, score in beam.items()]
    return sorted(found, key=lambda item: -item[1])
