"""Optimizer kernels against the reference in float64, several steps in a row."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

SHAPES = [(1,), (3,), (5, 7), (64,), (2, 3, 17), (0,), (), (200, 211)]


def arrays(seed: int, dtype: Any = np.float32, scale: float = 1.0) -> list[Any]:
    rng = np.random.default_rng(seed)
    # Gradients of every size, zero among them.
    return [
        np.asarray(scale * rng.standard_normal(s) * 10.0 ** rng.integers(-4, 2)).astype(dtype)
        for s in SHAPES
    ]


def zeros(dtype: Any) -> list[Any]:
    return [np.zeros(s, dtype) for s in SHAPES]


def sgd(module: Any, dtype: Any, step: int, p: Any, g: Any, slots: Any, **options: Any) -> None:
    momentum = options["momentum"]
    velocities = slots[0] if momentum else None
    module.sgd_update(p, g, velocities, 0.01, momentum, options["nesterov"], 0.7)


def rmsprop(module: Any, dtype: Any, step: int, p: Any, g: Any, slots: Any, **options: Any) -> None:
    v, mom, avg = slots
    mom = mom if options["momentum"] else None
    avg = avg if options["centered"] else None
    module.rmsprop_update(p, g, v, mom, avg, 0.01, 0.9, options["momentum"], 1e-7, 0.7)


def adam(module: Any, dtype: Any, step: int, p: Any, g: Any, slots: Any, **options: Any) -> None:
    m, v, vhat = slots
    vhat = vhat if options["amsgrad"] else None
    decay = options["weight_decay"]
    module.adam_update(p, g, m, v, vhat, 0.01, 0.9, 0.999, 1e-7, step, decay, 0.7)


def plain(name: str, slots: int, *numbers: float) -> Callable[..., None]:
    """An update that takes its slots, its numbers, and the step where its formula has one."""

    def update(
        module: Any, dtype: Any, step: int, p: Any, g: Any, kept: Any, **options: Any
    ) -> None:
        own = list(numbers)
        if "counts" in options:
            own.append(step)
        if name == "nadam_update":
            own.append(float(np.prod([0.9 * (1 - 0.5 * 0.96**t) for t in range(1, step + 1)])))
        own += options.get("more", ())
        function = getattr(module, name)
        function(p, g, *kept[:slots], *own, 0.7, weight_decay=options.get("weight_decay", 0.0))

    update.__name__ = name
    return update


STEP = {"counts": True}
DECAY = {"weight_decay": 0.1}
CASES: list[tuple[Callable[..., None], dict[str, Any]]] = [
    (sgd, {"momentum": 0.0, "nesterov": False}),
    (sgd, {"momentum": 0.9, "nesterov": False}),
    (sgd, {"momentum": 0.9, "nesterov": True}),
    (rmsprop, {"momentum": 0.0, "centered": False}),
    (rmsprop, {"momentum": 0.9, "centered": False}),
    (rmsprop, {"momentum": 0.0, "centered": True}),
    (rmsprop, {"momentum": 0.9, "centered": True}),
    (adam, {"amsgrad": False, "weight_decay": 0.0}),
    (adam, {"amsgrad": True, "weight_decay": 0.0}),
    (adam, {"amsgrad": False, "weight_decay": 0.1}),
    (plain("adamax_update", 2, 0.01, 0.9, 0.999, 1e-7), STEP),
    (plain("nadam_update", 2, 0.01, 0.9, 0.999, 1e-7), STEP),
    (plain("adagrad_update", 1, 0.01, 1e-7), {"start": 0.1}),
    (plain("adadelta_update", 2, 0.5, 0.9, 1e-6), DECAY),
    (plain("lion_update", 1, 0.01, 0.9, 0.99), DECAY),
    (plain("ftrl_update", 2, 0.1), {"start": 0.1, "more": (-0.5, 0.0, 0.0, 0.0, 0.0)}),
    (plain("ftrl_update", 2, 0.1), {"start": 0.1, "more": (-0.5, 0.01, 0.1, 0.05, 0.2)}),
    (plain("ftrl_update", 2, 0.1), {"start": 0.1, "more": (-0.7, 0.01, 0.0, 0.0, 0.0)}),
    (plain("schedule_free_adam_update", 2, 0.01, 0.9, 0.999, 1e-8), STEP),
]


def run(module: Any, dtype: Any, update: Callable[..., None], options: dict[str, Any]) -> Any:
    params, slots = arrays(0, dtype), tuple(zeros(dtype) for _ in range(3))
    for slot in slots[0]:
        slot += options.get("start", 0.0)
    for step in range(1, 6):
        # The same float32 numbers for both.
        gradients = [g.astype(dtype) for g in arrays(step)]
        update(module, dtype, step, params, gradients, slots, **options)
    return params, slots


@pytest.mark.parametrize(("update", "options"), CASES)
def test_five_steps(update: Callable[..., None], options: dict[str, Any]) -> None:
    params, slots = run(_core, np.float32, update, options)
    expected, expected_slots = run(reference, np.float64, update, options)
    start = arrays(0)
    for before, actual, wanted in zip(start, params, expected, strict=True):
        # Centred RMSprop subtracts nearly equal numbers at its first step.
        tolerance = 1e-4 if options.get("centered") else 1e-5
        moved = np.abs(wanted - before).max(initial=0)
        np.testing.assert_allclose(actual, wanted, rtol=1e-6, atol=tolerance * moved)
    for actual_list, wanted_list in zip(slots, expected_slots, strict=True):
        for actual, wanted in zip(actual_list, wanted_list, strict=True):
            scale = np.abs(wanted).max(initial=0)
            tolerance = 1e-4 if options.get("centered") else 1e-5
            np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=tolerance * scale)


@pytest.mark.parametrize(("update", "options"), CASES)
def test_same_bits_for_any_number_of_threads(
    update: Callable[..., None], options: dict[str, Any]
) -> None:
    _core.set_num_threads(1)
    expected, _ = run(_core, np.float32, update, options)
    for threads in (2, 3):
        _core.set_num_threads(threads)
        params, _ = run(_core, np.float32, update, options)
        assert [p.tobytes() for p in params] == [p.tobytes() for p in expected]


def test_gradients_are_not_written() -> None:
    params, gradients = arrays(0), arrays(1)
    for g in gradients:
        g.flags.writeable = False
    _core.sgd_update(params, gradients, None, 0.1, 0.0, False, 2.0)
    for g, again in zip(gradients, arrays(1), strict=True):
        np.testing.assert_array_equal(g, again)


def test_nan_stays_in_its_place() -> None:
    params, gradients = [np.zeros(35, np.float32)], [np.ones(35, np.float32)]
    gradients[0][20] = np.nan
    m, v = [np.zeros(35, np.float32)], [np.zeros(35, np.float32)]
    _core.adam_update(params, gradients, m, v, None, 0.1, 0.9, 0.999, 1e-7, 1, 0.0, 1.0)
    assert np.flatnonzero(np.isnan(params[0])).tolist() == [20]


def test_global_norm() -> None:
    for seed in range(3):
        numbers = arrays(seed)
        np.testing.assert_allclose(
            _core.global_norm(numbers), reference.global_norm(numbers), rtol=1e-6
        )
    assert _core.global_norm([]) == 0.0
    assert np.isnan(_core.global_norm([np.array([1, np.nan], np.float32)]))
    large = [np.full(100, 1e30, np.float32)]
    np.testing.assert_allclose(_core.global_norm(large), 1e31, rtol=1e-6)


def test_global_norm_has_the_same_bits_for_any_number_of_threads() -> None:
    numbers = [np.random.default_rng(0).standard_normal(300_001).astype(np.float32)]
    norms = set()
    for threads in (1, 2, 3):
        _core.set_num_threads(threads)
        norms.add(_core.global_norm(numbers))
    assert len(norms) == 1


ONE, TWO = [np.ones(3, np.float32)], [np.ones(2, np.float32)]
READ_ONLY = [np.ones(3, np.float32)]
READ_ONLY[0].flags.writeable = False


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((ONE, TWO, None), ValueError),
        ((ONE, [], None), ValueError),
        ((ONE, ONE, TWO), ValueError),
        ((ONE, [np.ones(3)], None), TypeError),
        ((ONE, [[1.0, 2.0, 3.0]], None), TypeError),
        (([np.ones((3, 2), np.float32)[:, 0]], ONE, None), ValueError),
        ((READ_ONLY, ONE, None), ValueError),
    ],
)
def test_bad_arguments(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"must be"):
        _core.sgd_update(*arguments, 0.1, 0.9, False, 1.0)
    np.testing.assert_array_equal(ONE[0], np.ones(3))
