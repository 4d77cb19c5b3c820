"""The counter-based generator, and dropout on top of it."""

import numpy as np
import pytest
from gatework import reference

# Known answers published with Random123, the authors' library: counter, key, result.
PHILOX = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), PHILOX)
def test_philox_known_answers(counter: list[int], key: list[int], expected: list[int]) -> None:
    words = reference.philox4x32(np.array([counter]), (key[0], key[1]))
    assert words.tolist() == [expected]


def test_words_are_the_words_of_counted_blocks() -> None:
    seed = 0x123456789ABCDEF
    blocks = reference.philox4x32(
        np.array([[0, 0, 0, 0], [1, 0, 0, 0]]), (seed & 0xFFFFFFFF, seed >> 32)
    )
    assert reference.random_words(6, seed).tolist() == blocks.ravel()[:6].tolist()


def test_rate_is_the_share_dropped() -> None:
    mask = reference.dropout_mask((200, 500), 0.3, seed=7)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs((mask == 0).mean() - 0.3) < 0.005


def test_a_seed_gives_one_mask_whatever_the_shape() -> None:
    mask = reference.dropout_mask((3, 10), 0.5, seed=2**62 + 1)
    np.testing.assert_array_equal(mask.ravel(), reference.dropout_mask((30,), 0.5, 2**62 + 1))
    assert (mask != reference.dropout_mask((3, 10), 0.5, seed=1)).any()


def test_dropout_multiplies_by_its_mask() -> None:
    x = np.random.default_rng(0).standard_normal((4, 9))
    mask = reference.dropout_mask((4, 9), 0.25, seed=3)
    np.testing.assert_array_equal(reference.dropout(x, 0.25, 3), x * mask)


def test_spatial_dropout_drops_whole_features() -> None:
    x = np.ones((2, 5, 8), np.float32)
    y = reference.spatial_dropout(x, 0.5, seed=4)
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 5, axis=1))
    np.testing.assert_array_equal(y[:, 0], reference.dropout_mask((2, 8), 0.5, 4))


def test_nothing_is_dropped_at_rate_zero() -> None:
    np.testing.assert_array_equal(reference.dropout_mask((100,), 0.0, 5), np.ones(100))


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rate_is_checked(rate: float) -> None:
    with pytest.raises(ValueError, match=rf"^rate must be in \[0, 1\), not {rate}$"):
        reference.dropout_mask((2,), rate, 0)
