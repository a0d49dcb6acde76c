"""The estimators among scikit-learn's tools: pipelines, searches, tables, files, processes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TABLE, SPECIES = load_iris(return_X_y=True, as_frame=True)
X, Y = TABLE.to_numpy(), SPECIES.to_numpy()
DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
QUICK: dict[str, Any] = {"random_state": 0, "learning_rate_init": 0.02, "max_iter": 30}


def scaled(**options: Any) -> Pipeline:
    return make_pipeline(StandardScaler(), cr.NetworkClassifier(**QUICK | options))


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_search_beside_itself_finds_what_it_finds_alone(backend: str) -> None:
    """loky is joblib's processes; whatever stands behind joblib, such as Dask, works likewise."""
    grid = {
        "networkclassifier__hidden_layer_sizes": [(4,), (8,)],
        "networkclassifier__alpha": [1e-4, 1.0],
    }
    search = GridSearchCV(scaled(max_iter=10), grid, cv=2)
    alone = search.fit(X, Y).cv_results_["mean_test_score"]
    with joblib.parallel_backend(backend, n_jobs=2):
        beside = clone(search).fit(X, Y)
    np.testing.assert_array_equal(beside.cv_results_["mean_test_score"], alone)
    assert beside.best_params_ == search.best_params_
    assert beside.predict(X).shape == (150,)


def test_cross_validation_of_both() -> None:
    assert cross_val_score(scaled(), X, Y, cv=3).mean() > 0.9
    pipe = make_pipeline(StandardScaler(), cr.NetworkRegressor(**QUICK))
    assert cross_val_score(pipe, DIABETES, PROGRESSION, cv=3).mean() > 0.4
    shares = cross_val_predict(scaled(), X, Y, cv=3, method="predict_proba")
    assert shares.shape == (150, 3)


def test_curves_and_importances() -> None:
    _, train, test = learning_curve(scaled(max_iter=5), X, Y, cv=2, train_sizes=[0.5, 1.0])
    assert train.shape == test.shape == (2, 2)
    by_alpha = validation_curve(
        scaled(), X, Y, param_name="networkclassifier__alpha", param_range=[1e-4, 1e3], cv=2
    )
    assert by_alpha[1][0].mean() > by_alpha[1][1].mean(), "too great a penalty"
    found = permutation_importance(scaled().fit(X, Y), X, Y, n_repeats=2, random_state=0)
    assert found.importances_mean[2:].min() > found.importances_mean[:2].max()


def test_in_other_ensembles() -> None:
    pair = [("net", scaled(max_iter=10)), ("line", LogisticRegression())]
    assert VotingClassifier(pair, voting="soft").fit(X, Y).score(X, Y) > 0.8
    assert StackingClassifier(pair, cv=2).fit(X, Y).score(X, Y) > 0.8


def test_weights_pass_through_a_pipeline() -> None:
    weight = np.where(Y == 1, 0.0, 1.0)
    found = scaled().fit(X, Y, networkclassifier__sample_weight=weight).predict(X)
    assert (found == 1).mean() < 0.1


def test_clone_and_set_params() -> None:
    layers = [cr.Dense(5, "tanh")]
    net = cr.NetworkClassifier(layers=layers, optimizer=cr.Adam(0.02), **QUICK)
    copy = clone(net.fit(X, Y))
    assert not hasattr(copy, "coefs_")
    assert copy.get_params()["optimizer"] == cr.Adam(0.02)
    np.testing.assert_array_equal(copy.fit(X, Y).coefs_[0], net.coefs_[0])
    assert net.set_params(alpha=3.0).alpha == 3.0


def test_tables_with_names() -> None:
    net = cr.NetworkClassifier(**QUICK).fit(TABLE, SPECIES)
    assert list(net.feature_names_in_) == list(TABLE.columns)
    np.testing.assert_array_equal(
        net.predict(TABLE), cr.NetworkClassifier(**QUICK).fit(X, Y).predict(X)
    )
    with pytest.raises(ValueError, match="feature names should match"):
        net.predict(TABLE.rename(columns={"sepal width (cm)": "width"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        net.predict(X)
    several = cr.NetworkRegressor(**QUICK).fit(TABLE.iloc[:, :2], TABLE.iloc[:, 2:])
    assert several.predict(TABLE.iloc[:, :2]).shape == (150, 2)


def test_hidden_features_as_a_table() -> None:
    pipe = scaled(hidden_layer_sizes=(3,)).set_output(transform="pandas").fit(TABLE, SPECIES)
    features = pipe.transform(TABLE)
    assert isinstance(features, pd.DataFrame)
    assert list(features.columns) == [f"networkclassifier{i}" for i in range(3)]
    assert list(features.columns) == list(pipe.get_feature_names_out())
    before = make_pipeline(pipe, LogisticRegression()).fit(TABLE, SPECIES)
    assert before.score(TABLE, SPECIES) > 0.8


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_sparse_rows_are_the_same_rows(form: Any) -> None:
    thin = np.where(X > 3, X, 0)
    dense = cr.NetworkClassifier(**QUICK).fit(thin, Y)
    net = cr.NetworkClassifier(**QUICK).fit(form(thin), Y)
    np.testing.assert_array_equal(net.coefs_[0], dense.coefs_[0])
    np.testing.assert_allclose(net.predict_proba(form(thin)), dense.predict_proba(thin), rtol=1e-12)
    np.testing.assert_allclose(net.transform(form(thin)), dense.transform(thin), rtol=1e-12)
    step = cr.NetworkClassifier(**QUICK).partial_fit(form(thin), Y, classes=[0, 1, 2])
    assert step.predict(form(thin)).shape == (150,)


def test_many_sparse_rows_are_taken_some_at_a_time() -> None:
    net = cr.NetworkClassifier(**QUICK).fit(X, Y)
    many = np.tile(X, (60, 1))
    np.testing.assert_allclose(
        net.predict_proba(sparse.csr_matrix(many)), net.predict_proba(many), rtol=1e-12
    )


@pytest.mark.parametrize("kind", [cr.NetworkClassifier, cr.NetworkRegressor])
@pytest.mark.parametrize("by", ["pickle", "joblib"])
def test_files(kind: Any, by: str, tmp_path: Path) -> None:
    """What comes back predicts the same, and goes on in the same way."""
    net = kind(ensemble=2, **QUICK).fit(X, Y)
    net.partial_fit(X, Y)
    if by == "pickle":
        copy = pickle.loads(pickle.dumps(net))
    else:
        joblib.dump(net, tmp_path / "net.joblib")
        copy = joblib.load(tmp_path / "net.joblib")
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    assert copy.loss_curve_ == net.loss_curve_
    for one in (copy, net):
        one.set_params(batch_size=20)
        one.partial_fit(X, Y)
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(copy.coefs_[0], net.coefs_[0])


def test_the_page_of_a_notebook() -> None:
    net = cr.NetworkClassifier((8,), alpha=0.5)
    page = net._repr_html_()
    assert "NetworkClassifier" in page
    assert "hidden_layer_sizes" in page
    assert "fitted" in net.fit(X, Y)._repr_html_()
    assert repr(net) == "NetworkClassifier(alpha=0.5, hidden_layer_sizes=(8,))"


def test_the_network_inside_is_one_of_ours(tmp_path: Path) -> None:
    net = cr.NetworkClassifier(**QUICK).fit(X, Y)
    net.nets_[0].save(tmp_path / "iris.safetensors")
    loaded = cr.load(tmp_path / "iris.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), net.predict_proba(X))


def test_what_is_read_only_is_read() -> None:
    rows, labels = X.copy(), Y.copy()
    rows.flags.writeable = labels.flags.writeable = False
    assert cr.NetworkClassifier(**QUICK).fit(rows, labels).score(rows, labels) > 0.9
