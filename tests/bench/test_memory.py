"""What is promised of memory: inference needs none per step, training little more than it saves."""

import sys

import pytest

from bench.memory import MEGABYTE, Size, peak_of

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="reads the peak of a process from /proc"
)


def test_inference_of_the_last_output_takes_the_same_memory_for_any_length():
    short, long = (peak_of(Size(8, time, 128, train=False)) for time in (100, 4000))
    assert abs(long - short) < MEGABYTE


def test_attention_takes_memory_in_proportion_to_the_length():
    half, whole = (peak_of(Size(1, time, 128, train=True, attention=True)) for time in (2048, 4096))
    scores = 4 * 2 * 4096**2
    assert whole < 2 * half + 2 * MEGABYTE
    assert whole < scores / 4


def test_training_takes_little_more_than_what_it_has_to_remember():
    size = Size(8, 4000, 128, train=True)
    assert size.remembered > 100 * MEGABYTE
    assert peak_of(size) < 1.3 * size.remembered
