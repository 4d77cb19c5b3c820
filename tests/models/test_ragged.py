"""Sequences of unequal length: padding never changes a result, and the order stays the caller's."""

import numpy as np
import pytest
from gatework import layers
from gatework.models import Model, Sequential
from gatework.models.ragged import Ragged, bucketed
from gatework.utils import pad_sequences, set_random_seed
from hypothesis import given, settings
from hypothesis import strategies as st

RNG = np.random.default_rng(5)
LENGTHS = [4, 1, 7, 3, 7, 2, 5, 6, 1, 3]
IDS = [RNG.integers(1, 9, n).tolist() for n in LENGTHS]
VECTORS = [RNG.normal(size=(n, 3)).astype(np.float32) for n in LENGTHS]
LABELS = np.arange(10) % 2


def classifier(mask_zero=True, **options):
    set_random_seed(3)
    model = Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(9, 4, mask_zero=mask_zero),
            layers.LSTM(5, **options),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


def tagger(**options):
    set_random_seed(3)
    model = Sequential(
        [
            layers.Input((None, 3)),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


@pytest.mark.parametrize("mask_zero", [True, False])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_prediction_is_that_of_each_sequence_alone(mask_zero, batch_size):
    model = classifier(mask_zero)
    found = model.predict(IDS, batch_size=batch_size, verbose=0)
    alone = np.concatenate([model.predict(np.array([ids]), verbose=0) for ids in IDS])
    assert found.shape == (10, 1)
    np.testing.assert_allclose(found, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_outputs_per_step_are_as_long_as_their_sequences(batch_size):
    model = tagger()
    found = model.predict(VECTORS, batch_size=batch_size, verbose=0)
    assert [row.shape for row in found] == [(n, 2) for n in LENGTHS]
    for row, x in zip(found, VECTORS, strict=True):
        np.testing.assert_allclose(row, model.predict(x[None], verbose=0)[0], rtol=1e-5, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=9).filter(any), st.integers(1, 5))
def test_any_lengths_and_batch_size(lengths, batch_size):
    model = tagger()
    rows = [np.full((n, 3), n + 1, np.float32) for n in lengths]
    found = model.predict(rows, batch_size=batch_size, verbose=0)
    assert [len(row) for row in found] == lengths


def test_all_forms_of_the_same_sequences():
    model = classifier()
    expected = model.predict(IDS, verbose=0)
    objects = np.empty(10, object)
    objects[:] = IDS
    for x in ([np.array(ids) for ids in IDS], [tuple(ids) for ids in IDS], objects):
        np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    np.testing.assert_allclose(
        model.predict(pad_sequences(IDS, padding="post"), verbose=0), expected, rtol=1e-5
    )
    vectors = tagger()
    as_lists = [[list(step) for step in row] for row in VECTORS]
    for a, b in zip(
        vectors.predict(as_lists, verbose=0), vectors.predict(VECTORS, verbose=0), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_arrays_of_equal_length_are_samples_when_the_model_takes_such():
    model = tagger()
    stacked = np.ones((4, 5, 3), np.float32)
    np.testing.assert_array_equal(
        model.predict(list(stacked), verbose=0), model.predict(stacked, verbose=0)
    )
    np.testing.assert_array_equal(
        model.predict([stacked], verbose=0), model.predict(stacked, verbose=0)
    )
    labels = [np.zeros(5), np.ones(5), np.zeros(5), np.ones(5)]
    assert model.test_on_batch(list(stacked), labels) == pytest.approx(
        model.test_on_batch(stacked, np.array(labels))
    )


def test_training_equals_training_with_masks():
    ragged, padded = classifier(), classifier()
    full = pad_sequences(IDS, padding="post")
    options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    one = ragged.fit(IDS, LABELS, **options).history
    two = padded.fit(full, LABELS, **options).history
    np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-5)
    for a, b in zip(ragged.get_weights(), padded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert ragged.evaluate(IDS, LABELS, verbose=0) == pytest.approx(
        padded.evaluate(full, LABELS, verbose=0), rel=1e-4
    )


def steps():
    labels = [np.arange(n) % 2 for n in LENGTHS]
    weights = [np.linspace(0.5, 1.5, n) for n in LENGTHS]
    return labels, weights


def test_labels_and_weights_per_step():
    labels, weights = steps()
    model = tagger(weighted_metrics=["accuracy"])
    found = model.evaluate(VECTORS, labels, sample_weight=weights, verbose=0, return_dict=True)
    probabilities = model.predict(VECTORS, verbose=0)
    right = np.concatenate([p.argmax(-1) == y for p, y in zip(probabilities, labels, strict=True)])
    assert found["accuracy"] == pytest.approx(right.mean(), rel=1e-5)
    losses = np.concatenate(
        [
            -np.log(np.take_along_axis(p, y[:, None], -1)[:, 0]) * w
            for p, y, w in zip(probabilities, labels, weights, strict=True)
        ]
    )
    assert found["loss"] == pytest.approx(losses.mean(), rel=1e-4)
    assert model.fit(VECTORS, labels, sample_weight=weights, batch_size=3, verbose=0).epoch == [0]


def test_labels_mask_what_the_model_forgot_to():
    class Forgetful(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.supports_masking = False

        def call(self, inputs):
            return self.dense(inputs) * 1.0

    model = Forgetful()
    model.compile("sgd", "mse")
    labels = [np.zeros((n, 1)) for n in LENGTHS]
    loss = model.evaluate(VECTORS, labels, verbose=0)
    outputs = np.concatenate([model(v[None]).numpy()[0] for v in VECTORS])
    assert loss == pytest.approx((outputs**2).mean(), rel=1e-4)


def test_class_weight_per_step():
    labels, _ = steps()
    factors = [np.where(y == 1, 3.0, 1.0) for y in labels]
    one, two = tagger(), tagger()
    options = {"shuffle": False, "verbose": 0, "batch_size": 4}
    one.fit(VECTORS, labels, class_weight={1: 3.0}, **options)
    two.fit(VECTORS, labels, sample_weight=factors, **options)
    np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])


def test_validation_split_and_shuffling():
    model = classifier()
    history = model.fit(IDS, LABELS, epochs=2, batch_size=3, validation_split=0.2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    order = bucketed(np.arange(500), np.arange(500) % 50, 8, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(order), np.arange(500))
    batches = (order[:496] % 50).reshape(-1, 8)
    assert np.ptp(batches, axis=1).max() < 5


def test_buckets_leave_little_padding():
    lengths = RNG.integers(1, 100, 1000)
    order = bucketed(RNG.permutation(1000), lengths, 10, RNG)
    sorted_cost = lengths[order].reshape(-1, 10).max(axis=1).sum() * 10
    assert sorted_cost < 1.1 * lengths.sum()


def test_empty_sequences_are_masked_wholly():
    model = classifier()
    found = model.predict([[1, 2], [], [3]], verbose=0)
    np.testing.assert_allclose(found[1], model.layers[-1](np.zeros((1, 5))).numpy()[0], rtol=1e-6)
    assert model.predict([[], [1]], batch_size=1, verbose=0).shape == (2, 1)


def test_on_batch():
    model = tagger()
    labels, _ = steps()
    assert len(model.train_on_batch(VECTORS, labels)) == 2
    assert [len(row) for row in model.predict_on_batch(VECTORS)] == LENGTHS


def test_generators_may_yield_them():
    def batches():
        yield IDS[:4], LABELS[:4]
        yield IDS[4:], LABELS[4:]

    model = classifier()
    expected = model.predict(IDS, verbose=0)
    np.testing.assert_allclose(model.predict(batches(), verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert model.fit(batches(), verbose=0).epoch == [0]
    per_step = tagger()
    found = per_step.predict(iter([(VECTORS[:3],), (VECTORS[3:],)]), verbose=0)
    assert [len(row) for row in found] == LENGTHS


def test_several_inputs():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.embedding = layers.Embedding(9, 3)
            self.words, self.steps = layers.LSTM(2), layers.LSTM(2)

        def call(self, inputs):
            return self.words(self.embedding(inputs["words"])) + self.steps(inputs["steps"])

    model = Two()
    model.compile("sgd", "mse")
    turned = VECTORS[::-1]
    found = model.predict({"words": IDS, "steps": turned}, batch_size=3, verbose=0)
    for row, ids, steps_ in zip(found, IDS, turned, strict=True):
        alone = model({"words": np.array([ids]), "steps": steps_[None]}).numpy()[0]
        np.testing.assert_allclose(row, alone, rtol=1e-5, atol=1e-6)


def test_stateful_models_see_the_callers_order():
    model = Sequential([layers.Input((None, 3)), layers.LSTM(2, stateful=True)])
    forward = model.predict(VECTORS, batch_size=1, verbose=0)
    model.reset_states()
    state = [model.predict(v[None], batch_size=1, verbose=0)[0] for v in VECTORS]
    np.testing.assert_allclose(forward, state, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1, 2], ["a"]], "x must hold numbers, not strings"),
        ([np.ones((2, 3)), np.ones((3, 4))], "x must hold sequences whose steps have one shape"),
        ([[1, 2], [[1], [2, 3]]], "x must hold sequences whose steps have one shape"),
    ],
)
def test_what_cannot_be_padded(x, message):
    model = Sequential([layers.Input((None, 3)), layers.LSTM(2)])
    with pytest.raises((TypeError, ValueError), match=message):
        model.predict(x, verbose=0)


def test_a_model_of_fixed_length_says_so():
    model = Sequential([layers.Input((5,)), layers.Embedding(9, 2), layers.LSTM(2)])
    with pytest.raises(ValueError, match=r"length 5, .* not of 1 to 7; make them equal with pad"):
        model.predict(IDS, verbose=0)


def test_the_padded_tensor_and_its_mask():
    tensor = Ragged.of([[1, 2], [], [3]], "x").tensor()
    np.testing.assert_array_equal(tensor.numpy(), [[1, 2], [0, 0], [3, 0]])
    np.testing.assert_array_equal(
        tensor._keras_mask.numpy(), [[True, True], [False, False], [True, False]]
    )
    assert Ragged.of([[1], [2]], "x").tensor()._keras_mask is None


def test_functional_models_of_several_inputs_and_outputs():
    ids, steps_ = layers.Input((None,), name="ids"), layers.Input((None, 3), name="steps")
    one = layers.Dense(1, name="one")(layers.LSTM(3)(layers.Embedding(9, 4)(ids)))
    each = layers.Dense(2, name="each")(layers.GRU(3, return_sequences=True)(steps_))
    model = Model([ids, steps_], [one, each])
    model.compile("sgd", ["mse", "mse"])
    turned = VECTORS[::-1]
    found, rows = model.predict([IDS, turned], batch_size=3, verbose=0)
    for i, (words, vectors) in enumerate(zip(IDS, turned, strict=True)):
        a, b = model.predict([np.array([words]), vectors[None]], verbose=0)
        np.testing.assert_allclose(found[i], a[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(rows[i], b[0], rtol=1e-5, atol=1e-6)
    labels = {"one": np.zeros((10, 1)), "each": [np.zeros((len(v), 2)) for v in turned]}
    as_lists = [labels["one"], labels["each"]]
    assert model.fit([IDS, turned], as_lists, verbose=0).epoch == [0]
    assert model.fit({"ids": IDS, "steps": turned}, labels, verbose=0).epoch == [0]


def test_a_model_built_by_padded_batches_takes_other_lengths() -> None:
    model = Sequential([layers.Embedding(9, 2), layers.LSTM(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit([[1, 2, 3], [4], [5, 6]], np.zeros(3), verbose=0)
    assert model.input_shape == (None, None)
    whole = model.predict([[1, 2, 3, 4, 5], [6]], verbose=0)
    alone = model.predict(np.array([[1, 2, 3, 4, 5]]), verbose=0)
    np.testing.assert_allclose(whole[:1], alone, atol=1e-6)
