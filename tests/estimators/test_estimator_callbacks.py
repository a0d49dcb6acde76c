"""Callbacks in the estimators: they train with copies, and whatever was fitted can be stored."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score

import chainrule as cr
from chainrule.estimators.order import RowOrder
from chainrule.train.checkpoint import read_checkpoint

X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (4,), "max_iter": 6, "random_state": 0, "schedule": "cosine",
}  # fmt: skip
KINDS: dict[str, Callable[[Path], cr.Callback]] = {
    "EarlyStopping": lambda folder: cr.EarlyStopping(patience=2),
    "Snapshots": lambda folder: cr.Snapshots(2),
    "Progress": lambda folder: cr.Progress(),
    "Progress to stdout": lambda folder: cr.Progress(stream=sys.stdout),
    "Checkpoint": lambda folder: cr.Checkpoint(folder / "kept"),
    "TensorBoard": lambda folder: cr.TensorBoard(folder / "logs"),
    "MLflow": lambda folder: cr.MLflow(uri=folder / "runs"),
    "Doctor": lambda folder: cr.Doctor(),
}


@pytest.fixture(params=KINDS)
def callback(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cr.Callback:
    for kind, package in {"TensorBoard": "tensorboard", "MLflow": "mlflow"}.items():
        if request.param == kind:
            pytest.importorskip(package, reason=f"{package} is absent")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return KINDS[request.param](tmp_path)


def test_fit_leaves_the_parameters_alone(callback: cr.Callback) -> None:
    net = cr.NetworkClassifier(callbacks=callback, **QUICK)
    before = joblib.hash(net.get_params())
    net.fit(X, Y)
    assert net.callbacks is callback
    assert joblib.hash(net.get_params()) == before
    assert [type(each) for each in net.callbacks_] == [type(callback)]
    assert net.callbacks_[0] is not callback


def test_what_was_fitted_is_copied_and_stored(callback: cr.Callback, tmp_path: Path) -> None:
    net = cr.NetworkRegressor(callbacks=[callback], **QUICK).fit(X, X[:, 0])
    expected = net.predict(X)
    joblib.dump(net, tmp_path / "net.joblib")
    for same in (
        copy.deepcopy(net), pickle.loads(pickle.dumps(net)), joblib.load(tmp_path / "net.joblib"),
    ):  # fmt: skip
        np.testing.assert_array_equal(same.predict(X), expected)
        np.testing.assert_array_equal(same.fit(X, X[:, 0]).predict(X), expected)
    np.testing.assert_array_equal(clone(net).fit(X, X[:, 0]).predict(X), expected)


def test_searches_take_them(callback: cr.Callback) -> None:
    net = cr.NetworkClassifier(callbacks=callback, **QUICK)
    search = GridSearchCV(net, {"alpha": [1e-4, 1.0]}, cv=2, error_score="raise").fit(X, Y)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    scores = cross_val_score(search.best_estimator_, X, Y, cv=2, error_score="raise")
    assert scores.shape == (2,)


def test_fits_side_by_side_do_not_disturb_one_another() -> None:
    stopping, kept = cr.EarlyStopping(patience=3), cr.Snapshots()

    def fitted(seed: int) -> cr.NetworkClassifier:
        settings = QUICK | {"random_state": seed, "max_iter": 40, "learning_rate_init": 0.1}
        return cr.NetworkClassifier(callbacks=[stopping, kept], **settings).fit(X, Y)

    alone = [fitted(seed) for seed in range(4)]
    together = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(fitted)(seed) for seed in range(4)
    )
    for one, other in zip(alone, together, strict=True):
        assert one.loss_curve_ == other.loss_curve_
        np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
        best = one.callbacks_[0].best_epoch
        assert best == other.callbacks_[0].best_epoch == 1 + int(np.argmin(one.loss_curve_))
        assert [epoch for epoch, _ in other.callbacks_[1].taken] == list(range(one.n_iter_ + 1))
    assert kept.taken == []


def test_a_copy_of_progress_writes_to_the_same_stream() -> None:
    stream = StringIO()
    clone(cr.NetworkClassifier(callbacks=cr.Progress(stream=stream), **QUICK)).fit(X, Y)
    assert stream.getvalue().startswith("epoch 6/6  loss ")
    again = pickle.loads(pickle.dumps(cr.Progress(after=2, stream=sys.stdout)))
    assert (again.after, again.stream) == (2, sys.stdout)


def test_every_fold_has_a_record_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is absent")
    net = cr.NetworkClassifier(callbacks=cr.TensorBoard(tmp_path), **QUICK)
    cross_val_score(net, X, Y, cv=3, error_score="raise")
    found = sorted(str(file.parent.relative_to(tmp_path)) for file in tmp_path.rglob("*tfevents*"))
    assert found == [".", "start-2", "start-3"]


@pytest.mark.parametrize("kind", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_a_checkpoint_of_an_estimator_is_whole(kind: Any, tmp_path: Path) -> None:
    settings = QUICK | {"batch_size": 40}
    settings |= {} if kind is cr.NetworkClassifier else {"scale_target": False}
    net = kind(callbacks=cr.Checkpoint(tmp_path), **settings).fit(X, Y)
    content = read_checkpoint(tmp_path)
    assert content["epoch"] == 6
    assert content["history"]["loss"] == pytest.approx(net.loss_curve_)
    theta = content["runner"]["arrays"]["theta"]
    assert sorted(theta) == sorted(
        np.concatenate([a.ravel() for a in net.coefs_ + net.intercepts_])
    )
    # The rows of the epochs to come can be drawn from what it says.
    order = RowOrder(np.random.RandomState(9))
    order.bit_generator.state = content["runner"]["rng"]
    order.__dict__.update(content["runner"]["drawn"])
    longer: list[Any] = []
    kind(
        callbacks=lambda training: longer.append(training.state()["runner"]["drawn"]),
        **settings | {"max_iter": 7, "schedule": lambda epoch, epochs: 1.0},
    ).fit(X, Y)
    np.testing.assert_array_equal(order.permutation(len(X)), longer[6]["_order"])


def test_a_checkpoint_of_an_estimator_is_of_another_training(tmp_path: Path) -> None:
    cr.NetworkRegressor(callbacks=cr.Checkpoint(tmp_path), **QUICK).fit(X, Y)
    net = cr.Sequential(cr.Dense(4, "relu"), cr.Dense(1))
    with pytest.raises(
        cr.errors.OptionError, match="the random generator: MT19937 then, PCG64 now"
    ):
        net.fit(X, Y, epochs=9, seed=0, resume=tmp_path)


def test_every_network_and_every_start_keeps_its_checkpoint(tmp_path: Path) -> None:
    settings = QUICK | {"callbacks": cr.Checkpoint(tmp_path / "run"), "scale_inputs": False}
    net = cr.NetworkClassifier(ensemble=3, **settings).fit(X, Y)
    folders = [tmp_path / "run", tmp_path / "run" / "network-2", tmp_path / "run" / "network-3"]
    for one, folder in zip(net.nets_, folders, strict=True):
        theta = read_checkpoint(folder)["runner"]["arrays"]["theta"]
        np.testing.assert_array_equal(
            theta, np.concatenate([a.ravel() for a in one.parameters.values()])
        )
    assert net.callbacks_[0].exists
    found = [file.parent for file in (tmp_path / "run").rglob("*.safetensors")]
    assert sorted(found) == sorted(folders)


def test_starts_keep_theirs_inside_those_of_their_network(tmp_path: Path) -> None:
    stuck = {"learning_rate_init": 1e-9, "n_restarts": 1, "ensemble": 2}
    net = cr.NetworkClassifier(callbacks=cr.Checkpoint(tmp_path), **QUICK | stuck).fit(X, Y)
    assert len(net.history_.tries) == 2
    found = {file.parent.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.saf*")}
    assert found == {".", "start-2", "network-2", "network-2/start-2"}


def test_other_kinds_of_checkpoints_keep_their_kind(tmp_path: Path) -> None:
    folders: list[str] = []

    class Told(cr.Checkpoint):
        def on_end(self, training: Any) -> None:
            folders.append(self.folder.name)

    cr.NetworkClassifier(ensemble=2, callbacks=Told(tmp_path / "run"), **QUICK).fit(X, Y)
    assert folders == ["run", "network-2"]


def _stops(at: int) -> Callable[[Any], None]:
    """A user who presses Ctrl-C in the epoch ``at``, counted over all networks."""
    seen: list[int] = []

    def press(training: Any) -> None:
        seen.append(training.epoch)
        if len(seen) == at:
            raise KeyboardInterrupt

    return press


def test_one_stop_ends_the_whole_ensemble() -> None:
    net = cr.NetworkClassifier(ensemble=4, callbacks=_stops(8), warm_start=True, **QUICK)
    with pytest.warns(UserWarning, match=r"interrupted by user\. This was network 2 of 4\."):
        net.fit(X, Y)
    assert len(net.nets_) == 2
    np.testing.assert_allclose(
        net.predict_proba(X), np.mean([one.predict(X) for one in net.nets_], axis=0)
    )
    net.set_params(callbacks=()).fit(X, Y)
    assert [len(member.record.losses) for member in net._members] == [12, 8, 6, 6]


def test_a_stop_keeps_the_networks_that_were_there() -> None:
    net = cr.NetworkClassifier(ensemble=3, warm_start=True, **QUICK).fit(X, Y)
    third = net.nets_[2].predict(X)
    with pytest.warns(UserWarning, match="network 1 of 3"):
        net.set_params(callbacks=_stops(1)).fit(X, Y)
    np.testing.assert_array_equal(net.nets_[2].predict(X), third)
