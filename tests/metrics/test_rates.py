"""AUC, F scores, R squared, correlations and the rates at thresholds, against counts by hand."""

import numpy as np
import pytest
from gatework import metrics
from gatework.autograd import Tensor

RNG = np.random.default_rng(4)
TRUE = RNG.integers(0, 2, 300)
PRED = np.clip(0.3 * TRUE + RNG.uniform(0, 0.7, 300), 0, 1).astype(np.float32)


def value(metric, *batches, **more):
    for batch in batches:
        metric.update_state(*batch, **more)
    return metric.result().numpy()


def rates(true=TRUE, pred=PRED, count=200, weight=None):
    """Recall, precision and specificity at even thresholds, counted one threshold at a time."""
    weight = np.ones(len(true)) if weight is None else weight
    found = []
    for i in range(count):
        chosen = pred > np.float32(i / (count - 1)) if i else np.full(len(pred), True)
        tp = weight[chosen & (true == 1)].sum()
        fp = weight[chosen & (true == 0)].sum()
        fn = weight[~chosen & (true == 1)].sum()
        tn = weight[~chosen & (true == 0)].sum()
        found.append((tp / (tp + fn), tp / (tp + fp) if tp + fp else 0.0, tn / (tn + fp)))
    return np.array(found).T


def test_area_under_the_roc_curve_is_the_chance_of_the_right_order():
    high, low = PRED[TRUE == 1][:, None], PRED[TRUE == 0]
    chance = (high > low).mean() + 0.5 * (high == low).mean()
    assert value(metrics.AUC(num_thresholds=2000), (TRUE, PRED)) == pytest.approx(chance, abs=1e-3)


def test_rectangles_enclose_the_area():
    areas = [
        value(metrics.AUC(50, curve, method), (TRUE[:150], PRED[:150]), (TRUE[150:], PRED[150:]))
        for curve in ("ROC", "PRGAIN")
        for method in ("minoring", "interpolation", "majoring")
    ]
    assert areas[0] < areas[1] < areas[2]
    assert areas[3] < areas[4] < areas[5]


def test_precision_recall_curve():
    recall, precision, _ = rates(count=400)
    area = np.sum((recall[:-1] - recall[1:]) * (precision[:-1] + precision[1:]) / 2)
    assert value(metrics.AUC(400, "PR"), (TRUE, PRED)) == pytest.approx(area, abs=5e-3)


def test_columns_are_averaged_by_their_weights():
    true = np.stack([TRUE, 1 - TRUE], axis=1)
    pred = np.stack([PRED, PRED], axis=1)
    first = value(metrics.AUC(), (TRUE, PRED))
    second = value(metrics.AUC(), (1 - TRUE, PRED))
    for weights, expected in ((None, (first + second) / 2), ([3, 1], (3 * first + second) / 4)):
        metric = metrics.AUC(multi_label=True, label_weights=weights)
        assert value(metric, (true, pred)) == pytest.approx(expected, rel=1e-5)


def test_logits_and_own_thresholds():
    logits = np.log(PRED / (1 - PRED))
    own = metrics.AUC(thresholds=list(np.linspace(0, 1, 200)[1:-1]))
    for metric, pred in ((metrics.AUC(from_logits=True), logits), (own, PRED)):
        assert value(metric, (TRUE, pred)) == pytest.approx(
            value(metrics.AUC(), (TRUE, PRED)), abs=1e-4
        )


@pytest.mark.parametrize(
    ("name", "wanted", "bound"),
    [
        ("SensitivityAtSpecificity", 0, 2),
        ("SpecificityAtSensitivity", 2, 0),
        ("PrecisionAtRecall", 1, 0),
        ("RecallAtPrecision", 0, 1),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_best_rate_under_another(name, wanted, bound, weighted):
    weight = RNG.uniform(0.5, 2, 300).astype(np.float32) if weighted else None
    found = rates(count=50, weight=weight)
    # The last threshold chooses nothing.
    expected = found[wanted][found[bound] >= 0.7].max(initial=0)
    metric = metrics.CLASSES[name](0.7, num_thresholds=50)
    assert value(metric, (TRUE, PRED), sample_weight=weight) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["SensitivityAtSpecificity", "PrecisionAtRecall"])
def test_one_class_of_several(name):
    true = np.stack([TRUE, 1 - TRUE], axis=1)
    pred = np.stack([PRED, 1 - PRED], axis=1)
    metric = metrics.CLASSES[name](0.6, class_id=1)
    assert value(metric, (true, pred)) == pytest.approx(
        value(metrics.CLASSES[name](0.6), (1 - TRUE, 1 - PRED))
    )


LABELS = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]])
GUESSES = np.array([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("average", "expected"),
    [
        (None, [0.5, 0.8, 2 / 3]),
        ("macro", (0.5 + 0.8 + 2 / 3) / 3),
        ("micro", 2 / 3),
        ("weighted", (3 * 0.5 + 2 * 0.8 + 2 / 3) / 6),
    ],
)
def test_f1(average, expected):
    found = value(metrics.F1Score(average, 0.5), (LABELS, GUESSES))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    found = value(metrics.FBetaScore(average, 1.0, 0.5), (LABELS, GUESSES))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_f_score_of_the_largest_prediction_per_step_and_its_mask():
    true = np.eye(3)[[[0, 1], [2, 2]]]
    pred = Tensor(np.array([[[0.9, 0, 0], [0, 0.8, 0.1]], [[0.7, 0, 0.1], [0, 0, 1]]], np.float32))
    metric = metrics.F1Score("micro")
    assert value(metric, (true, pred)) == pytest.approx(0.75)
    metric.reset_state()
    pred._keras_mask = np.array([[True, True], [False, True]])
    assert value(metric, (true, pred)) == pytest.approx(1.0)


def test_beta_weighs_recall():
    precision, recall = 1.0, 1 / 3
    expected = 5 * precision * recall / (4 * precision + recall)
    found = value(metrics.FBetaScore(None, 2.0, 0.5), (LABELS[:, :1], GUESSES[:, :1]))
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_r_squared():
    true, pred = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
    scores = 1 - ((true - pred) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)
    batches = [(true[:25], pred[:25]), (true[25:], pred[25:])]
    np.testing.assert_allclose(value(metrics.R2Score(None), *batches), scores, rtol=1e-4)
    assert value(metrics.R2Score(), *batches) == pytest.approx(scores.mean(), rel=1e-4)
    share = true.var(0) / true.var(0).sum()
    weighted = value(metrics.R2Score("variance_weighted_average"), *batches)
    assert weighted == pytest.approx((share * scores).sum(), rel=1e-4)
    adjusted = 1 - (1 - scores.mean()) * 79 / (80 - 3 - 1)
    assert value(metrics.R2Score(num_regressors=3), *batches) == pytest.approx(adjusted, rel=1e-4)
    with pytest.warns(UserWarning, match="num_regressors must be below 79"):
        value(metrics.R2Score(num_regressors=79), *batches)


def test_correlations():
    true, pred = RNG.normal(size=(4, 9)), RNG.normal(size=(4, 9))
    rows = [np.corrcoef(a, b)[0, 1] for a, b in zip(true, pred, strict=True)]
    found = metrics.pearson_correlation(true, pred).numpy()
    np.testing.assert_allclose(found, rows, rtol=1e-4)
    assert value(metrics.PearsonCorrelation(), (true, pred)) == pytest.approx(np.mean(rows), 1e-4)
    agree = [
        2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        for a, b in zip(true, pred, strict=True)
    ]
    found = metrics.concordance_correlation(true, pred).numpy()
    np.testing.assert_allclose(found, agree, rtol=1e-4)
    assert value(metrics.ConcordanceCorrelation(), (true, true)) == pytest.approx(1.0, rel=1e-5)


def test_nan_predictions_exceed_no_threshold():
    metric = metrics.FalsePositives(thresholds=[0.1, 0.9])
    np.testing.assert_array_equal(value(metric, ([0, 0], [np.nan, 0.5])), [1, 0])


def test_thresholds_may_come_in_any_order():
    metric = metrics.TruePositives(thresholds=[0.8, 0.2])
    np.testing.assert_array_equal(value(metric, ([1, 1], [0.5, 0.9])), [1, 2])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: metrics.AUC(curve="XYZ"), "curve must be one of .*, not 'XYZ'"),
        (lambda: metrics.AUC(summation_method="x"), "summation_method must be one of"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be an integer > 1, not 1"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), r"thresholds must be in \[0, 1\]"),
        (lambda: metrics.AUC(num_labels=3), "num_labels must be None without multi_label"),
        (lambda: metrics.PrecisionAtRecall(1.5), r"recall must be in \[0, 1\], not 1.5"),
        (lambda: metrics.RecallAtPrecision(0.5, 0), "num_thresholds must be an integer > 0"),
        (lambda: metrics.F1Score("all"), "average must be one of"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta must be a float > 0, not 0.0"),
        (lambda: metrics.F1Score(threshold=2.0), r"threshold must be in \(0, 1\], not 2.0"),
        (lambda: metrics.R2Score("mean"), "class_aggregation must be one of"),
        (lambda: value(metrics.R2Score(), ([1.0], [1.0])), "must have one shape"),
        (lambda: value(metrics.F1Score(), ([[1.0]], [[1.0, 0.0]])), "must have one shape"),
        (lambda: value(metrics.AUC(), ([1.0, 0.0], [1.0])), "y_true must have the shape of y_pred"),
    ],
)
def test_bad_arguments(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_metrics_of_images_say_that_they_are_not_here():
    with pytest.raises(AttributeError, match=r"MeanIoU.*compares segments of images"):
        _ = metrics.MeanIoU
