"""A training resumed with another seed, with more or less to measure: refused, or told with NaN."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import OptionError

X, Y = cr.data.moons(60, seed=0)
EPOCHS = 7
PAIR = (X[:9], Y[:9])


def network() -> cr.Sequential:
    return cr.Sequential(cr.Dense(6, "tanh"), cr.Dropout(0.2), cr.Dense(1, "sigmoid"))


def power_cut(training: Any) -> None:
    """Before the checkpoint of the fourth epoch is written."""
    if training.epoch == 4:
        raise KeyboardInterrupt


def same_bits(left: cr.Sequential, right: cr.Sequential) -> bool:
    pairs = zip((left.snapshot()).items(), (right.snapshot()).items(), strict=True)
    return all(a == b and x.tobytes() == y.tobytes() for (a, x), (b, y) in pairs)


SEEDS = {
    "number": (3, 4, "seed: 3 then, 4 now"),
    "the default's number": (3, 0, "seed: 3 then, 0 now"),
    "generator": (
        np.random.default_rng(3), np.random.default_rng(4),
        "seed: a generator, digest .* then, a generator, digest",
    ),
    "order of rows": (np.random.SeedSequence(3), 3, "seed: a generator, digest .* then, 3 now"),
    "none": (None, 3, "seed: None then, 3 now"),
}  # fmt: skip


@pytest.mark.parametrize(("was", "now", "told"), SEEDS.values(), ids=SEEDS)
def test_another_seed_is_refused_though_the_rows_are_the_same(
    was: Any, now: Any, told: str, tmp_path: Path
) -> None:
    network().fit(X, Y, epochs=2, seed=copy.deepcopy(was), callbacks=cr.Checkpoint(tmp_path))
    with pytest.raises(
        OptionError, match=rf"{told}.* \(one that is left out is the checkpoint's\)"
    ):
        network().fit(X, Y, epochs=3, seed=now, resume=tmp_path)
    for same in ({"seed": copy.deepcopy(was)}, {}):
        again = network().fit(X, Y, epochs=3, resume=tmp_path, **same)
        assert len(again) == 3


@pytest.mark.parametrize("validation", [None, 0.2, PAIR])
def test_a_seed_that_is_left_out_is_the_checkpoints(validation: Any, tmp_path: Path) -> None:
    """It decides what is set aside, too; and what is written then goes on in the same way."""
    given = {"batch_size": 16, "validation": validation}
    whole, resumed = network(), network()
    whole.fit(X, Y, epochs=EPOCHS, seed=3, **given)
    network().fit(X, Y, epochs=2, seed=3, callbacks=cr.Checkpoint(tmp_path), **given)
    network().fit(X, Y, epochs=4, callbacks=cr.Checkpoint(tmp_path), resume=tmp_path, **given)
    resumed.fit(X, Y, epochs=EPOCHS, seed=3, resume=tmp_path, **given)
    assert same_bits(whole, resumed)


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({"metrics": ["r2", "accuracy"]}, ["r2"]),
        ({"validation": PAIR}, ["validation_loss", "validation_accuracy"]),
    ],
)
def test_what_is_measured_later_has_nan_before(
    more: dict[str, Any], names: list[str], tmp_path: Path
) -> None:
    given: dict[str, Any] = {"epochs": EPOCHS, "seed": 3, "metrics": "accuracy"}
    whole = network().fit(X, Y, **given | more)
    network().fit(X, Y, callbacks=[cr.Checkpoint(tmp_path), power_cut], **given)
    again = network().fit(X, Y, resume=tmp_path, **given | more)
    for name in set(whole.columns) - {"seconds"}:
        unknown = 3 if name in names else 0
        assert np.isnan(again[name][:unknown]).all()
        assert again[name][unknown:] == whole[name][unknown:], name
    assert [row["epoch"] for row in again.rows] == whole["epoch"]
    again.save_csv(tmp_path / "history.csv")
    assert len((tmp_path / "history.csv").read_text().splitlines()) == EPOCHS + 1
    again.plot()


def test_a_validation_set_that_is_left_out_is_missed(tmp_path: Path) -> None:
    given: dict[str, Any] = {"epochs": 2, "callbacks": cr.Checkpoint(tmp_path)}
    network().fit(X, Y, validation=PAIR, **given)
    with pytest.raises(OptionError, match=r"the validation data: 9 rows, .* then, none now"):
        network().fit(X, Y, resume=tmp_path, **given)


def test_early_stopping_does_not_compare_one_column_with_another(tmp_path: Path) -> None:
    """With a validation set that was added, its loss is watched, which is higher from the first."""
    far = (X[:9], 1 - Y[:9])
    given: dict[str, Any] = {"seed": 3, "epochs": 12}
    network().fit(
        X, Y, callbacks=[cr.EarlyStopping(patience=4), cr.Checkpoint(tmp_path)],
        **given | {"epochs": 6},
    )  # fmt: skip
    stopping = cr.EarlyStopping(patience=4)
    again = network().fit(X, Y, validation=far, callbacks=stopping, resume=tmp_path, **given)
    held = again["validation_loss"]
    assert min(held[6:]) > max(again["loss"][:6])
    assert stopping.best_epoch == 7 + int(np.argmin(held[6:]))


def test_a_checkpoint_of_an_older_release_goes_on(tmp_path: Path) -> None:
    from chainrule.formats.checkpoint_file import load_checkpoint, save_checkpoint

    given: dict[str, Any] = {"metrics": "accuracy", "validation": PAIR}
    callbacks = [cr.EarlyStopping(patience=50), cr.Checkpoint(tmp_path)]
    network().fit(X, Y, epochs=3, seed=3, callbacks=callbacks, **given)
    file = tmp_path / "checkpoint.safetensors"
    content = load_checkpoint(file)
    for name in ("seed", "the metrics", "the validation data"):
        del content["is"][name]
    del content["callbacks"][0][1]["watched"]
    save_checkpoint(file, content)
    resumed, whole = network(), network()
    resumed.fit(X, Y, epochs=EPOCHS, resume=tmp_path, callbacks=callbacks[0], **given)
    expected = whole.fit(X, Y, epochs=EPOCHS, seed=3, callbacks=callbacks[0], **given)
    assert same_bits(whole, resumed)
    save_checkpoint(file, content)
    fewer = network().fit(X, Y, epochs=EPOCHS, resume=tmp_path)
    assert fewer["accuracy"][:3] == expected["accuracy"][:3]
    assert np.isnan(fewer["accuracy"][3:]).all()
    assert len(fewer.rows) == EPOCHS


def test_a_report_tells_what_was_measured_first(tmp_path: Path) -> None:
    net = network()
    history = net.fit(X, Y, epochs=2)
    history.columns["accuracy"] = [float("nan"), 0.25]
    cr.write_report(net, X, Y, tmp_path / "report.html", history=history)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "Accuracy by epoch, training from 0.25 to 0.25." in page
