"""Connectionist temporal classification. B rows, T steps, V classes, L labels of one row."""

import numpy as np

from .array import Array, Integers


def _alignments(log_p: Array, labels: list[int], blank: int) -> Array:
    """log α[t, s]: all ways to be at state s of blank, label, blank, ... after step t (T, 2L+1)."""
    states = [blank]
    for label in labels:
        states += [label, blank]
    alpha = np.full((len(log_p), len(states)), -np.inf)
    alpha[0, :2] = log_p[0, states[:2]]
    for t in range(1, len(log_p)):
        for s, label in enumerate(states):
            before = [alpha[t - 1, s]]
            if s > 0:
                before.append(alpha[t - 1, s - 1])
            if s > 1 and label not in (blank, states[s - 2]):
                before.append(alpha[t - 1, s - 2])
            alpha[t, s] = np.logaddexp.reduce(before) + log_p[t, label]
    return alpha


def ctc(
    logits: Array, labels: Integers, label_counts: Integers, frames: Integers, blank: int = 0
) -> tuple[Array, Array]:
    """loss[b] = -log P(labels[b, :label_counts[b]] | logits[b, :frames[b]]) and its gradient.

    Graves et al. 2006: P is the sum over all alignments; the gradient is the softmax less the share
    of the alignments that say a class at a step. logits (B, T, V), gradient (B, T, V).
    """
    loss = np.zeros(len(logits))
    gradient = np.zeros(logits.shape)
    for b, (count, time) in enumerate(zip(label_counts, frames, strict=True)):
        if time == 0:
            continue
        x = logits[b, :time].astype(np.float64)
        log_p = x - np.logaddexp.reduce(x, axis=1, keepdims=True)
        row = [int(label) for label in labels[b, :count]]
        states = [blank]
        for label in row:
            states += [label, blank]
        forward = _alignments(log_p, row, blank)
        # Backwards the same, over reversed labels and steps; both hold the emission of their step.
        backward = _alignments(log_p[::-1], row[::-1], blank)[::-1, ::-1]
        total = np.logaddexp.reduce(forward[-1, -2:])
        loss[b] = -total
        share = np.exp(forward + backward - log_p[:, states] - total)
        gradient[b, :time] = np.exp(log_p)
        for s, label in enumerate(states):
            gradient[b, :time, label] -= share[:, s]
    return loss, gradient
