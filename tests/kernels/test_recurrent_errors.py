"""Arguments the recurrent kernels refuse, and the sentences they say."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core

B, T, I, H = 2, 3, 4, 5  # noqa: E741


def floats(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def forward(**changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "cell": "lstm",
        "x": floats(B, T, I),
        "kernel": floats(I, 4 * H),
        "recurrent_kernel": floats(H, 4 * H),
        "bias": floats(4 * H),
        "initial_states": (floats(B, H), floats(B, H)),
        "mask": np.ones((B, T), bool),
        "dropout_mask": floats(B, I),
        "recurrent_dropout_mask": floats(B, H),
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "go_backwards": False,
        "zero_output_for_mask": False,
        "return_sequences": True,
        "keep": True,
    }
    return _core.recurrent_forward(**(arguments | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cell": "elman"}, "cell must be one of lstm, lstm_peephole, lstm_layer_norm, "),
        ({"x": floats(T, I)}, "x must be of shape (any, any, any), not (3, 4)"),
        ({"x": floats(B, 0, I)}, "x must be of at least one time step, not (2, 0, 4)"),
        ({"x": floats(B, T, 0)}, "x must be of at least one feature, not (2, 3, 0)"),
        ({"x": floats(B, T, 2 * I)[:, :, ::2]}, "x must be C-contiguous and aligned, not strided"),
        ({"kernel": floats(I + 1, 4 * H)}, "kernel must be of shape (4, 20), not (5, 20)"),
        ({"kernel": floats(I, 3 * H)}, "kernel must be of shape (4, 20), not (4, 15)"),
        (
            {"recurrent_kernel": floats(H, 3 * H)},
            "recurrent_kernel must be of shape (5, 20), not (5, 15)",
        ),
        ({"bias": floats(2, 4 * H)}, "bias must be of shape (20,), not (2, 20)"),
        ({"cell": "gru"}, "recurrent_kernel must be of shape (5, 15), not (5, 20)"),
        ({"initial_states": (floats(B, H),)}, "initial_states must be 2 arrays, not 1"),
        (
            {"initial_states": (floats(B, H), floats(B + 1, H))},
            "initial_states must be of shape (2, 5), not (3, 5)",
        ),
        ({"mask": np.ones((T, B), bool)}, "mask must be of shape (2, 3), not (3, 2)"),
        ({"dropout_mask": floats(B, H)}, "dropout_mask must be of shape (2, 4), not (2, 5)"),
        (
            {"recurrent_dropout_mask": floats(B, I)},
            "recurrent_dropout_mask must be of shape (2, 5), not (2, 4)",
        ),
        ({"peepholes": floats(3, H)}, "peepholes must be None for this cell, not ndarray"),
        (
            {"cell": "lstm_peephole", "peepholes": floats(2, H)},
            "peepholes must be of shape (3, 5), not (2, 5)",
        ),
        ({"cell_clip": 0.0}, "cell_clip must be positive, not 0.0"),
        ({"activation_clip": float("nan")}, "activation_clip must be positive, not nan"),
        (
            {"projection": floats(H, H)},
            "projection must be of fewer columns than rows, not (5, 5)",
        ),
        (
            {"projection": floats(7, 2)},
            "projection must be of shape (any, 5), not (7, 2)",
        ),
        (
            {"projection": floats(7, H)},
            "recurrent_kernel must be of shape (5, 28), not (5, 20)",
        ),
        (
            {"cell": "gru", "projection": floats(7, H)},
            "projection must be None for this cell, not ndarray",
        ),
        ({"gamma": floats(9, H)}, "gamma must be None for this cell, not ndarray"),
        ({"beta": floats(H)}, "beta must be None for this cell, not ndarray"),
        (
            {"cell": "lstm_layer_norm", "gamma": floats(8, H), "beta": floats(H)},
            "gamma must be of shape (9, 5), not (8, 5)",
        ),
        (
            {"cell": "lstm_layer_norm", "gamma": floats(9, H), "beta": floats(H + 1)},
            "beta must be of shape (5,), not (6,)",
        ),
        ({"epsilon": 0.0}, "epsilon must be positive, not 0.0"),
        ({"zoneout": (0.1,)}, "zoneout must be 2 numbers, not 1"),
        ({"zoneout": (0.1, 1.0)}, "zoneout must be in [0, 1), not 1.0"),
        ({"zoneout": (float("nan"), 0.0)}, "zoneout must be in [0, 1), not nan"),
        ({"activation": "tan"}, "activation must be an elementwise activation (linear, "),
        ({"recurrent_activation": "softmax"}, "recurrent_activation must be an elementwise "),
    ],
)
def test_values(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence)):
        forward(**changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": [[[1.0]]]}, "x must be a NumPy array of float32, not list"),
        ({"x": np.zeros((B, T, I))}, "x must be an array of float32, not one of float64"),
        ({"x": floats(B, T, I).astype(">f4")}, "x must be an array of float32, not one of >f4"),
        ({"x": np.zeros((B, T, I), object)}, "x must be an array of float32, not one of object"),
        (
            {"cell": "lstm_layer_norm"},
            "gamma must be a NumPy array of float32, not NoneType",
        ),
        ({"kernel": None}, "kernel must be a NumPy array of float32, not NoneType"),
        ({"mask": np.ones((B, T), np.int8)}, "mask must be an array of bool, not one of int8"),
    ],
)
def test_types(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TypeError, match="^" + re.escape(sentence)):
        forward(**changes)


def test_unaligned_array_is_refused() -> None:
    raw = np.zeros(4 * B * T * I + 1, np.uint8)
    unaligned = raw[1:].view(np.float32).reshape(B, T, I)
    with pytest.raises(ValueError, match=r"^x must be C-contiguous and aligned, not strided$"):
        forward(x=unaligned)


class TestBackward:
    @pytest.mark.parametrize(
        ("dy", "dstates", "sentence"),
        [
            (floats(B, H), (None, None), "dy must be of shape (2, 3, 5), not (2, 5)"),
            (None, (None,), "dstates must be 2 arrays, not 1"),
            (None, (floats(B, H + 1), None), "dstates must be of shape (2, 5), not (2, 6)"),
        ],
    )
    def test_values(self, dy: Any, dstates: Any, sentence: str) -> None:
        saved = forward()[2]
        with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
            _core.recurrent_backward(saved, dy, dstates, True)

    def test_last_output_takes_a_gradient_of_its_shape(self) -> None:
        saved = forward(return_sequences=False)[2]
        with pytest.raises(ValueError, match=r"^dy must be of shape \(2, 5\), not \(2, 3, 5\)$"):
            _core.recurrent_backward(saved, floats(B, T, H), (None, None), True)

    def test_a_refused_call_leaves_the_pass_usable(self) -> None:
        saved = forward()[2]
        with pytest.raises(ValueError, match=r"^dy must be"):
            _core.recurrent_backward(saved, floats(1), (None, None), True)
        assert not saved.consumed
        _core.recurrent_backward(saved, floats(B, T, H), (None, None), True)

    def test_once_only(self) -> None:
        saved = forward()[2]
        _core.recurrent_backward(saved, None, (None, None), True)
        assert saved.consumed
        with pytest.raises(RuntimeError, match="already called"):
            _core.recurrent_backward(saved, None, (None, None), True)
