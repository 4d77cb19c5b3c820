"""Windows over a series: which steps they hold, which targets they get."""

import numpy as np
import pytest
from gatework import layers
from gatework.models import Sequential
from gatework.preprocessing import timeseries_dataset_from_array

SERIES = np.arange(100)


def test_the_example_of_keras():
    data = timeseries_dataset_from_array(
        np.arange(99), None, sequence_length=10, sampling_rate=2, sequence_stride=3
    )
    [windows] = list(data)
    np.testing.assert_array_equal(windows[0], np.arange(0, 20, 2))
    np.testing.assert_array_equal(windows[1], np.arange(3, 23, 2))
    np.testing.assert_array_equal(windows[-1], np.arange(78, 98, 2))


def test_targets_belong_to_the_start_of_their_window():
    data = timeseries_dataset_from_array(SERIES[:-10], SERIES[10:], 10, batch_size=7)
    assert len(data) == 12
    seen = list(data)
    assert [len(y) for _, y in seen] == [7] * 11 + [4]
    for x, y in seen:
        np.testing.assert_array_equal(x[:, 0] + 10, y)
        np.testing.assert_array_equal(x, x[:, :1] + np.arange(10))


def test_a_part_of_the_series():
    data = timeseries_dataset_from_array(SERIES, SERIES, 5, start_index=20, end_index=40)
    [(x, y)] = list(data)
    assert (x.min(), x.max()) == (20, 39)
    np.testing.assert_array_equal(x[:, 0], y)
    assert len(x) == 16


def test_shuffling_gives_a_new_order_each_pass_and_the_same_after_the_same_seed():
    def made():
        return timeseries_dataset_from_array(SERIES, None, 5, shuffle=True, seed=3)

    first = made()
    one, two = (np.concatenate(list(first)) for _ in range(2))
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(np.sort(one[:, 0]), np.arange(96))
    np.testing.assert_array_equal(np.concatenate(list(made())), one)


def test_windows_one_by_one():
    data = timeseries_dataset_from_array(SERIES[:, None], SERIES, 5, batch_size=None)
    x, y = next(iter(data))
    assert x.shape == (5, 1)
    assert y == 0
    assert len(data) == 96


def test_fit_takes_it():
    model = Sequential([layers.Input((6, 1)), layers.LSTM(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    data = timeseries_dataset_from_array(SERIES[:, None] / 100, SERIES[6:] / 100, 6, batch_size=20)
    assert len(model.fit(data, epochs=2, verbose=0, validation_data=data).history["val_loss"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequence_length": 0}, "sequence_length must be a positive integer, not 0"),
        ({"sequence_stride": 100}, "sequence_stride must be a positive integer below 100"),
        ({"sampling_rate": -1}, "sampling_rate must be a positive integer below 100, not -1"),
        ({"batch_size": 1.5}, "batch_size must be a positive integer, not 1.5"),
        ({"start_index": 100}, r"start_index must be in \[0, 100\), not 100"),
        ({"start_index": 9, "end_index": 9}, r"end_index must be in \(9, 100\], not 9"),
        ({"format": "tf"}, "format must be None, not 'tf'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(SERIES, None, **{"sequence_length": 5, **arguments})
