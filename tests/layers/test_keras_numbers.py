"""The numbers in Keras' own unit tests of its recurrent layers hold here.

Kernels are 0.01, recurrent kernels 0.02, biases 0.03 everywhere, inputs count upwards from zero, so
all units of a row are equal unless their initial states differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers
from gatework.initializers import Constant

POST = [[1, 1, 1, 0], [1, 1, 0, 0]]
PRE = [[0, 1, 1, 1], [0, 0, 1, 1]]
HOLES = [[1, 1, 0, 1], [1, 0, 0, 1]]
ROWS = np.arange(4, dtype="float32").reshape(2, 2)


def counting(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def make(class_name: str, units: int, **arguments: Any) -> Any:
    """A layer with the weights of Keras' tests."""
    return getattr(layers, class_name)(
        units,
        kernel_initializer=Constant(0.01),
        recurrent_initializer=Constant(0.02),
        bias_initializer=Constant(0.03),
        **arguments,
    )


def check(output: Any, expected: Any) -> None:
    """Equal within 1e-5; an expected last axis of one stands for all units."""
    found = np.asarray(output)
    np.testing.assert_allclose(
        found, np.broadcast_to(np.asarray(expected), found.shape), rtol=1e-5, atol=1e-5
    )


LAST_OUTPUTS: list[tuple[str, int, dict[str, Any], tuple[int, ...], list[float]]] = [
    ("LSTM", 3, {}, (3, 6, 4), [0.6288687, 0.86899155, 0.9460773]),
    ("LSTM", 3, {"unroll": True}, (3, 6, 4), [0.6288687, 0.86899155, 0.9460773]),
    ("LSTM", 3, {"go_backwards": True}, (3, 6, 4), [0.35622165, 0.74789524, 0.8872726]),
    ("LSTM", 3, {"unit_forget_bias": False}, (3, 6, 4), [0.57019705, 0.8661914, 0.9459622]),
    ("LSTM", 3, {"use_bias": False}, (3, 6, 4), [0.54986924, 0.86226785, 0.9443936]),
    ("GRU", 3, {}, (3, 6, 4), [0.5217289, 0.6371659, 0.39384964]),
    ("GRU", 3, {"unroll": True}, (3, 6, 4), [0.5217289, 0.6371659, 0.39384964]),
    ("GRU", 3, {"go_backwards": True}, (3, 6, 4), [0.24406259, 0.611516, 0.3928808]),
    ("GRU", 3, {"reset_after": False}, (3, 6, 4), [0.51447755, 0.6426879, 0.40208298]),
    ("GRU", 3, {"use_bias": False}, (3, 6, 4), [0.49988455, 0.64701194, 0.4103359]),
    ("SimpleRNN", 4, {}, (2, 3, 4), [0.405432, 0.73605347]),
    ("SimpleRNN", 4, {"unroll": True}, (2, 3, 4), [0.405432, 0.73605347]),
    ("SimpleRNN", 4, {"go_backwards": True}, (2, 3, 4), [0.11144729, 0.5528889]),
    (
        "SimpleRNN",
        4,
        {"go_backwards": True, "unroll": True},
        (2, 3, 4),
        [0.11144729, 0.5528889],
    ),
]


@pytest.mark.parametrize(("class_name", "units", "arguments", "shape", "expected"), LAST_OUTPUTS)
def test_last_output(
    class_name: str,
    units: int,
    arguments: dict[str, Any],
    shape: tuple[int, ...],
    expected: list[float],
) -> None:
    layer = make(class_name, units, **arguments)
    check(layer(counting(*shape)), np.array(expected)[:, None])


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("LSTM", [0.3124785, 0.6863672]),
        ("GRU", [0.29542392, 0.5885018]),
        ("SimpleRNN", [0.40559256, 0.7361247]),
    ],
)
def test_stateful(class_name: str, expected: list[float]) -> None:
    """The second call goes on where the first ended; after a reset both repeat."""
    layer = make(class_name, 4, stateful=True)
    x = counting(2, 3, 4)
    for _ in range(2):
        layer(x)
        check(layer(x), np.array(expected)[:, None])
        layer.reset_state()


INITIAL_STATES = [
    ("LSTM", False, [ROWS, ROWS], [[0.20574439, 0.3558822], [0.64930826, 0.66276]]),
    ("LSTM", True, [ROWS, ROWS], [[0.13281618, 0.2790356], [0.5839337, 0.5992567]]),
    ("GRU", False, ROWS, [[0.23774096, 0.33508456], [0.83659905, 1.0227708]]),
    ("GRU", True, ROWS, [[0.13486053, 0.23261218], [0.78257304, 0.9691353]]),
    ("SimpleRNN", False, counting(2, 4), [[0.33621645], [0.6262637]]),
    ("SimpleRNN", True, counting(2, 4), [[0.07344437], [0.43043602]]),
]


@pytest.mark.parametrize(("class_name", "backwards", "states", "expected"), INITIAL_STATES)
def test_initial_state(class_name: str, backwards: bool, states: Any, expected: Any) -> None:
    units = 4 if class_name == "SimpleRNN" else 2
    layer = make(class_name, units, go_backwards=backwards, return_state=True)
    output, state, *_ = layer(counting(2, 4, 3), initial_state=states)
    check(output, expected)
    check(state, expected)


MASKED = [
    ("LSTM", POST, {"unroll": True}, [[0.11755939], [0.28556206]]),
    ("LSTM", PRE, {"go_backwards": True}, [[0.15341201], [0.3844719]]),
    ("GRU", HOLES, {"unroll": True}, [[0.19393763], [0.30818558]]),
    ("GRU", HOLES, {"go_backwards": True}, [[0.11669192], [0.28380975]]),
]
MASKED_SEQUENCES = [
    (
        "LSTM",
        POST,
        [
            [0.01588910, 0.05552048, 0.11755939, 0.11755939],
            [0.14185596, 0.28556206, 0.28556206, 0.28556206],
        ],
    ),
    (
        "GRU",
        HOLES,
        [
            [0.03606692, 0.09497581, 0.09497581, 0.19393763],
            [0.16051409, 0.16051409, 0.16051409, 0.30818558],
        ],
    ),
    (
        "SimpleRNN",
        HOLES,
        [
            [0.0599281, 0.15122814, 0.15122814, 0.32394567],
            [0.3969304, 0.3969304, 0.3969304, 0.608085],
        ],
    ),
]


@pytest.mark.parametrize(("class_name", "mask", "arguments", "expected"), MASKED)
def test_masked_last_output(class_name: str, mask: Any, arguments: Any, expected: Any) -> None:
    layer = make(class_name, 2, **arguments)
    check(layer(counting(2, 4, 3), mask=np.array(mask, bool)), expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"unroll": True}, [0.32951632, 0.61799484]),
        ({"go_backwards": True}, [0.07376196, 0.43645123]),
    ],
)
def test_masked_simple_rnn(arguments: Any, expected: list[float]) -> None:
    layer = make("SimpleRNN", 4, **arguments)
    check(layer(counting(2, 4, 3), mask=np.array(HOLES, bool)), np.array(expected)[:, None])


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize(("class_name", "mask", "expected"), MASKED_SEQUENCES)
def test_masked_sequences(class_name: str, mask: Any, expected: Any, zeros: bool) -> None:
    """A masked step repeats the output before it, or is zero where that is asked for."""
    layer = make(class_name, 2, return_sequences=True, zero_output_for_mask=zeros)
    kept = np.array(mask, bool)
    steps = np.array(expected) * (kept if zeros else 1)
    check(layer(counting(2, 4, 3), mask=kept), steps[..., None])


class TestBidirectional:
    FORWARDS = (0.39687276, 0.7237238)
    BACKWARDS = (0.10004295, 0.53391594)

    @pytest.mark.parametrize("merge_mode", ["concat", "ave", None])
    def test_merge_modes(self, merge_mode: str | None) -> None:
        layer = layers.Bidirectional(make("SimpleRNN", 2), merge_mode=merge_mode)
        output = layer(counting(2, 3, 4))
        a, b = (
            np.repeat(np.array(side)[:, None], 2, 1) for side in (self.FORWARDS, self.BACKWARDS)
        )
        if merge_mode is None:
            check(output[0], a)
            check(output[1], b)
        elif merge_mode == "concat":
            check(output, np.concatenate([a, b], 1))
        else:
            check(output, [[0.24845785], [0.6288199]])

    def test_own_backward_layer(self) -> None:
        backward = layers.SimpleRNN(
            2,
            kernel_initializer=Constant(0.03),
            recurrent_initializer=Constant(0.02),
            bias_initializer=Constant(0.01),
            go_backwards=True,
        )
        layer = layers.Bidirectional(
            make("SimpleRNN", 2), backward_layer=backward, merge_mode="mul"
        )
        check(layer(counting(2, 3, 4)), [[0.08374989], [0.6740834]])

    def test_sum_of_sequences(self) -> None:
        layer = layers.Bidirectional(make("GRU", 2, return_sequences=True), merge_mode="sum")
        expected = [[0.20937867, 0.34462988, 0.40290534], [0.59829646, 0.6734641, 0.6479671]]
        check(layer(counting(2, 3, 4)), np.array(expected)[..., None])

    def test_stateful(self) -> None:
        layer = layers.Bidirectional(make("LSTM", 2, stateful=True))
        x = counting(2, 4, 3)
        expected = [
            [0.26234663, 0.26234663, 0.16959146, 0.16959146],
            [0.6137073, 0.6137073, 0.5381646, 0.5381646],
        ]
        for _ in range(2):
            layer(x)
            check(layer(x), expected)
            layer.reset_state()

    def test_initial_state(self) -> None:
        layer = layers.Bidirectional(make("LSTM", 2))
        output = layer(counting(2, 4, 3), initial_state=[ROWS * scale for scale in (1, 2, 3, 4)])
        expected = [
            [0.20794602, 0.4577124, 0.14046375, 0.48191673],
            [0.6682636, 0.6711909, 0.60943645, 0.60950446],
        ]
        check(output, expected)

    def test_mask(self) -> None:
        layer = layers.Bidirectional(make("GRU", 2))
        expected = [
            [0.19393763, 0.19393763, 0.11669192, 0.11669192],
            [0.30818558, 0.30818558, 0.28380975, 0.28380975],
        ]
        check(layer(counting(2, 4, 3), mask=np.array(HOLES, bool)), expected)

    def test_return_state(self) -> None:
        layer = layers.Bidirectional(make("LSTM", 2, return_state=True))
        output, *states = layer(counting(2, 4, 3))
        expected = [
            [[0.1990008], [0.52335435]],
            [[0.35567185], [1.0492687]],
            [[0.12659755], [0.44717982]],
            [[0.2501858], [0.941473]],
        ]
        for state, numbers in zip(states, expected, strict=True):
            check(state, numbers)
        check(output, np.repeat(np.hstack([expected[0], expected[2]]), 2, 1))


def test_time_distributed() -> None:
    dense = layers.Dense(1, kernel_initializer=Constant(0.01), use_bias=False)
    output = layers.TimeDistributed(dense)(counting(3, 2, 4))
    check(output, [[[0.06], [0.22]], [[0.38], [0.54]], [[0.7], [0.86]]])


def test_time_distributed_refuses_a_mask_of_another_length() -> None:
    layer = layers.TimeDistributed(layers.Dense(5))
    with pytest.raises(ValueError, match="mask"):
        layer(np.zeros((4, 5, 3), "float32"), mask=np.ones((4, 6), bool))
