"""NetworkClassifier: labels of every kind, weights of rows and classes, losses, where it begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, make_classification, make_multilabel_classification
from sklearn.utils.class_weight import compute_class_weight

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = (IRIS - IRIS.mean(axis=0)) / IRIS.std(axis=0)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
RARE_X, RARE = make_classification(
    400, 6, n_informative=4, weights=[0.9], class_sep=0.5, flip_y=0, random_state=1
)
QUICK: dict[str, Any] = {"random_state": 0, "learning_rate_init": 0.02, "max_iter": 60}


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (SPECIES, np.integer),
        (NAMES, np.str_),
        (NAMES == "setosa", np.bool_),
        (np.where(NAMES == "virginica", 1.0, -1.0), np.floating),
        (np.where(NAMES == "setosa", "yes", "no").astype(object), str),
    ],
)
def test_labels_come_back_as_they_were(labels: Any, kind: type) -> None:
    net = cr.NetworkClassifier(**QUICK).fit(IRIS, labels)
    predicted = net.predict(IRIS)
    assert isinstance(predicted[0], kind)
    assert list(net.classes_) == sorted(set(labels))
    assert net.score(IRIS, labels) > 0.95
    shares = net.predict_proba(IRIS)
    assert shares.shape == (150, len(net.classes_))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(net.classes_[shares.argmax(axis=1)], predicted)
    np.testing.assert_allclose(net.predict_log_proba(IRIS), np.log(shares))


@pytest.mark.parametrize("as_sparse", [False, True])
def test_several_labels_a_row(as_sparse: bool) -> None:
    X, Y = make_multilabel_classification(200, 8, n_classes=4, random_state=2)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    net = cr.NetworkClassifier(**QUICK).fit(X, sparse.csr_matrix(Y) if as_sparse else Y)
    predicted = net.predict(X)
    assert sparse.issparse(predicted) == as_sparse
    dense = predicted.toarray() if as_sparse else predicted
    assert (dense == Y).mean() > 0.9
    np.testing.assert_array_equal(dense, net.predict_proba(X) > 0.5)
    assert net.out_activation_ == "logistic"
    assert net.n_outputs_ == 4


def test_one_class_alone_is_its_answer() -> None:
    net = cr.NetworkClassifier(**QUICK).fit(IRIS, np.full(150, "all"))
    assert set(net.predict(IRIS)) == {"all"}
    np.testing.assert_array_equal(net.predict_proba(IRIS), np.ones((150, 1)))


def whole(**options: Any) -> cr.NetworkClassifier:
    """One whose steps take all rows, so that fits with other rows can be compared."""
    return cr.NetworkClassifier(
        (5,), random_state=0, max_iter=15, batch_size=options.pop("rows"), **options
    )


def test_a_weight_counts_as_so_many_rows() -> None:
    weight = np.random.default_rng(0).integers(0, 4, size=150)
    weighted = whole(rows=150).fit(IRIS, SPECIES, sample_weight=weight)
    repeated = whole(rows=weight.sum()).fit(
        np.repeat(IRIS, weight, axis=0), np.repeat(SPECIES, weight)
    )
    for mine, other in zip(weighted.coefs_, repeated.coefs_, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9)
    plain = whole(rows=150).fit(IRIS, SPECIES)
    assert np.abs(weighted.coefs_[0] - plain.coefs_[0]).max() > 1e-4


@pytest.mark.parametrize("given", ["balanced", {0: 0.5, 1: 4.0}])
def test_class_weights_are_weights_of_rows(given: Any) -> None:
    table = given
    if given == "balanced":
        found = compute_class_weight("balanced", classes=np.array([0, 1]), y=RARE)
        table = dict(enumerate(found))
    own = np.random.default_rng(0).uniform(0.5, 2, size=400)
    by_class = whole(rows=400, class_weight=given).fit(RARE_X, RARE, sample_weight=own)
    by_row = whole(rows=400).fit(
        RARE_X, RARE, sample_weight=own * np.array([table[k] for k in RARE])
    )
    np.testing.assert_allclose(by_class.coefs_[0], by_row.coefs_[0], rtol=1e-9)


def test_balance_finds_more_of_the_rare_class() -> None:
    found = [
        (cr.NetworkClassifier(class_weight=w, **QUICK | {"max_iter": 15}).fit(RARE_X, RARE))
        .predict(RARE_X)[RARE == 1]
        .mean()
        for w in (None, "balanced")
    ]
    assert found[1] > found[0] + 0.1


def test_class_weights_step_by_step() -> None:
    net = cr.NetworkClassifier(class_weight={0: 1, 1: 5, 2: 1}, random_state=0)
    plain = cr.NetworkClassifier(random_state=0)
    for one in (net, plain):
        for _ in range(5):
            one.partial_fit(IRIS, SPECIES, classes=[0, 1, 2])
    share = [one.predict_proba(IRIS)[:, 1].mean() for one in (net, plain)]
    assert share[0] > share[1] + 0.02


def test_training_begins_at_the_shares_of_the_classes() -> None:
    """What the output's biases have over scikit-learn's draw is the log of the shares."""
    labels = np.repeat([0, 1, 2], [20, 30, 100])
    net = cr.NetworkClassifier((4,), random_state=7, max_iter=1, learning_rate_init=1e-12)
    random = np.random.RandomState(7)
    for inputs, units in ((4, 4), (4, 3)):
        bound = (6 / (inputs + units)) ** 0.5
        random.uniform(-bound, bound, (inputs, units))
        drawn = random.uniform(-bound, bound, units)
    over = net.fit(IRIS, labels).intercepts_[-1] - drawn
    expected = np.log((np.array([20, 30, 100]) + 1) / 153)
    np.testing.assert_allclose(over - over.mean(), expected - expected.mean(), atol=1e-9)


def test_a_piece_without_a_class_says_nothing_of_shares() -> None:
    some = SPECIES < 2
    first = cr.NetworkClassifier(random_state=0, learning_rate_init=1e-12)
    first.partial_fit(IRIS[some], SPECIES[some], classes=[0, 1, 2])
    all_three = cr.NetworkClassifier(random_state=0, learning_rate_init=1e-12)
    all_three.partial_fit(IRIS, SPECIES, classes=[0, 1, 2])
    np.testing.assert_allclose(first.intercepts_[1], all_three.intercepts_[1], atol=1e-9)


def quartic(p: Any, t: Any) -> Any:
    return cr.mean((p - t) ** 4)


@pytest.mark.parametrize("loss", ["mean_squared_error", "huber", quartic])
def test_other_losses(loss: Any) -> None:
    net = cr.NetworkClassifier(loss=loss, **QUICK).fit(IRIS, NAMES)
    assert net.score(IRIS, NAMES) > 0.9
    plain = cr.NetworkClassifier(**QUICK).fit(IRIS, NAMES)
    assert net.loss_ != pytest.approx(plain.loss_, rel=0.01)
