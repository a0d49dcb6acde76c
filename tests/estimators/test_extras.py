"""What the estimators have beyond scikit-learn's networks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
QUICK: dict[str, Any] = {"random_state": 0, "learning_rate_init": 0.02, "max_iter": 30}
LINE = X[:, 0] - 2 * X[:, 2]


def test_dropout_stands_behind_each_hidden_layer_and_only_in_training() -> None:
    net = cr.NetworkClassifier((20, 10), dropout=0.3, **QUICK).fit(X, Y)
    kinds = [type(layer).__name__ for layer in net.nets_[0].layers]
    assert kinds == ["Dense", "Dropout", "Dense", "Dropout", "Dense"]
    assert net.nets_[0].layers[1] == cr.Dropout(0.3)
    np.testing.assert_array_equal(net.predict_proba(X), net.predict_proba(X))
    plain = cr.NetworkClassifier((20, 10), **QUICK).fit(X, Y)
    assert net.history_["loss"][-1] > plain.history_["loss"][-1]


def test_layers_as_a_list_get_an_output_layer() -> None:
    hidden = [cr.Dense(6, "tanh"), cr.LayerNorm(), cr.Dense(5, "gelu")]
    net = cr.NetworkClassifier(layers=hidden, **QUICK).fit(X, Y)
    assert [*net.nets_[0].layers[:3]] == hidden
    assert [array.shape for array in net.coefs_] == [(4, 6), (6, 5), (5, 3)]
    assert net.score(X, Y) > 0.9
    again = cr.NetworkClassifier(layers=hidden, **QUICK).fit(X, Y)
    np.testing.assert_array_equal(again.coefs_[0], net.coefs_[0])
    other = cr.NetworkClassifier(layers=hidden, **QUICK | {"random_state": 1}).fit(X, Y)
    assert np.abs(other.coefs_[0] - net.coefs_[0]).max() > 0.01


@pytest.mark.parametrize(("units", "last"), [(1, "sigmoid"), (2, "softmax")])
def test_a_whole_network(units: int, last: str) -> None:
    whole = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(units, last))
    net = cr.NetworkClassifier(layers=whole, **QUICK).fit(X, Y == 0)
    assert not whole.is_built, "the network given stays as it is"
    assert net.predict_proba(X).shape == (150, 2)
    assert net.score(X, Y == 0) == 1.0
    assert net.out_activation_ == {"sigmoid": "logistic"}.get(last, last)
    assert net.coefs_[0].dtype == np.float32, "as the network has it"


def test_a_trained_network_goes_on_in_a_copy() -> None:
    trained = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1), dtype="float64")
    trained.fit(X, LINE, epochs=50)
    before = trained.snapshot()
    net = cr.NetworkRegressor(layers=trained, max_iter=1, learning_rate_init=1e-12).fit(X, LINE)
    np.testing.assert_allclose(net.predict(X), trained.predict(X)[:, 0], rtol=1e-9)
    cr.NetworkRegressor(layers=trained, **QUICK).fit(X, LINE)
    for name, array in trained.snapshot().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad", "adamw", cr.Adam(0.02), cr.LBFGS()])
def test_another_optimizer(optimizer: Any) -> None:
    net = cr.NetworkClassifier(optimizer=optimizer, **QUICK).fit(X, Y)
    assert net.score(X, Y) > 0.9


def test_an_optimizer_by_name_takes_the_rate() -> None:
    named = cr.NetworkClassifier(optimizer="rmsprop", **QUICK).fit(X, Y)
    given = cr.NetworkClassifier(optimizer=cr.RMSProp(0.02), **QUICK | {"learning_rate_init": 9})
    np.testing.assert_array_equal(named.coefs_[0], given.fit(X, Y).coefs_[0])


def test_the_optimizer_given_stays_as_it_is() -> None:
    def halve(training: Any) -> None:
        training.optimizer.learning_rate /= 2

    optimizer = cr.Adam(0.02)
    cr.NetworkClassifier(optimizer=optimizer, callbacks=halve, **QUICK).fit(X, Y)
    assert optimizer == cr.Adam(0.02)


def test_a_schedule_changes_the_rate() -> None:
    net = cr.NetworkClassifier(schedule="cosine", **QUICK).fit(X, Y)
    rates = net.history_["learning_rate"]
    assert rates[0] == pytest.approx(0.02)
    assert (np.diff(rates) < 0).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(X, Y)  # to its planned end, which is no failure to converge
    halved = cr.NetworkClassifier(schedule=lambda epoch, epochs: 0.5, **QUICK).fit(X, Y)
    assert set(halved.history_["learning_rate"]) == {0.01}


def test_callbacks_see_each_epoch_and_may_stop() -> None:
    seen = []

    class Ten(cr.Callback):
        def on_epoch(self, training: Any) -> None:
            seen.append(training.epoch)
            if training.epoch == 10:
                training.stop("ten are enough")

    net = cr.NetworkClassifier(callbacks=[Ten(), lambda training: None], **QUICK).fit(X, Y)
    assert seen == list(range(1, 11))
    assert net.n_iter_ == len(net.loss_curve_) == 10
    assert net.history_.stopped == "ten are enough"


@pytest.mark.parametrize("kind", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_validation_data_give_curves(kind: Any) -> None:
    y = Y if kind is cr.NetworkClassifier else LINE
    rows = np.arange(150) % 3 == 0
    net = kind(**QUICK).fit(X[~rows], y[~rows], validation_data=(X[rows], y[rows]))
    assert len(net.validation_scores_) == len(net.validation_loss_curve_) == net.n_iter_ == 30
    assert net.validation_scores_[-1] == pytest.approx(net.score(X[rows], y[rows]))
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert net.history_["validation_score"] == net.validation_scores_
    assert net.history_["validation_loss"] == net.validation_loss_curve_
    alone = kind(**QUICK).fit(X[~rows], y[~rows])
    np.testing.assert_array_equal(net.coefs_[0], alone.coefs_[0], "they change no weight")
    assert alone.validation_scores_ is None
    assert alone.validation_loss_curve_ is None


def test_validation_rows_have_weights_too() -> None:
    held = (X[100:], Y[100:], np.where(Y[100:] == 2, 1.0, 0.0) * np.r_[1.0, np.zeros(49)])
    net = cr.NetworkClassifier(**QUICK).fit(X, Y, validation_data=held)
    assert set(net.validation_scores_) <= {0.0, 1.0}, "one row counts"


def test_early_stopping_uses_the_validation_data_and_keeps_the_best() -> None:
    random = np.random.default_rng(0)
    noise, labels = random.normal(size=(80, 10)), random.integers(0, 2, 80)
    net = cr.NetworkClassifier(
        early_stopping=True, random_state=0, learning_rate_init=0.05, max_iter=100
    )
    net.fit(noise[:40], labels[:40], validation_data=(noise[40:], labels[40:]))
    assert net.n_iter_ < 100
    assert net.score(noise[40:], labels[40:]) == pytest.approx(net.best_validation_score_)
    assert net.validation_scores_[-1] < net.best_validation_score_
    assert net.best_loss_ is None


XOR_X, XOR = cr.data.gate("xor")
XOR = XOR.ravel()
ONE_TRY: dict[str, Any] = {
    "hidden_layer_sizes": (2,), "activation": "relu", "solver": "lbfgs", "alpha": 0,
}  # fmt: skip


def test_stuck_networks_start_again() -> None:
    once = [cr.NetworkClassifier(random_state=s, **ONE_TRY).fit(XOR_X, XOR) for s in range(12)]
    assert any(net.score(XOR_X, XOR) < 1 for net in once), "else there is nothing to mend"
    tried = [
        cr.NetworkClassifier(random_state=s, n_restarts=12, **ONE_TRY).fit(XOR_X, XOR)
        for s in range(12)
    ]
    assert sum(net.loss_ for net in tried) < sum(net.loss_ for net in once)
    reasons = [reason for net in tried for reason in net.history_.tries]
    assert all(" of 13 got stuck: " in reason for reason in reasons)
    assert any(reasons)


def test_an_ensemble_answers_with_the_mean() -> None:
    net = cr.NetworkClassifier(ensemble=3, **QUICK).fit(X, Y)
    assert len(net.nets_) == 3
    each = [one.predict(X) for one in net.nets_]
    assert np.abs(each[0] - each[1]).max() > 1e-3, "they began elsewhere"
    np.testing.assert_allclose(net.predict_proba(X), np.mean(each, axis=0), rtol=1e-12)
    first = cr.NetworkClassifier(**QUICK).fit(X, Y)
    np.testing.assert_array_equal(net.coefs_[0], first.coefs_[0])


def test_an_ensemble_goes_on() -> None:
    net = cr.NetworkRegressor(ensemble=2, warm_start=True, **QUICK | {"max_iter": 1})
    losses = [net.fit(X, LINE).loss_ for _ in range(5)]
    assert losses[-1] < losses[0]
    before = net.predict(X)
    assert np.abs(net.partial_fit(X, LINE).predict(X) - before).max() > 1e-6
    assert len(net.nets_) == 2


#: How far a sum over three classes may lie from the definition, as ``engine.faster`` has it:
#: 2 n ε Σ|x|, of shares that add up to 1.
SUM_OF_CLASSES = 2 * 3 * float(np.finfo(np.float64).eps)


@pytest.mark.parametrize(("engine", "close"), [("reference", SUM_OF_CLASSES), ("xla", 1e-6)])
def test_engines_agree(engine: str, close: float) -> None:
    words = QUICK | {"max_iter": 3}
    nets = [cr.NetworkClassifier((5,), engine=e, **words).fit(X, Y) for e in ("numpy", engine)]
    shares = [net.predict_proba(X) for net in nets]
    np.testing.assert_allclose(shares[0], shares[1], atol=close, rtol=0)


def test_the_hidden_layer_is_a_transformer() -> None:
    net = cr.NetworkClassifier((7, 4), activation="tanh", **QUICK).fit(X, Y)
    W, b = net.coefs_, net.intercepts_
    expected = np.tanh(np.tanh(X @ W[0] + b[0]) @ W[1] + b[1])
    np.testing.assert_allclose(net.transform(X), expected, rtol=1e-9)
    assert list(net.get_feature_names_out()) == [f"networkclassifier{i}" for i in range(4)]
    both = cr.NetworkClassifier((7, 4), ensemble=2, **QUICK).fit(X, Y)
    assert both.transform(X).shape == (150, 8)
    assert len(both.get_feature_names_out()) == 8
    none = cr.NetworkClassifier((), **QUICK).fit(X, Y)
    np.testing.assert_array_equal(none.transform(X), X)


def test_weights_put_in_by_hand_are_used() -> None:
    net = cr.NetworkRegressor(hidden_layer_sizes=(), **QUICK).fit(X, LINE)
    net.coefs_[0] = np.array([[1.0], [0], [-2], [0]])
    net.intercepts_[0] = np.zeros(1)
    np.testing.assert_allclose(net.predict(X), LINE, rtol=1e-12)
