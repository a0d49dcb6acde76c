"""Going on with a network: what may change from one fit to the next, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.errors import DataError, OptionError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (4,), "max_iter": 6, "random_state": 0, "warm_start": True,
}  # fmt: skip
WAS = "Dense(units=4, activation='relu'), Dense(units=3, activation='softmax')"


def _again(net: Any, how: str, y: Any = Y) -> Any:
    return net.fit(X, y) if how == "fit" else net.partial_fit(X, y)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("changed", "now"),
    [
        ({"hidden_layer_sizes": (5,)}, "Dense(units=5, activation='relu')"),
        ({"hidden_layer_sizes": (4, 4)}, "Dense(units=4, activation='relu'), Dense(units=4"),
        ({"activation": "tanh"}, "Dense(units=4, activation='tanh')"),
        ({"dropout": 0.5}, "Dense(units=4, activation='relu'), Dropout(rate=0.5), Dense(units=3"),
        ({"layers": [cr.Dense(2)]}, "Dense(units=2, activation=None)"),
    ],
)
def test_another_network_is_refused(changed: dict[str, Any], now: str, how: str) -> None:
    net = cr.NetworkClassifier(**QUICK).fit(X, Y)
    before = net.predict_proba(X)
    message = f"there is: {WAS}. The parameters now say: {now}"
    with pytest.raises(OptionError, match=re.escape(message)) as refused:
        _again(net.set_params(**changed), how)
    assert str(refused.value).endswith("for another network, fit with warm_start=False.")
    np.testing.assert_array_equal(net.predict_proba(X), before)
    net.set_params(warm_start=False).fit(X, Y)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_the_same_network_in_other_words_is_not(how: str) -> None:
    net = cr.NetworkClassifier(**QUICK | {"activation": "logistic"}).fit(X, Y)
    same = {"hidden_layer_sizes": 4, "activation": "sigmoid", "alpha": 1.0, "solver": "sgd"}
    assert np.isfinite(_again(net.set_params(**same), how).loss_)
    net.set_params(hidden_layer_sizes=9, layers=[cr.Dense(4, "sigmoid", weight_init="zeros")])
    assert np.isfinite(_again(net, how).loss_)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_a_loss_that_needs_another_output_is_refused(how: str) -> None:
    net = cr.NetworkRegressor(**QUICK).fit(X, X[:, 0])
    with pytest.raises(OptionError, match=r"now say: .*Dense\(units=1, activation='exp'\)"):
        _again(net.set_params(loss="poisson"), how, X[:, 0])


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_an_ensemble_may_grow(how: str) -> None:
    net = cr.NetworkClassifier(ensemble=2, **QUICK).fit(X, Y)
    nets = net.nets_
    _again(net.set_params(ensemble=3), how)
    assert len(net.nets_) == 3
    assert net.nets_[:2] == nets
    epochs = 6 if how == "fit" else 1
    assert [len(m.record.losses) for m in net._members] == [6 + epochs, 6 + epochs, epochs]
    told = r"goes on with the 3 networks that there are, and ensemble=1 is fewer\. Give ensemble=3"
    with pytest.raises(OptionError, match=told):
        _again(net.set_params(ensemble=1), how)


@pytest.mark.parametrize("how", ["fit", "partial_fit"])
def test_another_form_of_targets_is_refused(how: str) -> None:
    net = cr.NetworkRegressor(**QUICK).fit(X, X[:, 0])
    told = "goes on with a network for 1 number a row, and y now has 2. Fit with"
    with pytest.raises(DataError, match=told):
        _again(net, how, X[:, :2])
    labels = np.eye(3, dtype=int)[Y]
    one, several = cr.NetworkClassifier(**QUICK).fit(X, Y), cr.NetworkClassifier(**QUICK)
    for y in (labels, sparse.csr_matrix(labels)):
        with pytest.raises(DataError, match=r"shape \(150, 3\), and .* were one class a row, of"):
            _again(one, how, y)
    several.fit(X, labels)
    with pytest.raises(DataError, match=r"shape \(150,\), and .* were 3 columns of 0 and 1"):
        _again(several, how, Y)
