"""Batches of the training stream."""

import numpy as np
import pytest
from gatework.demo.settings import Settings
from gatework.demo.windows import Windows


def test_targets_are_the_next_words():
    windows = Windows(np.arange(2, 500), first=1, steps=7, batch=4, seed=0)
    for index in range(len(windows)):
        x, y = windows[index]
        assert x.dtype == y.dtype == np.int32
        assert x.shape == y.shape
        np.testing.assert_array_equal(y, x + 1)


def test_an_epoch_reads_each_word_once():
    windows = Windows(np.arange(2, 500), first=1, steps=7, batch=4, seed=0)
    targets = np.concatenate([windows[i][1].ravel() for i in range(len(windows))])
    assert len(targets) == len(set(targets.tolist())) == windows.tokens
    assert windows.tokens > 498 - 2 * 7
    assert targets.min() >= 2
    assert targets.max() <= 499


def test_every_epoch_is_cut_anew_and_a_seed_repeats_it():
    a, b = (Windows(np.arange(2, 500), first=1, steps=7, batch=4, seed=5) for _ in range(2))
    first = a[0][0]
    np.testing.assert_array_equal(first, b[0][0])
    a.on_epoch_end()
    assert (a[0][0] != first).any()
    b.on_epoch_end()
    np.testing.assert_array_equal(a[0][0], b[0][0])


def test_a_stream_below_two_windows_is_refused():
    with pytest.raises(ValueError, match="stream must have at least 14 words, not 13"):
        Windows(np.zeros(13, np.int64), first=1, steps=7, batch=4, seed=0)


def test_noise_replaces_inputs_only_by_words_of_the_stream():
    stream = np.arange(2, 5000)
    windows = Windows(stream, first=1, steps=10, batch=100, seed=0, noise=0.2)
    x, y = windows[0]
    replaced = x != y - 1
    assert 0.15 < replaced.mean() < 0.25
    assert set(x.ravel().tolist()) <= {1, *stream.tolist()}


@pytest.mark.parametrize(
    ("tokens", "epochs"), [(1_000, 32), (50_000, 32), (160_000, 10), (10**8, 3)]
)
def test_long_texts_are_read_fewer_times(tokens, epochs):
    assert Settings().epochs_for(tokens) == epochs
    assert Settings(epochs=7).epochs_for(tokens) == 7
