"""The optimizers beyond Adam, RMSprop and SGD: state, options and numbers against the reference."""

import numpy as np
import pytest
from gatework import optimizers, reference
from gatework.autograd import Tensor, Variable

RNG = np.random.default_rng(8)
SHAPES = [(3, 4), (4,), ()]
START = [np.asarray(RNG.normal(size=shape)) for shape in SHAPES]
STEPS = [[np.asarray(RNG.normal(size=shape)) for shape in SHAPES] for _ in range(5)]


def variables():
    return [Variable(w.astype(np.float32), name=f"w{i}") for i, w in enumerate(START)]


def run(optimizer, steps=STEPS):
    found = variables()
    for grads in steps:
        optimizer.apply([g.astype(np.float32) for g in grads], found)
    return [v.numpy() for v in found]


def expect(update, slots, numbers, starts=(0.0, 0.0), with_step=False, **options):
    """The weights after the same steps of a function of the reference, in float64."""
    weights = [w.copy() for w in START]
    kept = [[np.full(w.shape, start) for w in START] for start in starts[:slots]]
    for t, grads in enumerate(STEPS, 1):
        own = [*numbers, t] if with_step else numbers
        update(weights, grads, *kept, *own, **options)
    return weights


def close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=2e-6)


@pytest.mark.parametrize("decay", [None, 0.1])
@pytest.mark.parametrize(
    ("name", "options", "update", "slots", "numbers", "more"),
    [
        ("Adamax", {}, "adamax_update", 2, (0.05, 0.9, 0.999, 1e-7), {"with_step": True}),
        ("Adagrad", {}, "adagrad_update", 1, (0.05, 1e-7), {"starts": (0.1,)}),
        ("Adadelta", {"rho": 0.9}, "adadelta_update", 2, (0.05, 0.9, 1e-7), {}),
        ("Lion", {"beta_1": 0.7}, "lion_update", 1, (0.05, 0.7, 0.99), {}),
        (
            "Ftrl",
            {"l1_regularization_strength": 0.01, "beta": 0.1},
            "ftrl_update",
            2,
            (0.05, -0.5, 0.01, 0.0, 0.0, 0.1),
            {"starts": (0.1, 0.0)},
        ),
    ],
)
def test_five_steps(name, options, update, slots, numbers, more, decay):
    optimizer = getattr(optimizers, name)(0.05, weight_decay=decay, **options)
    function = getattr(reference, update)
    close(run(optimizer), expect(function, slots, numbers, weight_decay=decay or 0.0, **more))


def test_nadam():
    weights = [w.copy() for w in START]
    m, v = ([np.zeros(w.shape) for w in START] for _ in range(2))
    product = 1.0
    for t, grads in enumerate(STEPS, 1):
        product *= 0.9 * (1 - 0.5 * 0.96**t)
        reference.nadam_update(weights, grads, m, v, 0.05, 0.9, 0.999, 1e-7, t, product)
    close(run(optimizers.Nadam(0.05)), weights)


def test_schedule_free_starts_from_the_weights_and_warms_up():
    weights, z = [w.copy() for w in START], [w.copy() for w in START]
    v = [np.zeros(w.shape) for w in START]
    for t, grads in enumerate(STEPS, 1):
        rate = 0.05 * min(t / 3, 1)
        reference.schedule_free_adam_update(weights, grads, z, v, rate, 0.9, 0.999, 1e-8, t)
    close(run(optimizers.ScheduleFreeAdamW(0.05, warmup_steps=3)), weights)


def test_lamb_steps_are_as_long_as_the_weights():
    start = [np.linalg.norm(w) for w in START]
    found = run(optimizers.Lamb(0.05), STEPS[:1])
    for before, after, norm in zip(START, found, start, strict=True):
        np.testing.assert_allclose(np.linalg.norm(after - before), 0.05 * norm, rtol=1e-5)


def test_lamb_moves_zero_weights_as_adam_does():
    weight = Variable(np.zeros(3, np.float32), name="w")
    optimizers.Lamb(0.1).apply([np.array([1.0, -2.0, 3.0], np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), [-0.1, 0.1, -0.1], rtol=1e-5)


def test_adafactor():
    weights = [w.copy() for w in START]
    second = [np.zeros(w.shape) for w in START]
    r, c = np.zeros(3), np.zeros(4)

    def size(x):
        return np.sqrt(np.mean(x**2))

    for t, grads in enumerate(STEPS, 1):
        keep = 1 - t**-0.8
        for i, (w, g) in enumerate(zip(weights, grads, strict=True)):
            second[i] = keep * second[i] + (1 - keep) * (g**2 + 1e-30)
            v = second[i]
            if w.ndim == 2:
                r = keep * r + (1 - keep) * (g**2 + 1e-30).mean(1)
                c = keep * c + (1 - keep) * (g**2 + 1e-30).mean(0)
                v = np.outer(r, c) / r.mean()
            u = g / np.sqrt(v)
            length = max(1e-3, size(w)) * min(0.3, 1 / np.sqrt(t))
            w -= length * u / max(1, size(u) / 0.8)
    close(run(optimizers.Adafactor(0.3, clip_threshold=0.8)), weights)


def test_muon_makes_matrices_orthogonal_and_gives_the_rest_to_adam():
    optimizer = optimizers.Muon(0.1, weight_decay=None, adam_weight_decay=None, ns_steps=8)
    found = run(optimizer, STEPS[:1])
    step = (START[0] - found[0]) / (0.1 * 0.2 * np.sqrt(4))
    # Newton-Schulz with these numbers swings about 1 instead of settling there.
    np.testing.assert_allclose(np.linalg.svd(step)[1], 1, atol=0.35)
    close(found[1:], run(optimizers.Adam(0.1), STEPS[:1])[1:])
    names = [variable.name for variable in optimizer.variables]
    assert [name.endswith("velocity") for name in names].count(True) == 2


def test_muon_leaves_embeddings_and_named_layers_to_adam():
    weights = [
        Variable(np.ones((2, 3), np.float32), name=name) for name in ("embeddings", "kernel")
    ]
    optimizer = optimizers.Muon(exclude_layers=["kern"])
    optimizer.build(weights)
    assert len(optimizer.variables) == 2 + 4


def test_loss_scale_optimizer_skips_what_overflowed_and_grows_again():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), 4.0, dynamic_growth_steps=2)
    weight = Variable(np.zeros(2, np.float32), name="w")

    def scale():
        return float(optimizer.scale_loss(Tensor(np.float32(1.0))))

    assert scale() == 4.0
    optimizer.apply([np.array([4.0, 8.0], np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), [-1, -2])
    optimizer.apply([np.array([np.inf, 8.0], np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), [-1, -2])
    assert scale() == 2.0
    assert int(optimizer.iterations) == 1
    for _ in range(2):
        optimizer.apply([np.array([2.0, 2.0], np.float32)], [weight])
    assert scale() == 4.0
    optimizer.learning_rate = 0.5
    assert float(optimizer.inner_optimizer.learning_rate) == 0.5


def test_loss_scale_optimizer_names_the_option_that_is_set_elsewhere():
    with pytest.raises(ValueError, match=r"clipnorm must be set on inner_optimizer, not 1\.0 here"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)
    with pytest.raises(ValueError, match="dynamic must be True"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), dynamic=False)
    with pytest.raises(ValueError, match="inner_optimizer must be an Optimizer, not 'sgd'"):
        optimizers.LossScaleOptimizer("sgd")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: optimizers.Ftrl(initial_accumulator_value=-1.0), "initial_accumulator_value must"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "learning_rate_power must be <= 0"),
        (lambda: optimizers.Lion(beta_1=0.0), r"beta_1 must be in \(0, 1\], not 0.0"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0.0), r"beta_1 must be in \(0, 1\], not 0.0"),
        (lambda: optimizers.get("schedulefreeadam"), "nearest: 'schedulefreeadamw'"),
    ],
)
def test_bad_arguments(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize(
    "name", sorted(set(optimizers.CLASSES) - {"Optimizer", "LossScaleOptimizer"})
)
def test_state_goes_from_one_optimizer_to_another(name):
    first = optimizers.CLASSES[name](0.05, use_ema=True)
    found = variables()
    for grads in STEPS[:3]:
        first.apply([g.astype(np.float32) for g in grads], found)
    store = {}
    first.save_own_variables(store)
    second = optimizers.CLASSES[name].from_config(first.get_config())
    assert second.get_config() == first.get_config()
    copies = [Variable(v.numpy().copy(), name=v.name) for v in found]
    second.build(copies)
    second.load_own_variables(store)
    for optimizer, weights in ((first, found), (second, copies)):
        optimizer.apply([g.astype(np.float32) for g in STEPS[3]], weights)
    for a, b in zip(found, copies, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("options", [{"clipnorm": 0.1}, {"clipvalue": 0.1}, {"weight_decay": 0.1}])
def test_a_weight_that_is_one_number_is_updated(options):
    weight = Variable(np.float32(1.0), name="w")
    optimizers.Adagrad(0.1, **options).apply([np.float32(2.0)], [weight])
    assert weight.shape == ()
    assert weight.numpy() < 1.0


def test_a_subclass_with_its_own_update_still_decays():
    class Halving(optimizers.Adagrad):
        def update(self, params, grads, indices, learning_rate, scale):
            for w in params:
                w *= 0.5

    weight = Variable(np.ones(2, np.float32), name="w")
    Halving(0.1, weight_decay=0.5).apply([np.ones(2, np.float32)], [weight])
    np.testing.assert_allclose(weight.numpy(), 0.5 * 0.95)
