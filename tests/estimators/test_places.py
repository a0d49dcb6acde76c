"""Checkpoints of searches: no fit writes over another's, and each is found again."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.train.checkpoint import read_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}


def network(folder: Path, **words: Any) -> cr.NetworkClassifier:
    return cr.NetworkClassifier(callbacks=[cr.Checkpoint(folder)], **QUICK | words)


def folders(place: Path) -> list[str]:
    found = (file.parent.relative_to(place).as_posix() for file in place.rglob("*.safetensors"))
    return sorted(found, key=lambda name: (len(name), name))


def weights(folder: Path) -> Any:
    return read_checkpoint(folder)["runner"]["arrays"]["theta"]


def flat(net: Any) -> Any:
    return np.concatenate([a.ravel() for a in net.nets_[0].parameters.values()])


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_candidate_keeps_its_checkpoint(jobs: int, tmp_path: Path) -> None:
    net = network(tmp_path / "run", scale_inputs=False)
    search = GridSearchCV(net, {"alpha": [1e-4, 10.0]}, cv=2, n_jobs=jobs, error_score="raise")
    search.fit(X, Y)
    assert folders(tmp_path / "run") == [f"fit-{number}" for number in range(1, 6)]
    best = search.best_estimator_
    place = best.callbacks_[0].folder
    assert place == tmp_path / "run" / "fit-5"
    np.testing.assert_array_equal(weights(place), flat(best))
    # Each says by which parameters it was made.
    told = [(tmp_path / "run" / f"fit-{n}" / "estimator.txt").read_text() for n in range(1, 6)]
    assert sum("alpha=10.0" in text for text in told[:4]) == 2
    assert ("alpha=10.0" in told[4]) == (best.alpha == 10.0)
    assert all(text.startswith("NetworkClassifier(") for text in told)
    # And all are of different trainings: of other rows, or by another alpha.
    assert len({tuple(weights(tmp_path / "run" / f"fit-{n}")) for n in range(1, 6)}) == 5


def test_another_search_leaves_the_first_one_alone(tmp_path: Path) -> None:
    net = network(tmp_path)
    cross_val_score(net, X, Y, cv=2, error_score="raise")
    before = [weights(tmp_path / name) for name in ("fit-1", "fit-2")]
    space = {"networkclassifier__alpha": [1.0]}
    RandomizedSearchCV(
        make_pipeline(StandardScaler(), net), space, n_iter=1, cv=2, error_score="raise"
    ).fit(X, Y)
    assert folders(tmp_path) == [f"fit-{number}" for number in range(1, 6)]
    for name, theta in zip(("fit-1", "fit-2"), before, strict=True):
        np.testing.assert_array_equal(weights(tmp_path / name), theta)


def test_the_estimator_itself_has_the_folder_that_was_given(tmp_path: Path) -> None:
    net = network(tmp_path)
    net.fit(X, Y).fit(X, Y)
    assert folders(tmp_path) == ["."]
    same = pickle.loads(pickle.dumps(net)).fit(X, Y)
    assert folders(tmp_path) == ["."]
    assert same.callbacks_[0].folder == tmp_path


def test_fits_of_a_copy_lie_side_by_side_but_for_warm_starts(tmp_path: Path) -> None:
    net = clone(network(tmp_path))
    net.fit(X, Y).fit(X, Y)
    assert folders(tmp_path) == ["fit-1", "fit-2"]
    net.set_params(warm_start=True)
    net.fit(X, Y).fit(X, Y)
    assert folders(tmp_path) == ["fit-1", "fit-2"]
    copy.deepcopy(net).fit(X, Y)
    assert folders(tmp_path) == ["fit-1", "fit-2"]  # it goes on with what it was copied with


def test_networks_and_starts_lie_inside_their_fit(tmp_path: Path) -> None:
    stuck = {"learning_rate_init": 1e-9, "n_restarts": 1, "ensemble": 2}
    cross_val_score(network(tmp_path, **stuck), X, Y, cv=2, error_score="raise")
    inside = ["", "/start-2", "/network-2", "/network-2/start-2"]
    assert set(folders(tmp_path)) == {f"fit-{n}{name}" for n in (1, 2) for name in inside}


def test_fits_at_the_same_time_get_different_places(tmp_path: Path) -> None:
    nets = [clone(network(tmp_path, random_state=seed)) for seed in range(6)]
    joblib.Parallel(n_jobs=3, backend="threading")(joblib.delayed(net.fit)(X, Y) for net in nets)
    assert len({net.callbacks_[0].folder for net in nets}) == 6
    assert folders(tmp_path) == [f"fit-{number}" for number in range(1, 7)]


def test_a_kind_of_the_users_own_is_copied_whole(tmp_path: Path) -> None:
    class Told(cr.Checkpoint):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.seen: list[int] = []

        def on_end(self, training: Any) -> None:
            self.seen.append(training.epoch)

    given = Told(tmp_path)
    net = clone(cr.NetworkClassifier(callbacks=given, **QUICK)).fit(X, Y)
    assert isinstance(net.callbacks_[0], Told)
    assert net.callbacks_[0].folder == tmp_path / "fit-1"
    assert (net.callbacks_[0].seen, given.seen) == ([3], [])
