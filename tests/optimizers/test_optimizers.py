"""Optimizers against their formulas in NumPy float64, and the options they share."""

import numpy as np
import pytest
from gatework import optimizers
from gatework.autograd import Variable
from gatework.optimizers import SGD, Adam, AdamW, RMSprop

RNG = np.random.default_rng(5)
START = [RNG.normal(size=(3, 4)), RNG.normal(size=(4,))]
STEPS = [[RNG.normal(size=w.shape) for w in START] for _ in range(5)]


def variables():
    return [Variable(w.astype(np.float32), name=f"w{i}") for i, w in enumerate(START)]


def run(optimizer, steps=STEPS):
    found = variables()
    for grads in steps:
        optimizer.apply_gradients(zip([g.astype(np.float32) for g in grads], found, strict=True))
    return [v.numpy() for v in found]


def run_formula(formula, steps=STEPS):
    """`formula(w, g, slots, t)` returns the new weight; `slots` starts as an empty dict."""
    weights, slots = [w.copy() for w in START], [{} for _ in START]
    for t, grads in enumerate(steps, 1):
        weights = [formula(w, g, s, t) for w, g, s in zip(weights, grads, slots, strict=True)]
    return weights


def close(found, expected, rtol=2e-5):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6)


def sgd(lr, momentum=0.0, nesterov=False):
    def formula(w, g, s, t):
        v = s["v"] = momentum * s.get("v", 0) - lr * g
        return w + (momentum * v - lr * g if nesterov else v)

    return formula


def rmsprop(lr, rho=0.9, momentum=0.0, centered=False, eps=1e-7):
    def formula(w, g, s, t):
        s["v"] = rho * s.get("v", 0) + (1 - rho) * g * g
        s["a"] = rho * s.get("a", 0) + (1 - rho) * g
        step = lr * g / np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0) + eps)
        s["m"] = momentum * s.get("m", 0) + step
        return w - s["m"]

    return formula


def adam(lr, b1=0.9, b2=0.999, eps=1e-7, amsgrad=False, decay=0.0):
    def formula(w, g, s, t):
        s["m"] = b1 * s.get("m", 0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0) + (1 - b2) * g * g
        s["h"] = np.maximum(s.get("h", 0), s["v"])
        a = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
        return w - decay * lr * w - a * s["m"] / (np.sqrt(s["h" if amsgrad else "v"]) + eps)

    return formula


@pytest.mark.parametrize(
    ("optimizer", "formula"),
    [
        (lambda: SGD(0.1), sgd(0.1)),
        (lambda: SGD(0.1, momentum=0.8), sgd(0.1, 0.8)),
        (lambda: SGD(0.1, momentum=0.8, nesterov=True), sgd(0.1, 0.8, True)),
        (lambda: RMSprop(0.05), rmsprop(0.05)),
        (lambda: RMSprop(0.05, rho=0.8, momentum=0.5), rmsprop(0.05, 0.8, 0.5)),
        (lambda: RMSprop(0.05, centered=True), rmsprop(0.05, centered=True)),
        (lambda: Adam(0.1), adam(0.1)),
        (lambda: Adam(0.1, amsgrad=True), adam(0.1, amsgrad=True)),
        (lambda: AdamW(0.1, weight_decay=0.02), adam(0.1, decay=0.02)),
    ],
)
def test_five_steps(optimizer, formula):
    close(run(optimizer()), run_formula(formula))


def test_weight_decay_for_any_optimizer_and_exclusion():
    def formula(w, g, s, t):
        return w * (1 - 0.1 * 0.5) - 0.1 * g

    close(run(SGD(0.1, weight_decay=0.5)), run_formula(formula))
    for excluded in (SGD(0.1, weight_decay=0.5), AdamW(0.1, weight_decay=0.5)):
        excluded.exclude_from_weight_decay(var_names=["w1"])
        plain = SGD(0.1) if isinstance(excluded, SGD) else Adam(0.1)
        decayed = SGD(0.1, weight_decay=0.5) if isinstance(excluded, SGD) else AdamW(0.1, 0.5)
        found = run(excluded)
        np.testing.assert_allclose(found[1], run(plain)[1], rtol=1e-6)
        np.testing.assert_allclose(found[0], run(decayed)[0], rtol=1e-5)
        with pytest.raises(ValueError, match="before the first update"):
            excluded.exclude_from_weight_decay(var_names=["w0"])


def test_clipping():
    grads = STEPS[0]
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    found = run(SGD(1.0, global_clipnorm=0.5), [grads])
    close(found, [w - g * 0.5 / norm for w, g in zip(START, grads, strict=True)])
    found = run(SGD(1.0, clipnorm=0.5), [grads])
    expected = [w - g * 0.5 / np.linalg.norm(g.ravel()) for w, g in zip(START, grads, strict=True)]
    close(found, expected)
    found = run(SGD(1.0, clipvalue=0.3), [grads])
    close(found, [w - np.clip(g, -0.3, 0.3) for w, g in zip(START, grads, strict=True)])
    found = run(SGD(1.0, global_clipnorm=1e6), [grads])
    close(found, [w - g for w, g in zip(START, grads, strict=True)])
    with pytest.raises(ValueError, match="clipnorm must be a number >= 0, not -1"):
        SGD(1.0, clipnorm=-1)
    with pytest.raises(ValueError, match="not clipnorm and clipvalue"):
        SGD(clipnorm=1.0, clipvalue=1.0)


def test_gradients_are_not_written_to():
    grads = [g.astype(np.float32) for g in STEPS[0]]
    kept = [g.copy() for g in grads]
    for g in grads:
        g.flags.writeable = False
    optimizer = Adam(0.1, clipnorm=0.1, weight_decay=0.1)
    optimizer.apply(grads, variables())
    for g, k in zip(grads, kept, strict=True):
        np.testing.assert_array_equal(g, k)


def test_loss_scale_and_accumulation():
    scaled = [[g * 8 for g in grads] for grads in STEPS]
    close(run(SGD(0.1, loss_scale_factor=8.0), scaled), run_formula(sgd(0.1)))
    means = [[(a + b) / 2 for a, b in zip(*STEPS[i : i + 2], strict=True)] for i in (0, 2)]
    optimizer = Adam(0.1, gradient_accumulation_steps=2)
    close(run(optimizer, STEPS[:4]), run_formula(adam(0.1), means))
    assert optimizer.iterations == 2


def test_moving_average():
    optimizer = SGD(0.1, use_ema=True, ema_momentum=0.6)
    found = variables()
    averages = None
    for grads in STEPS:
        optimizer.apply([g.astype(np.float32) for g in grads], found)
        now = [v.numpy().astype(np.float64) for v in found]
        averages = (
            now
            if averages is None
            else [0.6 * a + 0.4 * w for a, w in zip(averages, now, strict=True)]
        )
    optimizer.finalize_variable_values(found)
    close([v.numpy() for v in found], averages)


def test_moving_average_overwrites_in_time():
    optimizer = SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    found = variables()
    optimizer.apply([g.astype(np.float32) for g in STEPS[0]], found)
    first = [v.numpy().copy() for v in found]
    optimizer.apply([g.astype(np.float32) for g in STEPS[1]], found)
    expected = [0.5 * a + 0.5 * (a - 0.1 * g) for a, g in zip(first, STEPS[1], strict=True)]
    close([v.numpy() for v in found], expected)


def test_constraint_is_applied():
    weight = Variable(np.ones(3, np.float32), name="w")
    weight.constraint = lambda w: np.clip(np.asarray(w), 0.5, None)
    SGD(1.0).apply([np.ones(3, np.float32)], [weight])
    np.testing.assert_array_equal(weight.numpy(), 0.5)


def test_update_raises_the_version_of_the_weights():
    weight = Variable(np.ones(3, np.float32), name="w")
    before = weight.version
    SGD(1.0).apply([np.ones(3, np.float32)], [weight])
    assert weight.version > before


def test_learning_rate():
    optimizer = Adam(0.25)
    assert float(optimizer.learning_rate) == 0.25
    optimizer.learning_rate = 0.5
    assert float(optimizer.learning_rate) == 0.5
    assert optimizer.get_config()["learning_rate"] == 0.5
    for bad in (-1.0, float("nan"), "fast", None):
        with pytest.raises(ValueError, match="learning_rate must be"):
            Adam(bad)
    called = SGD(lambda: 0.125)
    assert called.learning_rate == 0.125


def test_schedule_follows_the_iterations():
    optimizer = SGD(optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25]))
    expected = run_formula(lambda w, g, s, t: w - (0.5 if t <= 2 else 0.25) * g)
    close(run(optimizer), expected)
    with pytest.raises(TypeError, match="learning_rate must not be set"):
        optimizer.learning_rate = 0.1


def test_bad_calls():
    weights = variables()
    optimizer = SGD(0.1)
    with pytest.raises(ValueError, match="a gradient for some variable"):
        optimizer.apply([None, None], weights)
    with pytest.raises(ValueError, match="grads must be 2 in number, not 1"):
        optimizer.apply([np.zeros((3, 4))], weights)
    with pytest.raises(ValueError, match="must have shape"):
        optimizer.apply([np.zeros(2), np.zeros(4)], weights)
    with pytest.raises(ValueError, match="must be those the optimizer was built with"):
        optimizer.apply([np.zeros(2)], [Variable(np.zeros(2, np.float32), name="other")])
    with pytest.warns(UserWarning, match="no gradient reaches"):
        optimizer.apply([np.zeros((3, 4), np.float32), None], weights)
    with pytest.raises(ValueError, match="SGD has no argument 'momentumm'"):
        SGD(momentumm=0.9)
    with pytest.raises(ValueError, match="momentum must be in"):
        SGD(momentum=1.5)


def test_state_is_saved_in_order_and_restored():
    optimizer = Adam(0.1, use_ema=True)
    weights = variables()
    for grads in STEPS[:2]:
        optimizer.apply([g.astype(np.float32) for g in grads], weights)
    names = [v.name for v in optimizer.variables]
    assert names == [
        "iteration",
        "learning_rate",
        "w0_average",
        "w1_average",
        "w0_momentum",
        "w0_velocity",
        "w1_momentum",
        "w1_velocity",
    ]
    store = {}
    optimizer.save_own_variables(store)
    store = {k: np.array(v) for k, v in store.items()}
    other = Adam(0.3, use_ema=True)
    copies = [Variable(v.numpy().copy(), name=v.name) for v in weights]
    other.build(copies)
    other.load_own_variables(store)
    for model, chosen in ((optimizer, weights), (other, copies)):
        model.apply([g.astype(np.float32) for g in STEPS[2]], chosen)
    for a, b in zip(weights, copies, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning, match="optimizer state is not loaded"):
        SGD(0.1).load_own_variables(store)


def test_optimizer_written_with_update_step():
    class Sign(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(np.sign(np.asarray(gradient)) * learning_rate)

    close(run(Sign(0.1)), run_formula(lambda w, g, s, t: w - 0.1 * np.sign(g)))


def test_get_and_config():
    assert isinstance(optimizers.get("ADAM"), Adam)
    assert isinstance(optimizers.get(RMSprop), RMSprop)
    assert optimizers.get(None) is None
    with pytest.raises(ValueError, match=r"nearest: .*'adam'"):
        optimizers.get("adma")
    for optimizer in (SGD(0.5, momentum=0.5), RMSprop(0.5), Adam(0.5, clipnorm=1.0), AdamW(0.5)):
        config = optimizer.get_config()
        assert type(optimizer).from_config(config).get_config() == config
    built = optimizers.get({"class_name": "SGD", "config": {"learning_rate": 0.5}})
    assert float(built.learning_rate) == 0.5
