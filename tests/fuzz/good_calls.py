"""A good call of every function and class of the core, to be changed by ``tests.fuzz.calls``.

Each is what runs it and what makes its arguments. Some run several calls, each on what the one
before gave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gatework
import numpy as np
from gatework import _core, inference, layers, models

from tests.kernels.problems import forward_arguments, random_problem
from tests.kernels.test_attention import problem as attention_problem

Arguments = dict[str, Any]
RNG = np.random.default_rng(7)


def floats(*shape: int) -> Any:
    return RNG.normal(size=shape).astype("f4")


def whole(most: int, *shape: int, dtype: str = "i8") -> Any:
    return RNG.integers(0, most, shape).astype(dtype)


def named(function: str) -> Callable[[Arguments], Any]:
    return lambda arguments: getattr(_core, function)(**arguments)


def recurrent(arguments: Arguments) -> Any:
    forward, backward = arguments["forward"], arguments["backward"]
    y, states, saved = _core.recurrent_forward(**forward)
    if saved is None:
        return y, states
    return y, states, _core.recurrent_backward(saved, **backward)


def recurrent_of(cell: str, units: int = 18, **options: Any) -> Callable[[], Arguments]:
    def make() -> Arguments:
        p = random_problem(cell, 3, 3, 4, 5, units, **options)
        return {
            "forward": {**forward_arguments(p), "keep": True, "bf16": False},
            "backward": {"dy": p.dy, "dstates": p.d_states, "need_dx": True},
        }

    return make


def stream(arguments: Arguments) -> Any:
    weights = _core.PackedWeights(**arguments["weights"])
    made = _core.RecurrentStream(weights, **arguments["stream"])
    found = [made.step(x) for x in arguments["steps"]]
    made.step_into(arguments["x"], arguments["out"])
    found += made.states
    made.states = arguments["states"]
    made.reset()
    whole = _core.recurrent_forward(**{**arguments["problem"], "packed": weights})
    return found, whole[:2]


def stream_of(cell: str, **options: Any) -> Callable[[], Arguments]:
    def make() -> Arguments:
        p = random_problem(cell, 3, 2, 3, 5, 18, **options)
        given = forward_arguments(p)
        parts = ("cell", "kernel", "recurrent_kernel", "bias", "peepholes", "projection")
        states = p.initial_state or ()
        return {
            "weights": {name: given[name] for name in parts}
            | {"bf16": False, "gamma": p.gamma, "beta": p.beta},
            "stream": {
                "batch": 2,
                "activation": "tanh",
                "recurrent_activation": "sigmoid",
                "activation_clip": None,
                "cell_clip": p.cell_clip,
                "zoneout": None,
                "epsilon": None,
            },
            "steps": [floats(2, 5), floats(2, 5)],
            "x": floats(2, 5),
            "out": np.zeros((2, states[0].shape[1]), "f4"),
            "states": list(states),
            "problem": {**given, "keep": False},
        }

    return make


def attention(arguments: Arguments) -> Any:
    given = arguments["options"]
    y, lse = _core.attention_forward(*arguments["arrays"], arguments["scale"], **given)
    gradients = _core.attention_backward(
        *arguments["arrays"],
        arguments["scale"],
        y if arguments["y"] is None else arguments["y"],
        lse,
        arguments["dy"],
        **given,
        need_logits=arguments["need_logits"],
    )
    return y, lse, gradients


def attention_of(**options: Any) -> Callable[[], Arguments]:
    def make() -> Arguments:
        p = attention_problem(**options)
        return {
            "arrays": p.arrays,
            "scale": p.scale,
            "options": p.options,
            "y": None,
            "dy": p.dy,
            "need_logits": p.arrays[3] is not None,
        }

    return make


def program(arguments: Arguments) -> Any:
    made = _core.Program(**arguments["program"])
    made.reserve(arguments["shapes"])
    found = made.run(arguments["x"])
    session = _core.ProgramSession(made, arguments["batch"], arguments["most"])
    x = arguments["x"]
    steps = session.run(tuple(x), arguments["out"], arguments["step"])
    states = [values for _, _, values in session.states()]
    session.set_states(states)
    session.reset(arguments["rows"])
    made.trim(0)
    return found, steps, states


def program_of(model: Any, x: tuple[Any, ...], **options: Any) -> Callable[[], Arguments]:
    compiled = inference.compile(model, **options)
    steps = []
    for step in compiled._steps:
        op, name, inputs, outputs, given = step.described()
        steps.append((op, name, inputs, outputs, given))
    arguments = {
        "program": {
            "kinds": list(compiled._kinds),
            "constants": list(compiled._constants.items()),
            "instructions": steps,
            "inputs": [one.place for one in compiled.inputs],
            "outputs": list(compiled._outputs),
            "input_time": [one.time for one in compiled.inputs],
            "output_time": list(compiled._output_time),
        },
        "x": x,
        "shapes": [list(one.shape) for one in x],
        "batch": len(x[0]),
        "out": None,
        "step": False,
        "rows": [0],
        "most": 0,
    }
    return lambda: arguments


def words() -> Any:
    gatework.utils.set_random_seed(1)
    x, extra = layers.Input((None,)), layers.Input((2,))
    y = layers.Embedding(9, 4, mask_zero=True)(x)
    y = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode="ave")(y)
    y = layers.Conv1D(6, 2, padding="same", activation="relu")(y)
    y = layers.GRU(4)(layers.BatchNormalization()(y))
    return models.Model([x, extra], layers.Dense(3)(layers.Concatenate()([y, extra])))


def signal() -> Any:
    gatework.utils.set_random_seed(2)
    x = layers.Input((None, 4))
    y = layers.LSTM(5, return_sequences=True, peepholes=True, cell_clip=0.5)(x)
    y = layers.DepthwiseConv1D(3, padding="same")(y)
    y = layers.MultiHeadAttention(2, 3)(y, y, use_causal_mask=True)
    y = layers.RMSNormalization()(layers.ZeroPadding1D((1, 0))(y))
    y = layers.MaxPooling1D(2, padding="same")(layers.UpSampling1D(2)(y))
    ends = [layers.GlobalAveragePooling1D()(y), layers.GlobalMaxPooling1D()(y)]
    return models.Model(x, layers.Softmax()(layers.Multiply()(ends)))


def streaming() -> Any:
    return models.Sequential(
        [
            layers.Input((None, 4)),
            layers.Conv1D(6, 3, padding="causal"),
            layers.LayerNormalization(),
            layers.GRU(5, return_sequences=True),
            layers.SimpleRNN(3, return_sequences=True),
            layers.Dense(2, "softmax"),
        ]
    )


def optimizer(**more: Any) -> Callable[[], Arguments]:
    def make() -> Arguments:
        shapes = [(3, 5), (17,)]
        lists = {
            name: [np.abs(floats(*shape)) for shape in shapes]
            for name in ("params", "grads", *(key for key, value in more.items() if value is list))
        }
        return {**lists, **{key: value for key, value in more.items() if value is not list}}

    return make


ADAM = {"lr": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7, "step": 1}
END = {"scale": 1.0, "weight_decay": 0.1}
PLAIN: dict[str, Callable[[], Arguments]] = {
    "gemm": lambda: {
        "a": floats(3, 4), "b": floats(4, 17), "trans_a": False, "trans_b": False,
        "bias": floats(17), "out": None, "accumulate": False, "bf16": False,
    },
    "dense_forward": lambda: {
        "x": floats(5, 4), "kernel": floats(4, 17), "bias": floats(17), "activation": "tanh",
        "keep_pre": True, "bf16": False,
    },
    "column_sum": lambda: {"x": floats(5, 17)},
    "activation_forward": lambda: {"activation": "gelu", "x": floats(3, 11)},
    "activation_backward": lambda: {"activation": "relu", "x": floats(33), "dy": floats(33)},
    "add": lambda: {"a": floats(3, 11), "b": floats(3, 11)},
    "softmax_forward": lambda: {"x": floats(3, 17)},
    "softmax_backward": lambda: {"y": floats(3, 17), "dy": floats(3, 17)},
    "dropout": lambda: {"x": floats(3, 17), "rate": 0.3, "seed": 5},
    "spatial_dropout": lambda: {"x": floats(2, 3, 9), "rate": 0.3, "seed": 5},
    "dropout_mask": lambda: {"shape": [2, 9], "rate": 0.3, "seed": 5},
    "rotary": lambda: {
        "x": floats(2, 3, 2, 8), "cosine": floats(2, 3, 4), "sine": floats(2, 3, 4),
        "inverse": False,
    },
    "row_norm_forward": lambda: {
        "x": floats(3, 17), "gamma": floats(17), "beta": floats(17), "epsilon": 1e-3,
        "centered": True,
    },
    "row_norm_backward": lambda: {
        "x": floats(3, 17), "gamma": floats(17), "mean": floats(3), "rstd": floats(3),
        "dy": floats(3, 17), "need_dx": True, "need_weights": True,
    },
    "column_moments": lambda: {
        "x": floats(3, 17), "mask": np.array([True, False, True]), "divisor": 2.0
    },
    "column_norm_forward": lambda: {
        "x": floats(3, 17), "mean": floats(17), "factor": floats(17), "shift": floats(17)
    },
    "column_norm_backward": lambda: {
        "x": floats(3, 17), "mean": floats(17), "rstd": floats(17), "gamma": floats(17),
        "mask": np.array([True, False, True]), "divisor": 2.0, "dy": floats(3, 17), "need_dx": True,
    },
    "max_pool_forward": lambda: {
        "x": floats(2, 6, 9), "begins": np.array([0, 2, 4]), "ends": np.array([2, 4, 6]),
        "keep": True,
    },
    "average_pool_forward": lambda: {
        "x": floats(2, 6, 9), "begins": np.array([0, 2, 4]), "ends": np.array([2, 4, 6])
    },
    "pool_backward": lambda: {
        "begins": np.array([0, 2, 4]), "ends": np.array([2, 4, 6]),
        "winner": whole(2, 2, 3, 9, dtype="i4"), "dy": floats(2, 3, 9), "time": 6,
    },
    "depthwise_forward": lambda: {
        "x": floats(2, 6, 9), "w": floats(3, 9), "outputs": 6, "stride": 1, "dilation": 1, "left": 1
    },
    "depthwise_backward": lambda: {
        "x": floats(2, 6, 9), "w": floats(3, 9), "stride": 1, "dilation": 1, "left": 1,
        "dy": floats(2, 6, 9), "need_dx": True, "need_dw": True,
    },
    "embedding_forward": lambda: {"table": floats(7, 9), "ids": whole(7, 2, 3)},
    "embedding_backward": lambda: {"ids": whole(7, 2, 3), "dy": floats(2, 3, 9), "rows": 7},
    "softmax_cross_entropy_forward": lambda: {"logits": floats(4, 9), "labels": whole(9, 4)},
    "softmax_cross_entropy_backward": lambda: {
        "logits": floats(4, 9), "labels": whole(9, 4), "lse": floats(4), "dloss": floats(4)
    },
    "binary_cross_entropy_forward": lambda: {
        "logits": floats(4, 9), "targets": np.abs(floats(4, 9)) % 1
    },
    "binary_cross_entropy_backward": lambda: {
        "logits": floats(4, 9), "targets": np.abs(floats(4, 9)) % 1, "dloss": floats(4, 9)
    },
    "ctc": lambda: {
        "logits": floats(2, 6, 5), "labels": whole(4, 2, 3), "label_counts": np.array([3, 1]),
        "frames": np.array([6, 4]), "blank": 4, "need_gradient": True,
    },
    "sgd_update": optimizer(velocities=list, lr=0.1, momentum=0.9, nesterov=True, **END),
    "rmsprop_update": optimizer(
        v=list, momentums=list, averages=list, lr=0.1, rho=0.9, momentum=0.5, epsilon=1e-7, **END
    ),
    "adam_update": optimizer(m=list, v=list, v_hat=list, **ADAM, **END),
    "adamax_update": optimizer(m=list, norm=list, **ADAM, **END),
    "nadam_update": optimizer(m=list, v=list, product=0.5, **ADAM, **END),
    "adagrad_update": optimizer(sums=list, lr=0.1, epsilon=1e-7, **END),
    "adadelta_update": optimizer(squares=list, steps=list, lr=0.1, rho=0.9, epsilon=1e-7, **END),
    "lion_update": optimizer(m=list, lr=0.1, beta_1=0.9, beta_2=0.99, **END),
    "ftrl_update": optimizer(
        sums=list, linears=list, lr=0.1, power=-0.5, l1=0.1, l2=0.1, shrinkage=0.1, beta=0.1, **END
    ),
    "schedule_free_adam_update": optimizer(z=list, v=list, **ADAM, **END),
    "global_norm": lambda: {"arrays": [floats(3, 5), floats(17)]},
    "pad_sequences": lambda: {
        "sequences": [[1, 2], [], [3.5], np.arange(4)], "maxlen": 3, "dtype": "int32",
        "padding": "pre", "truncating": "post", "value": 0.0,
    },
    "set_num_threads": lambda: {"n": 2},
    "set_isa": lambda: {"name": "baseline"},
}  # fmt: skip

CALLS: dict[str, tuple[Callable[[Arguments], Any], Callable[[], Arguments]]] = {
    **{name: (named(name), make) for name, make in PLAIN.items()},
    **{f"recurrent:{cell}": (recurrent, recurrent_of(cell, mask="holes")) for cell in _core.CELLS},
    "recurrent:projection": (
        recurrent,
        recurrent_of("lstm", projection=True, dropout=True, recurrent_dropout=True, cell_clip=0.5),
    ),
    "recurrent:zoneout": (recurrent, recurrent_of("gru", zoneout="drawn", go_backwards=True)),
    **{f"stream:{cell}": (stream, stream_of(cell)) for cell in _core.CELLS},
    "stream:projection": (stream, stream_of("lstm", projection=True)),
    "attention": (attention, attention_of(bias=(0, 1, 2, 3), mask=(0, 3), offset=2)),
    "attention:grouped": (attention, attention_of(heads=4, groups=2, causal=True, window=3)),
    "attention:bf16": (attention, attention_of(time=70, mask=(0, 3), causal=True, bf16=True)),
    "attention:one": (attention, attention_of(time=1, keys=90, slopes=True, soft_cap=2.0)),
    "program:words": (program, program_of(words(), (whole(9, 2, 3), floats(2, 2)))),
    "program:signal": (program, program_of(signal(), (floats(2, 4, 4),))),
    "program:streaming": (program, program_of(streaming(), (floats(2, 4, 4),), dtype="bfloat16")),
}
