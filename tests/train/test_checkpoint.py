"""Checkpoints: a training taken up again makes the very steps that it would have made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import FileFormatError, OptionError

X, Y = cr.data.moons(60, seed=0)
EPOCHS = 7

OPTIONS: dict[str, dict[str, Any]] = {
    "Adam": {"optimizer": cr.Adam(0.01), "batch_size": 16, "validation": 0.2},
    "momentum, a schedule": {
        "optimizer": cr.SGD(0.1, momentum=0.9), "batch_size": 16, "schedule": "cosine",
    },
    "all rows": {"optimizer": cr.RMSProp(0.01), "batch_size": None, "metrics": "accuracy"},
    "in order": {"optimizer": cr.Adam(0.01), "batch_size": 16, "shuffle": False, "penalty": 0.01},
    "weights": {"optimizer": "adam", "batch_size": 25, "class_weight": {0: 1, 1: 3}},
}  # fmt: skip


def network() -> cr.Sequential:
    """With all that a step may change: parameters, statistics, random numbers."""
    return cr.Sequential(
        cr.Dense(6, "tanh"), cr.BatchNorm(), cr.Dropout(0.2), cr.Dense(1, "sigmoid")
    )


class Interrupt(cr.Callback):
    """Ctrl-C after some epochs; each epoch by itself until then."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_epoch(self, training: Any) -> None:
        if training.epoch == self.after:
            raise KeyboardInterrupt


def same_bits(left: cr.Sequential, right: cr.Sequential) -> bool:
    pairs = zip((left.snapshot()).items(), (right.snapshot()).items(), strict=True)
    return all(a == b and x.tobytes() == y.tobytes() for (a, x), (b, y) in pairs)


@pytest.mark.parametrize(
    ("name", "engine"),
    [*((name, "numpy") for name in OPTIONS), ("Adam", "xla"), ("all rows", "xla"),
     ("momentum, a schedule", "reference")],
)  # fmt: skip
def test_resumed_is_as_uninterrupted(name: str, engine: str, tmp_path: Path) -> None:
    options = OPTIONS[name]
    given = {"epochs": EPOCHS, "seed": 3, "engine": engine, **options}
    whole = network()
    expected = whole.fit(X, Y, callbacks=cr.Checkpoint(tmp_path / "whole"), **given)
    network().fit(X, Y, callbacks=[cr.Checkpoint(tmp_path, every=2), Interrupt(5)], **given)
    resumed = network()
    again = resumed.fit(X, Y, callbacks=cr.Checkpoint(tmp_path), resume=tmp_path, **given)
    assert same_bits(whole, resumed)
    assert again["epoch"] == list(range(1, EPOCHS + 1))
    for column in set(expected.columns) - {"seconds"}:
        assert again[column] == expected[column], column


def test_streamed_data_are_taken_up_in_the_same_chunks(tmp_path: Path) -> None:
    given: dict[str, Any] = {"epochs": EPOCHS, "seed": 3, "batch_size": 10, "engine": "xla"}
    streamed = given | {"memory_limit": 60 * 12 / 2}  # half of the rows
    whole, resumed = network(), network()
    whole.fit(X, Y, callbacks=cr.Checkpoint(tmp_path / "whole"), **streamed)
    network().fit(X, Y, callbacks=[cr.Checkpoint(tmp_path), Interrupt(4)], **streamed)
    resumed.fit(X, Y, callbacks=cr.Checkpoint(tmp_path), resume=tmp_path, **streamed)
    assert same_bits(whole, resumed)
    with pytest.raises(
        OptionError, match=r"the batches: rows from chunks of \d+ then, rows from all"
    ):
        network().fit(X, Y, resume=tmp_path, **given)


def test_a_change_is_noticed(tmp_path: Path) -> None:
    """A planted fault: another state of the random numbers."""
    given: dict[str, Any] = {"epochs": EPOCHS, "seed": 3, **OPTIONS["Adam"]}
    whole = network()
    whole.fit(X, Y, **given)
    network().fit(X, Y, callbacks=[cr.Checkpoint(tmp_path), Interrupt(5)], **given)
    from chainrule.formats.checkpoint_file import load_checkpoint, save_checkpoint

    file = tmp_path / "checkpoint.safetensors"
    content = load_checkpoint(file)
    content["runner"]["rng"]["state"]["inc"] += 2
    save_checkpoint(file, content)
    resumed = network()
    resumed.fit(X, Y, resume=tmp_path, **given)
    assert not same_bits(whole, resumed)


def test_what_callbacks_remember_comes_back(tmp_path: Path) -> None:
    given: dict[str, Any] = {"epochs": 40, "seed": 1, "optimizer": cr.SGD(0.5), "validation": 0.3}

    def callbacks() -> list[Any]:
        return [cr.Checkpoint(tmp_path), cr.EarlyStopping(patience=4), cr.Snapshots(every=2)]

    whole, stopping, snapshots = network(), *callbacks()[1:]
    expected = whole.fit(X, Y, callbacks=[stopping, snapshots], **given)
    assert "has not improved for 4 epochs" in str(expected.stopped)
    network().fit(X, Y, callbacks=[*callbacks(), Interrupt(len(expected) - 2)], **given)
    resumed, later = network(), callbacks()
    again = resumed.fit(X, Y, callbacks=later, resume=tmp_path, **given)
    assert again.stopped == expected.stopped
    assert same_bits(whole, resumed)
    assert [epoch for epoch, _ in later[2].taken] == [epoch for epoch, _ in snapshots.taken]
    for (_, left), (_, right) in zip(later[2].taken, snapshots.taken, strict=True):
        assert all(np.array_equal(left[name], right[name]) for name in right)


def test_a_training_that_has_ended_is_not_made_longer(tmp_path: Path) -> None:
    given: dict[str, Any] = {"epochs": 40, "seed": 1, "optimizer": cr.SGD(0.5), "validation": 0.3}
    callbacks = [cr.Checkpoint(tmp_path), cr.EarlyStopping(patience=4)]
    net = network()
    ended = net.fit(X, Y, callbacks=callbacks, **given)
    assert len(ended) < 40
    resumed = network()
    again = resumed.fit(X, Y, callbacks=callbacks, resume=tmp_path, **given)
    assert (len(again), again.stopped) == (len(ended), ended.stopped)
    assert same_bits(net, resumed)


def test_more_epochs_can_be_asked_for(tmp_path: Path) -> None:
    given = {"seed": 3, **OPTIONS["Adam"]}
    network().fit(X, Y, epochs=3, callbacks=cr.Checkpoint(tmp_path, every=100), **given)
    whole, resumed = network(), network()
    whole.fit(X, Y, epochs=EPOCHS, **given)
    resumed.fit(X, Y, epochs=EPOCHS, resume=tmp_path, **given)
    assert same_bits(whole, resumed)


def test_a_rate_that_a_callback_changed_comes_back(tmp_path: Path) -> None:
    def slower(training: Any) -> None:
        if training.epoch == 2:
            training.optimizer.learning_rate /= 10

    rates = []
    for resume in (None, tmp_path):
        history = network().fit(
            X, Y, optimizer=cr.SGD(0.1), epochs=4 if resume is None else 6, resume=resume,
            callbacks=[slower, cr.Checkpoint(tmp_path)],
        )  # fmt: skip
        rates = history["learning_rate"]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.01, 0.01])


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "optimizer": ({"optimizer": cr.Adam(0.02)}, r"the optimizer: Adam\(.*0.01.* then, Adam\(.*0.0"),
    "batch size": ({"batch_size": 8}, "batch_size: 16 then, 8 now"),
    "seed": ({"seed": 4}, "the training data: 48 rows, digest .* then"),
    "validation": ({"validation": None}, "48 rows, digest .* then, 60 rows, digest .* now"),
    "loss": ({"loss": "mean_squared_error"}, "the loss: binary_cross_entropy then, mean_squared"),
    "schedule": ({"schedule": "cosine"}, r"the schedule: Constant\(\) then, Cosine\("),
    "engine": ({"engine": "reference"}, "engine: numpy then, reference now"),
    "penalty": ({"penalty": 0.1}, r"penalty: 0.0 then, 0.1 now"),
    "shuffle": ({"shuffle": False}, "shuffle: True then, False now"),
    "a pair for validation": (
        {"validation": (X[:9], Y[:9])},
        "the validation data: 12 rows, digest .* then, 9 rows, dig",
    ),
    "metrics": (
        {"metrics": ["r2"]},
        r"the metrics: accuracy then, r2 now \(more may be asked for, and none left out\)",
    ),
    "generator": (
        {"seed": np.random.Generator(np.random.MT19937(3))},
        "the random generator: PCG64 then, MT19937 now",
    ),
}


@pytest.mark.parametrize(("changed", "told"), DIFFERENT.values(), ids=DIFFERENT)
def test_another_training_is_refused(changed: dict[str, Any], told: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"epochs": 2, "seed": 3, "metrics": "accuracy", **OPTIONS["Adam"]}
    network().fit(X, Y, callbacks=cr.Checkpoint(tmp_path), **given)
    net = network()
    with pytest.raises(OptionError, match=f"^the checkpoint is of another training. .*{told}"):
        net.fit(X, Y, resume=tmp_path, **(given | changed))
    assert not net.is_built


def test_other_layers_are_refused(tmp_path: Path) -> None:
    cr.Sequential(cr.Dense(1, "tanh")).fit(X, Y, epochs=1, callbacks=cr.Checkpoint(tmp_path))
    with pytest.raises(OptionError, match=r"the layers: Dense\(units=1, .*tanh.* then, Dense\(uni"):
        cr.Sequential(cr.Dense(1)).fit(X, Y, epochs=1, resume=tmp_path)


def test_what_cannot_be_resumed_is_told(tmp_path: Path) -> None:
    net = cr.Sequential(cr.Dense(1, "sigmoid"))
    point = cr.Checkpoint(tmp_path)
    assert not point.exists
    with pytest.raises(OptionError, match="L-BFGS cannot be resumed, because SciPy keeps its stat"):
        net.fit(X, Y, optimizer="lbfgs", callbacks=point)
    with pytest.raises(OptionError, match="restarts=2 and checkpoints do not go together"):
        net.fit(X, Y, restarts=2, callbacks=point)
    with pytest.raises(
        FileNotFoundError, match=r"there is no checkpoint .*fit\(\.\.\., callbacks="
    ):
        net.fit(X, Y, resume=tmp_path)
    with pytest.raises(OptionError, match="resume is the folder of a Checkpoint, got True"):
        net.fit(X, Y, resume=True)
    net.fit(X, Y, epochs=1, callbacks=point)
    assert point.exists
    with pytest.raises(OptionError, match="restarts=1 and checkpoints do not go together"):
        net.fit(X, Y, restarts=1, resume=tmp_path)
    with pytest.raises(OptionError, match="L-BFGS cannot be resumed"):
        net.fit(X, Y, optimizer="lbfgs", resume=tmp_path)


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None])
def test_every_is_a_number_of_epochs(every: Any, tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match="Checkpoint needs every to be a whole number of 1 or more"
    ):
        cr.Checkpoint(tmp_path, every=every)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    file = tmp_path / "run"
    file.touch()
    with pytest.raises(OptionError, match=r"Checkpoint writes to a folder, and .*run is a file"):
        network().fit(X, Y, epochs=1, callbacks=cr.Checkpoint(file))


def test_broken_files_are_refused(tmp_path: Path) -> None:
    net = network()
    net.fit(X, Y, epochs=1, callbacks=cr.Checkpoint(tmp_path))
    file = tmp_path / "checkpoint.safetensors"
    content = file.read_bytes()
    for broken in (content[: len(content) // 2], b"", b"x" * 100):
        file.write_bytes(broken)
        with pytest.raises(
            FileFormatError, match="is not a safetensors file, or it is broken or c"
        ):
            network().fit(X, Y, epochs=2, resume=file)
    net.save(file)
    with pytest.raises(
        FileFormatError, match="not of a chainrule checkpoint: its metadata say for"
    ):
        network().fit(X, Y, epochs=2, resume=tmp_path)
    file.write_bytes(content)
    with pytest.raises(
        FileFormatError, match="not of a chainrule network: its metadata say format"
    ):
        cr.load(file)


def test_a_write_that_fails_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network().fit(X, Y, epochs=1, callbacks=cr.Checkpoint(tmp_path))
    before = (tmp_path / "checkpoint.safetensors").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        network().fit(X, Y, epochs=2, callbacks=cr.Checkpoint(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before


def test_a_state_that_cannot_be_kept_is_refused_before_the_first_epoch(tmp_path):
    seen = []

    class Mine(cr.Callback):
        def on_epoch(self, training):
            seen.append(training.epoch)

        def state(self):
            return {"seen": set(seen)}

    net = cr.Sequential(cr.Dense(1))
    with pytest.raises(cr.errors.OptionError, match="callbacks/0/1/seen is of the type set"):
        net.fit(
            np.ones((4, 1)), np.ones((4, 1)), epochs=3,
            callbacks=[Mine(), cr.Checkpoint(tmp_path / "kept")],
        )  # fmt: skip
    assert seen == []
    assert not (tmp_path / "kept").exists()
