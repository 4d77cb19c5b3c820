"""scikit-learn's own checks of its estimators, and how the wrappers use models."""

import copy
import pickle

import numpy as np
import pytest
from gatework import layers
from gatework.models import Sequential
from gatework.utils import set_random_seed

sklearn = pytest.importorskip("sklearn", minversion="1.6", reason="scikit-learn is not installed")

from gatework.wrappers import (  # noqa: E402
    SKLearnClassifier,
    SKLearnRegressor,
    SKLearnTransformer,
)
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402


def network(X, y, loss="mse", activation=None, hidden=10, seed=1):
    set_random_seed(seed)
    model = Sequential(
        [
            layers.Input((X.shape[1],)),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(y.shape[1], activation=activation),
        ]
    )
    model.compile("rmsprop", loss)
    return model


QUIET = {"verbose": 0}
CLASSIFY = {"loss": "categorical_crossentropy", "activation": "softmax"}

# None is expected to fail. scikit-learn itself skips those that ask for reproducible fits, as the
# estimators carry its tag `non_deterministic` (a model's weights begin at random), and those of
# the array API, which it leaves out unless SCIPY_ARRAY_API is set.


@parametrize_with_checks(
    [
        SKLearnClassifier(network, model_kwargs=CLASSIFY, fit_kwargs={"epochs": 5, **QUIET}),
        SKLearnRegressor(network, fit_kwargs=QUIET),
        SKLearnTransformer(network, fit_kwargs=QUIET),
    ]
)
@pytest.mark.filterwarnings("ignore")
def test_estimator_checks(estimator, check):
    check(estimator)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
LABELS = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


def classifier(**options):
    return SKLearnClassifier(
        network,
        model_kwargs=CLASSIFY,
        fit_kwargs={"epochs": 60, "batch_size": 4, **QUIET},
        **options,
    )


def test_classifier_learns_and_keeps_labels():
    found = classifier().fit(X, LABELS)
    assert list(found.classes_) == ["no", "yes"]
    assert found.score(X, LABELS) > 0.9
    margin = found.decision_function(X)
    np.testing.assert_array_equal(margin > 0, found.predict(X) == "yes")
    assert found.epoch_ == list(range(60))


def test_pipelines_and_searches_take_it():
    pipeline = make_pipeline(StandardScaler(), classifier())
    assert cross_val_score(pipeline, X, LABELS, cv=2).mean() > 0.6
    grid = {"model_kwargs": [{**CLASSIFY, "hidden": n} for n in (2, 8)]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(X, LABELS)
    assert search.best_params_["model_kwargs"]["hidden"] in (2, 8)


def test_a_model_is_copied_unless_warm_start():
    y = X[:, :1]
    given = network(X, y)
    before = copy.deepcopy(given.get_weights())
    cold = SKLearnRegressor(given, fit_kwargs=QUIET).fit(X, y)
    assert cold.model_ is not given
    np.testing.assert_array_equal(given.get_weights()[0], before[0])
    warm = SKLearnRegressor(given, warm_start=True, fit_kwargs=QUIET).fit(X, y)
    assert warm.model_ is given
    assert not np.array_equal(given.get_weights()[0], before[0])
    middle = given.get_weights()[0]
    assert warm.fit(X, y).model_ is given
    assert not np.array_equal(given.get_weights()[0], middle)


def test_clones_keep_every_argument():
    given = network(X, X[:, :1])
    first = SKLearnRegressor(given, model_kwargs={"a": 1}, fit_kwargs=QUIET)
    second = clone(first)
    assert second.fit_kwargs == QUIET
    assert second.model is not given
    np.testing.assert_array_equal(second.model.get_weights()[0], given.get_weights()[0])


def test_arguments_of_fit_come_first_and_do_not_stay():
    wrapped = SKLearnRegressor(network, fit_kwargs={"epochs": 2, **QUIET})
    assert wrapped.fit(X, X[:, 0], epochs=3).epoch_ == [0, 1, 2]
    assert wrapped.fit_kwargs == {"epochs": 2, **QUIET}
    assert wrapped.predict(X).shape == (60,)
    assert wrapped.fit(X, X[:, :2]).predict(X).shape == (60, 2)


def test_pickles_hold_whole_models():
    trained = classifier().fit(X, LABELS)
    again = pickle.loads(pickle.dumps(trained))
    np.testing.assert_array_equal(again.decision_function(X), trained.decision_function(X))
    assert again.history_.history == trained.history_.history


def test_a_model_that_is_not_compiled_is_refused():
    model = Sequential([layers.Input((4,)), layers.Dense(1)])
    with pytest.raises(RuntimeError, match="model must be compiled with a loss and an optimizer"):
        SKLearnRegressor(model).fit(X, X[:, 0])
