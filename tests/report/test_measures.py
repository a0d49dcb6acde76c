"""Scores, baselines, calibration and importance: against scikit-learn, and on planted cases."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest
from sklearn import metrics

import chainrule as cr
from chainrule.report.material import Material, Rows, Target
from chainrule.report.measures.baselines import baselines
from chainrule.report.measures.calibration import calibration
from chainrule.report.measures.importance import importance
from chainrule.report.measures.judgement import judgement
from chainrule.report.measures.scores import paired, row_losses, scores


@pytest.fixture
def said():
    """True classes, and probabilities that lean towards them."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 200)
    raw = rng.random((200, 4)) + 0.8 * np.eye(4)[y]
    return y, raw / raw.sum(axis=1, keepdims=True)


def test_scores_of_classes_are_scikit_learns(said):
    y, p = said
    found = scores(y, p, True)
    assert list(found.estimates) == ["accuracy", "log loss"]
    assert found.chief.value == pytest.approx(metrics.accuracy_score(y, p.argmax(1)))
    assert found.estimates["log loss"].value == pytest.approx(metrics.log_loss(y, p))
    for estimate in found.estimates.values():
        assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize("outputs", [1, 3])
def test_scores_of_numbers_are_scikit_learns(outputs):
    rng = np.random.default_rng(outputs)
    y = rng.normal(size=(80, outputs)) * [1, 20, 300][:outputs]
    f = y + rng.normal(size=y.shape)
    found = scores(y, f, False)
    wanted = {
        "R²": metrics.r2_score(y, f),
        "RMSE": np.sqrt(metrics.mean_squared_error(y, f)),
        "mean absolute error": metrics.mean_absolute_error(y, f),
    }
    assert {name: e.value for name, e in found.estimates.items()} == pytest.approx(wanted)
    for estimate in found.estimates.values():
        assert estimate.low < estimate.value < estimate.high


@pytest.mark.parametrize("miss", [0.0, 1.0])
def test_a_target_that_never_changes_has_the_r2_of_metrics(miss):
    y, f = np.full((5, 1), 0.1), np.full((5, 1), 0.1 + miss)
    found = scores(y, f, False).chief
    assert (found.value, found.low, found.high) == (1 - miss,) * 3
    assert found.value == cr.nn.metrics.r2(f, y)


def test_huge_numbers_have_scores():
    y = np.random.default_rng(0).normal(size=(50, 1)) * 1e200
    found = scores(y, y * 1.1, False)
    assert found.chief.value == pytest.approx(scores(y / 1e200, y * 1.1 / 1e200, False).chief.value)
    assert np.isfinite(found.estimates["RMSE"].high)


def test_a_certain_mistake_is_dear_and_not_infinite():
    p = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert row_losses(np.array([0, 1]), p, True) == pytest.approx([0.0, 15 * np.log(10)])


def test_pairs_count_what_one_alone_gets_right():
    y = np.array([0, 0, 1, 1, 1])
    first, second = np.eye(2)[[0, 1, 0, 0, 1]], np.eye(2)[[0, 0, 1, 1, 0]]
    pair = paired(y, first, second, True)
    assert (pair.first_alone, pair.second_alone) == (1, 3)
    assert pair.gain == pytest.approx(0.4)
    assert pair.p == pytest.approx(0.625)
    numbers = np.arange(30.0)[:, None]
    worse = numbers + np.random.default_rng(0).normal(0, 9, (30, 1))
    pair = paired(numbers, worse, numbers + 0.1, False)
    assert pair.gain > 0
    assert pair.p < 0.001


def learner(kind="classes", features=3, **options):
    """Material of a network by hand: the first feature decides, the second helps, others do not."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, features)).astype(np.float32)
    weights = [6.0, 2.0, *[0.0] * (features - 2)]
    if kind == "classes":
        net = cr.Sequential(cr.Dense(1, "sigmoid")).build(features)
        net.parameters["W1"][:, 0] = weights
        target = Target(("no", "yes"))
        y = (X @ weights + rng.logistic(size=400) > 0).astype(int)
    else:
        net = cr.Sequential(cr.Dense(1)).build(features)
        net.parameters["W1"][:, 0] = weights
        target = Target(unit="€", mean=100.0, std=10.0)
        y = target.decoded(X @ net.parameters["W1"]) + rng.normal(size=(400, 1))
    outputs = target.decoded(net.predict(X[200:]))
    made = Material("t", net, target, y[200:], outputs, X[200:], training=Rows(X[:200], y[:200]))
    return dataclasses.replace(made, **options)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_importance_finds_what_decides(kind):
    found = importance(learner(kind, feature_names=("first", "second", "noise")))
    assert found.names == ("first", "second", "noise")
    assert (found.rows, found.repeats) == (200, 10)
    assert found.rise[0] > 2 * found.rise[1] > 0
    assert found.rise[1] > 3 * found.spread[1] > 0
    assert found.rise[2] == found.spread[2] == 0


def test_importance_of_numbers_is_what_theory_says():
    """Shuffling a column of variance v with weight w adds 2 v w² to the squared error."""
    material = learner("numbers")
    found = importance(material)
    variances = material.X[:, :2].var(axis=0)
    wanted = np.sqrt(1 + 2 * variances * np.array([60.0, 20.0]) ** 2) - 1
    np.testing.assert_allclose(found.rise[:2], wanted, rtol=0.05)


def test_features_of_one_column_are_moved_together():
    """Two features that hold the same are each worth little alone and all together."""
    material = learner("classes")
    X = material.X.copy()
    X[:, 1] = X[:, 0]
    material.net.parameters["W1"][:, 0] = [3.0, 3.0, 0.0]
    material = dataclasses.replace(material, X=X, outputs=material.predict(X))
    alone = importance(material)
    together = importance(dataclasses.replace(material, columns={"a": [0, 1], "b": [2]}))
    assert together.names == ("a", "b")
    assert together.rise[0] > 1.5 * alone.rise[:2].max()


def test_importance_leaves_the_data_as_they_are():
    material = learner()
    before = material.X.copy()
    importance(material)
    assert np.array_equal(material.X, before)


def test_large_pictures_are_shuffled_in_patches():
    rng = np.random.default_rng(0)
    net = cr.Sequential(cr.Dense(2, "softmax")).build(28 * 20)
    X, y = rng.random((50, 560)), rng.integers(0, 2, 50)
    target = Target(("a", "b"))
    material = Material("t", net, target, y, net.predict(X), X, image_shape=(28, 20))
    found = importance(material)
    assert found.grid == (7, 5)
    assert len(found.names) == 35
    small = importance(dataclasses.replace(material, image_shape=None, columns={"all": range(560)}))
    assert small.grid is None


def test_far_too_many_columns_are_not_measured():
    net = cr.Sequential(cr.Dense(1)).build(1001)
    X = np.zeros((3, 1001))
    y = np.zeros((3, 1))
    assert importance(Material("t", net, Target(), y, y, X)) is None
    assert importance(Material("t", net, Target(), y, y, None)) is None


def test_baselines_learn_from_the_training_rows_alone():
    material = learner()
    found, remarks = baselines(material)
    assert [baseline.name for baseline in found][1:] == ["logistic regression"]
    assert remarks == []
    shares = np.bincount(material.training.y) / 200
    np.testing.assert_allclose(found[0].outputs, np.tile(shares, (200, 1)))
    # The truth is linear here, so that the network, which is the truth, is hardly better.
    judged = judgement(material)
    assert judged.rows[1].pair.p < 0.001 < 0.05 < judged.rows[2].pair.p
    numbers, _ = baselines(learner("numbers"))
    assert [baseline.name for baseline in numbers] == ["always the mean", "linear regression"]
    line = scores(learner("numbers").y, numbers[1].outputs, False)
    assert line.estimates["RMSE"].value == pytest.approx(1.0, abs=0.1)


def test_a_class_that_training_lacks_gets_no_probability():
    material = learner()
    third = dataclasses.replace(material, target=Target(("no", "yes", "never")))
    found, _ = baselines(third)
    assert found[1].outputs.shape == (200, 3)
    assert found[1].outputs[:, 2].max() == 0


def test_without_training_rows_there_is_the_constant_and_a_remark():
    found, remarks = baselines(dataclasses.replace(learner(), training=None))
    assert len(found) == 1
    assert "were not given" in remarks[0]


def test_very_many_rows_are_learnt_from_in_part(monkeypatch):
    monkeypatch.setattr("chainrule.report.measures.baselines.MOST_NUMBERS", 30)
    many = learner()
    rows = many.training
    many = dataclasses.replace(many, training=Rows(np.tile(rows.X, (10, 1)), np.tile(rows.y, 10)))
    assert baselines(many)[0][1].remark == "learnt from 1,000 of the 2,000 training rows"


def test_a_missing_scikit_learn_is_a_remark(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    found, remarks = baselines(learner())
    assert len(found) == 1
    assert "pip install 'chainrule[data]'" in remarks[0]


def test_calibration_by_hand():
    """Four rows at 0.9, three of which come true, and four at 0.1, none of which does."""
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    p = np.array([0.9] * 4 + [0.1] * 4)
    found = calibration(y, np.stack([1 - p, p], axis=1))
    assert [(b.begin, b.rows, b.share.value) for b in found.bins] == [(0.1, 4, 0.0), (0.9, 4, 0.75)]
    assert found.error == pytest.approx(0.5 * 0.15 + 0.5 * 0.1)
    assert found.brier == pytest.approx(2 * metrics.brier_score_loss(y, p))


def test_right_probabilities_pass_and_boastful_ones_do_not():
    rng = np.random.default_rng(8)
    p = rng.dirichlet([1, 1, 1], 2000)
    y = np.array([rng.choice(3, p=row) for row in p])
    honest = calibration(y, p)
    assert honest.error <= honest.by_chance[1]
    loud = p**4 / (p**4).sum(axis=1, keepdims=True)
    boastful = calibration(y, loud)
    assert boastful.error > 3 * boastful.by_chance[1]
