"""Which recurrent layers are compared with Keras: the flags of every case, no numbers yet.

Each case is a dict: `name`, `layer` (Keras class and its arguments), optionally `wrapper`
(Bidirectional's arguments), `mask` (a key of `MASKS` or None), `initial_state`, and the sizes
`B`, `T`, `I`, `H` of batch, time, input and units, and the `scale` of all random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

Case = dict[str, Any]

CELLS: dict[str, tuple[str, dict[str, Any]]] = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {"reset_after": True}),
    "gru_v1": ("GRU", {"reset_after": False}),
    "simple_rnn": ("SimpleRNN", {}),
}
MASKS = {
    "pre": ["00111", "11111", "00001"],
    "post": ["11100", "11111", "10000"],
    "holes": ["10101", "01110", "10011"],
    "row": ["11011", "00000", "11111"],
}
MERGE_MODES = ("concat", "sum", "mul", "ave", None)
ACTIVATIONS = (
    "relu", "sigmoid", "hard_sigmoid", "elu", "softsign", "linear", "gelu", "silu", "selu",
    "softplus", "exponential", "leaky_relu", "relu6", "hard_silu", "hard_tanh", "mish",
    "log_sigmoid", "celu", "tanh_shrink", "soft_shrink", "hard_shrink", "sparse_plus",
    "sparse_sigmoid", "squareplus",
)  # fmt: skip
RECURRENT_ACTIVATIONS = (
    "tanh", "relu", "hard_sigmoid", "linear", "softsign", "elu", "silu", "gelu", "hard_silu",
)  # fmt: skip

# A gate without bounds multiplies the state at every step. From larger numbers it would grow until
# float32 itself, in any order of additions, is further from the exact answer than the tests allow.
UNBOUNDED_SCALE = 0.25


def case(name: str, cell: str, *, H: int = 3, **rest: Any) -> Case:
    """One case; keywords that are no part of the case itself are arguments of the layer."""
    class_name, arguments = CELLS[cell]
    own = {
        "wrapper": None,
        "mask": None,
        "initial_state": False,
        "calls": 1,
        "scale": 0.6,
        "B": 3,
        "T": 5,
        "I": 4,
    }
    record = {key: rest.pop(key, default) for key, default in own.items()}
    layer = {"units": H, **arguments, "return_state": True, **rest}
    return {"name": name, "class_name": class_name, "arguments": layer, "H": H, **record}


def flags() -> Iterator[Case]:
    """The full product of masks, direction, returned sequences, zeroed outputs, given state."""
    for cell, mask in product(CELLS, (None, *MASKS)):
        for back, sequences, zero, state in product((False, True), repeat=4):
            if zero and mask is None:
                continue
            name = "-".join(
                [cell, f"mask_{mask}"]
                + ["backwards"] * back + ["sequences"] * sequences
                + ["zero_output"] * zero + ["initial_state"] * state
            )  # fmt: skip
            yield case(
                name, cell, mask=mask, initial_state=state, go_backwards=back,
                return_sequences=sequences, zero_output_for_mask=zero,
            )  # fmt: skip


def bidirectional() -> Iterator[Case]:
    """Every merge mode with every mask; given states once per mask."""
    for cell, mode, mask, sequences in product(CELLS, MERGE_MODES, (None, *MASKS), (False, True)):
        for state in (False, True) if mode == "concat" else (False,):
            name = "-".join(
                ["bidirectional", cell, f"merge_{mode}", f"mask_{mask}"]
                + ["sequences"] * sequences + ["initial_state"] * state
            )  # fmt: skip
            yield case(
                name, cell, wrapper={"merge_mode": mode}, mask=mask, initial_state=state,
                return_sequences=sequences,
            )  # fmt: skip


def activations() -> Iterator[Case]:
    """Each activation in both of its places."""
    for cell in CELLS:
        for name in ACTIVATIONS:
            yield case(
                f"{cell}-activation_{name}", cell, activation=name, return_sequences=True,
                mask="holes",
            )  # fmt: skip
        if cell != "simple_rnn":
            for name in RECURRENT_ACTIVATIONS:
                yield case(
                    f"{cell}-recurrent_activation_{name}", cell, recurrent_activation=name,
                    return_sequences=True, scale=UNBOUNDED_SCALE,
                )  # fmt: skip


def sizes() -> Iterator[Case]:
    """Sizes beside the usual ones: more units than a vector holds, one of everything."""
    for cell in CELLS:
        for batch, time, inputs, units in (
            (3, 5, 4, 17), (1, 1, 4, 3), (1, 5, 4, 3), (3, 1, 4, 3), (3, 5, 1, 3), (3, 5, 4, 1),
            (1, 1, 1, 1), (9, 2, 3, 2),
        ):  # fmt: skip
            yield case(
                f"{cell}-B{batch}-T{time}-I{inputs}-H{units}", cell, H=units, B=batch, T=time,
                I=inputs, return_sequences=True, initial_state=units == 17,
                mask="holes" if units == 17 else None,
            )  # fmt: skip


def others() -> Iterator[Case]:
    """No bias, biases and kernels Keras initialises, states carried from call to call."""
    for cell in CELLS:
        for sequences in (False, True):
            tail = "-sequences" * sequences
            yield case(
                f"{cell}-no_bias{tail}", cell, use_bias=False, return_sequences=sequences,
                mask="post",
            )  # fmt: skip
            for mask, back in product((None, "post", "holes"), (False, True)):
                yield case(
                    f"{cell}-stateful-mask_{mask}{'-backwards' * back}{tail}", cell,
                    stateful=True, return_sequences=sequences, mask=mask, go_backwards=back,
                    calls=2,
                )  # fmt: skip
        yield case(f"{cell}-no_bias-bidirectional", cell, use_bias=False, wrapper={})


def every() -> list[Case]:
    """All cases; their names are unique."""
    cases = [*flags(), *bidirectional(), *activations(), *sizes(), *others()]
    assert len({c["name"] for c in cases}) == len(cases)
    return cases
