"""Optimizers and schedules against Keras, live: arguments, state, numbers over several updates."""

from __future__ import annotations

import inspect
import re
from typing import Any

import gatework
import numpy as np
import pytest
from gatework.saving.registry import topic_of

from tests.peers.keras_side import as_array

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

SHAPES = {"layer/kernel": (4, 6), "layer/bias": (6,), "embedding/embeddings": (5, 3), "gain": ()}

OWN: dict[str, list[dict[str, Any]]] = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.7, "nesterov": True}],
    "RMSprop": [{}, {"rho": 0.8, "momentum": 0.5}, {"centered": True, "epsilon": 1e-3}],
    "Adam": [{}, {"beta_1": 0.8, "beta_2": 0.9, "amsgrad": True, "epsilon": 1e-4}],
    "AdamW": [{}, {"weight_decay": 0.1, "amsgrad": True}],
    "Adamax": [{}, {"beta_1": 0.7, "beta_2": 0.9}],
    "Nadam": [{}, {"beta_1": 0.7, "beta_2": 0.9}],
    "Adagrad": [{}, {"initial_accumulator_value": 0.0, "epsilon": 1e-3}],
    "Adadelta": [{"learning_rate": 1.0}, {"rho": 0.8, "epsilon": 1e-3}],
    "Adafactor": [{}, {"clip_threshold": 0.5, "beta_2_decay": -0.6, "relative_step": False}],
    "Lion": [{}, {"beta_1": 0.6, "beta_2": 0.8}],
    "Ftrl": [
        {},
        {
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.05,
            "beta": 0.2,
        },
        {"learning_rate_power": -0.7},
    ],
    "Lamb": [{}, {"beta_1": 0.7}],
    "Muon": [{}, {"nesterov": False, "rms_rate": None, "exclude_layers": ["kernel"]}],
    "ScheduleFreeAdamW": [{}, {"warmup_steps": 3, "beta_1": 0.8}],
}
CASES = [(name, options) for name, several in OWN.items() for options in several]

SHARED: list[dict[str, Any]] = [
    {"weight_decay": 0.05},
    {"clipnorm": 0.7},
    {"clipvalue": 0.3},
    {"global_clipnorm": 1.0, "weight_decay": 0.01},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2},
    {"loss_scale_factor": 8.0},
]
SEVERAL = {"global_clipnorm": 1.0, "weight_decay": 0.05, "use_ema": True, "ema_momentum": 0.6}


def variables(K: Any, values: list[np.ndarray]) -> list[Any]:
    made = []
    for path, value in zip(SHAPES, values, strict=True):
        variable = K.Variable(value.copy(), name=path.rpartition("/")[2])
        setattr(variable, "_path" if K is keras else "path", path)
        made.append(variable)
    return made


def draw(rng: np.random.Generator) -> list[np.ndarray]:
    return [np.asarray(rng.normal(size=shape), np.float32) for shape in SHAPES.values()]


def close(own: Any, theirs: Any, what: str = "") -> None:
    own, theirs = np.asarray(own), as_array(theirs)
    assert own.shape == theirs.shape, what
    np.testing.assert_allclose(own, theirs, rtol=2e-4, atol=2e-5, err_msg=what)


def names(optimizer: Any) -> list[str]:
    found = [variable.path.rpartition("/")[2] for variable in optimizer.variables]
    # A number that Keras made without an owner is called "variable", and counted.
    return [re.sub(r"^variable_\d+$", "variable", name) for name in found]


def compare(make: Any, steps: int = 5, seed: int = 0) -> None:
    """The same updates on both sides; then Keras' state goes on here."""
    rng = np.random.default_rng(seed)
    start, gradients = draw(rng), [draw(rng) for _ in range(steps)]
    own, theirs = make(gatework), make(keras)
    mine, others = variables(gatework, start), variables(keras, start)
    for step in gradients:
        own.apply(step, mine)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in step], others)
    for path, a, b in zip(SHAPES, mine, others, strict=True):
        close(a, b, path)
    assert names(own) == names(theirs)
    for name, a, b in zip(names(own), own.variables, theirs.variables, strict=True):
        close(a, b, name)
    store: dict[str, Any] = {}
    theirs.save_own_variables(store)
    again = make(gatework)
    weights = variables(gatework, [np.asarray(v) for v in others])
    again.build(weights)
    again.load_own_variables({key: np.asarray(value) for key, value in store.items()})
    last = draw(rng)
    again.apply(last, weights)
    theirs.apply([keras.ops.convert_to_tensor(g) for g in last], others)
    for path, a, b in zip(SHAPES, weights, others, strict=True):
        close(a, b, path)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_own_arguments(name: str, options: dict[str, Any]) -> None:
    rate = {"learning_rate": 0.05} | options
    compare(lambda K: getattr(K.optimizers, name)(**rate))


@pytest.mark.parametrize(
    ("name", "shared"),
    [(name, shared) for name in ("SGD", "Adam", "Adagrad") for shared in SHARED]
    + [(name, SEVERAL) for name in sorted(OWN)],
)
def test_shared_arguments(name: str, shared: dict[str, Any]) -> None:
    compare(lambda K: getattr(K.optimizers, name)(learning_rate=0.05, **shared), steps=4)


@pytest.mark.parametrize("name", ["AdamW", "Adagrad", "Lion"])
def test_spared_from_weight_decay(name: str) -> None:
    def make(K: Any) -> Any:
        optimizer = getattr(K.optimizers, name)(learning_rate=0.05, weight_decay=0.2)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gain"])
        return optimizer

    compare(make, steps=3)


def test_loss_scale_optimizer() -> None:
    own, theirs = (
        K.optimizers.LossScaleOptimizer(K.optimizers.Adam(0.05), 4.0, dynamic_growth_steps=2)
        for K in (gatework, keras)
    )
    rng = np.random.default_rng(3)
    start = draw(rng)
    mine, others = variables(gatework, start), variables(keras, start)
    own.build(mine)
    theirs.build(others)
    weights, state = [v.value for v in others], [v.value for v in theirs.variables]
    for step in range(6):
        gradients = draw(rng)
        if step == 3:
            gradients[0][0, 0] = np.inf
        own.apply(gradients, mine)
        tensors = [keras.ops.convert_to_tensor(g) for g in gradients]
        weights, state = theirs.stateless_apply(state, tensors, weights)
        for a, b in zip([*own.variables, *mine], [*state, *weights], strict=True):
            close(a, b, f"step {step}")
        assert float(own.scale_loss(3.0)) == 3.0 * float(state[3])


@pytest.mark.parametrize("name", [*OWN, "LossScaleOptimizer"])
def test_config(name: str) -> None:
    made = []
    for K in (gatework, keras):
        cls = getattr(K.optimizers, name)
        inner = [K.optimizers.SGD(0.5)] if name == "LossScaleOptimizer" else []
        optimizer = cls(*inner, **({} if inner else {"learning_rate": 0.25}))
        made.append(K.optimizers.serialize(optimizer))
    own, theirs = made
    assert own["class_name"] == theirs["class_name"]
    assert own["module"] == "keras.optimizers"
    assert topic_of(theirs["module"]) == "optimizers"
    skip = {"name", "inner_optimizer"}
    mine = {key: value for key, value in own["config"].items() if key not in skip}
    assert mine == {key: value for key, value in theirs["config"].items() if key not in skip}
    assert type(gatework.optimizers.deserialize(theirs)).__name__ == name
    assert type(keras.saving.deserialize_keras_object(own)).__name__ == name


@pytest.mark.parametrize("name", [*OWN, "LossScaleOptimizer", "Optimizer"])
def test_defaults(name: str) -> None:
    def arguments(K: Any) -> dict[str, Any]:
        cls = getattr(K.optimizers, name)
        found: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if "optimizers" in base.__module__ and "__init__" in vars(base):
                found |= inspect.signature(base.__init__).parameters
        return {
            key: parameter.default
            for key, parameter in found.items()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        }

    own, theirs = arguments(gatework), arguments(keras)
    assert set(theirs) <= set(own)
    cls = getattr(keras.optimizers, name)
    for key in inspect.signature(cls.__init__).parameters:
        if key in theirs and theirs[key] is not inspect.Parameter.empty and key != "name":
            assert own[key] == theirs[key], key


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.8}),
    ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.8, "staircase": True}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.8}),
    ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.8, "staircase": True}),
    ("PolynomialDecay", {"decay_steps": 9, "power": 2.0, "end_learning_rate": 0.01}),
    ("PolynomialDecay", {"decay_steps": 9, "cycle": True}),
    ("CosineDecay", {"decay_steps": 11, "alpha": 0.1}),
    ("CosineDecay", {"decay_steps": 11, "warmup_target": 0.9, "warmup_steps": 6}),
    ("CosineDecayRestarts", {"first_decay_steps": 5}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.8}),
]


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_schedule(name: str, options: dict[str, Any]) -> None:
    own, theirs = (getattr(K.optimizers.schedules, name)(0.5, **options) for K in (gatework, keras))
    assert own.get_config() == theirs.get_config()
    for step in (0, 3, 5, 6, 7, 11, 18, 40):
        close(own(step), theirs(step), f"step {step}")


def test_piecewise_schedule() -> None:
    own, theirs = (
        K.optimizers.schedules.PiecewiseConstantDecay([3, 8], [1.0, 0.5, 0.1])
        for K in (gatework, keras)
    )
    assert own.get_config() == theirs.get_config()
    for step in (0, 3, 4, 9):
        close(own(step), theirs(step), f"step {step}")


def test_schedule_inside_an_optimizer() -> None:
    def make(K: Any) -> Any:
        return K.optimizers.Nadam(K.optimizers.schedules.ExponentialDecay(0.1, 3, 0.7))

    compare(make, steps=6)
