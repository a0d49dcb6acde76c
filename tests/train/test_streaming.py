"""Training on rows on disk: every row once an epoch, the same steps, the same way back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.spool import MappedRows, Spool
from chainrule.errors import DataError, OptionError, TrainingWarning
from chainrule.train import EarlyStopping
from chainrule.train.streaming import StreamRunner, fit_stream

RNG = np.random.default_rng(11)


class InMemory:
    """Rows that lie in an array, and how often each was read."""

    def __init__(self, X, y):
        self.table = np.concatenate([X, y[:, None]], axis=1).astype(np.float32)
        self.rows, self.width = self.table.shape
        self.reads = np.zeros(self.rows, int)

    def read(self, start, out):
        part = self.table[start : start + len(out)]
        out[: len(part)] = part
        self.reads[start : start + len(part)] += 1
        return len(part)


def problem(rows, width=3):
    X = RNG.normal(size=(rows, width)).astype(np.float32)
    return X, (X[:, 0] - 2 * X[:, 1]).astype(np.float32)


def runner(source, X, y, *, batch=64, epoch_rows=1 << 22, weights=(), seed=0, rate=0.05):
    net = cr.Sequential(cr.Dense(1)).build((X.shape[1],), np.random.default_rng(0))
    net.loss = net.loss_for(None)
    sample = {"x": X[:5], "t": y[:5, None]}
    return StreamRunner(
        net, net.loss, cr.SGD(rate), source, sample, weights, batch, epoch_rows,
        np.random.default_rng(seed), "numpy",
    )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 4096, 4097, 300_001])
def test_an_epoch_reads_each_row_once(rows):
    X, y = problem(rows)
    source = InMemory(X, y)
    run = runner(source, X, y)
    sizes, seen = [], np.zeros(0)
    for batch in run.batches():
        sizes.append(len(batch))
        seen = np.concatenate([seen, run.data["x"][batch, 0]])
    assert np.array_equal(np.sort(seen), np.sort(X[:, 0]))
    assert (source.reads == 1).all()
    # One smaller batch at most, and that the last: so that two steps are planned and no more.
    assert set(sizes[:-1]) <= {64}
    assert sizes[-1] <= 64


def test_neighbours_in_the_file_are_parted():
    """A file that is sorted must not be learnt in that order."""
    X = np.arange(200_000, dtype=np.float32)[:, None]
    run = runner(InMemory(X, X[:, 0]), X, X[:, 0])
    first = np.concatenate([run.data["x"][b, 0] for b in list(run.batches())[:1]])
    spread = [run.data["x"][batch, 0].std() for batch in run.batches()]
    assert first.std() > 10_000
    assert np.median(spread) > 0.5 * X.std()


def test_a_part_of_the_rows_may_count_as_an_epoch():
    X, y = problem(40_000)
    source = InMemory(X, y)
    run = runner(source, X, y, epoch_rows=10_000)
    counts = [sum(map(len, run.batches())) for _ in range(8)]
    assert run.rows == 10_000
    assert all(8000 < count <= 12_288 for count in counts)
    # The next epoch goes on where the last one ended: no row again before all were read.
    assert source.reads.max() - source.reads.min() <= 1


def test_the_steps_are_those_of_training_in_memory():
    """One batch that is all rows: nothing is left to chance."""
    X, y = problem(50)
    net = cr.Sequential(cr.Dense(1)).build((3,), np.random.default_rng(0))
    run = runner(InMemory(X, y), X, y, batch=50)
    losses = run.run(5, lambda at: 0.05, lambda at: None)
    history = net.fit(X, y, optimizer=cr.SGD(0.05), epochs=5, batch_size=None, seed=0)
    np.testing.assert_allclose(losses, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.net.parameters["W1"], net.parameters["W1"], rtol=1e-4)


def test_weights_of_classes_count():
    X = RNG.normal(size=(600, 2)).astype(np.float32)
    labels = (RNG.random(600) < 0.1).astype(np.float32)
    weights = {0: 600 / (2 * (labels == 0).sum()), 1: 600 / (2 * labels.sum())}
    plain, weighted = (
        cr.Sequential(cr.Dense(1, "sigmoid")).build((2,), np.random.default_rng(0)) for _ in "ab"
    )
    fit_stream(
        weighted, InMemory(X, labels), sample=(X, labels), epochs=200, batch_size=600,
        optimizer=cr.SGD(0.5), class_weights=list(weights.values()),
    )  # fmt: skip
    plain.fit(X, labels, epochs=200, batch_size=None, optimizer=cr.SGD(0.5), class_weight=weights)
    np.testing.assert_allclose(weighted.predict(X), plain.predict(X), atol=1e-4)
    assert abs(weighted.predict(X).mean() - 0.5) < 0.05


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_classes(classes):
    X = RNG.normal(size=(5000, 4)).astype(np.float32)
    labels = X[:, :classes].argmax(axis=1)
    last = cr.Dense(1, "sigmoid") if classes == 2 else cr.Dense(classes, "softmax")
    net = cr.Sequential(cr.Dense(16, "relu"), last)
    history = fit_stream(
        net, InMemory(X, labels), sample=(X[:500], labels[:500]),
        validation=(X[:300], labels[:300]), epochs=8, batch_size=64, metrics=["accuracy"],
        callbacks=[EarlyStopping(patience=5)],
    )  # fmt: skip
    assert {"loss", "accuracy", "validation_loss", "learning_rate"} <= set(history.columns)
    assert history["validation_accuracy"][-1] > 0.9


def test_the_same_seed_gives_the_same_bits():
    X, y = problem(9000)

    def trained(seed):
        net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1))
        fit_stream(net, InMemory(X, y), sample=(X[:99], y[:99]), epochs=2, seed=seed)
        return net.parameters["W1"]

    assert np.array_equal(trained(3), trained(3))
    assert not np.array_equal(trained(3), trained(4))


def test_going_back_goes_the_same_way_again():
    X, y = problem(30_000)
    run = runner(InMemory(X, y), X, y, epoch_rows=8000)
    run.run(1, lambda at: 0.05, lambda at: None)
    before = run.state()
    first = run.run(3, lambda at: 0.05, lambda at: None)
    theta = run.theta.copy()
    run.restore(before)
    assert run.run(3, lambda at: 0.05, lambda at: None) == first
    assert np.array_equal(run.theta, theta)


def test_where_the_first_number_was_born_that_is_not_finite():
    X, y = problem(30_000)
    net = cr.Sequential(cr.Dense(1))
    with pytest.warns(TrainingWarning, match="the first value that is not finite was born in step"):
        history = fit_stream(
            net, InMemory(X, y), sample=(X[:99], y[:99]), optimizer=cr.SGD(1e3), epochs=3
        )
    assert "not finite" in history.stopped
    assert np.isfinite(net.parameters["W1"]).all()


def test_what_a_stream_cannot_do():
    X, y = problem(100)
    with pytest.raises(OptionError) as caught:
        fit_stream(cr.Sequential(cr.Dense(1)), InMemory(X, y), sample=(X, y), optimizer="lbfgs")
    assert str(caught.value) == (
        "LBFGS needs all rows at once, and this table is read in batches. Choose adam or sgd."
    )


# Rows on disk


def test_what_is_written_is_read(tmp_path):
    rows = RNG.normal(size=(1000, 7)).astype(np.float32)
    with Spool(tmp_path, 7, 1000) as spool:
        for start in (0, 300, 301):
            spool.append(rows[start : {0: 300, 300: 301, 301: 1000}[start]])
        assert (spool.rows, spool.nbytes) == (1000, 28_000)
        out = np.zeros((64, 7), np.float32)
        for start in (0, 500, 990, 937):
            count = spool.read(start, out)
            assert count == min(64, 1000 - start)
            assert np.array_equal(out[:count], rows[start : start + count])
        assert list(tmp_path.iterdir()) == []  # a file without a name
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_a_name_is_mapped_by_others(tmp_path):
    rows = RNG.normal(size=(100, 7)).astype(np.float32)
    with Spool(tmp_path, 7, 100, "rows") as spool:
        spool.append(rows)
        mapped = spool.mapped()
    assert Path(str(mapped.filename)) == tmp_path / "rows"
    (tmp_path / "rows").unlink()
    found = MappedRows(mapped)
    assert (found.rows, found.width, found.nbytes) == (100, 7, 2800)
    out = np.zeros((64, 7), np.float32)
    for start in (0, 30, 90):
        count = found.read(start, out)
        assert count == min(64, 100 - start)
        assert np.array_equal(out[:count], rows[start : start + count])
    (tmp_path / "rows").touch()
    with pytest.raises(FileExistsError):
        Spool(tmp_path, 7, 100, "rows")


def test_a_disk_that_is_too_full_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=5 * 10**8))
    (tmp_path / "of a group").mkdir()
    with pytest.raises(DataError) as named:
        Spool(tmp_path / "of a group", 1000, 10**6, "rows")
    with pytest.raises(DataError) as caught:
        Spool(Path(tmp_path), 1000, 10**6)
    assert str(named.value) == str(caught.value)
    assert str(caught.value) == (
        f"the rows to train on take about 4.0 GB on the disk of {tmp_path}, and 0.5 GB are free. "
        "Give an --out on another disk, or leave columns out with --drop."
    )


def streamed(epochs, **options):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(9000, 3)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.float32)
    net = cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"))
    fixed = {"sample": (X[:9], y[:9]), "epoch_rows": 4096, "batch_size": 256, "seed": 3}
    fixed |= {"validation": (X[9:18], y[9:18]), "metrics": "accuracy"}
    given = fixed | {"class_weights": (1.0, 2.0), "optimizer": cr.Adam(0.01)} | options
    history = fit_stream(net, InMemory(X, y), epochs=epochs, **given)
    return net, history


def test_a_stream_goes_on_from_a_checkpoint(tmp_path: Path):
    """An epoch is a part of the rows, so the blocks that are left must come back too."""
    whole, history = streamed(5)
    streamed(2, callbacks=cr.Checkpoint(tmp_path))
    resumed, again = streamed(5, resume=tmp_path)
    assert again["loss"] == history["loss"]
    for name, array in whole.parameters.items():
        assert array.tobytes() == resumed.parameters[name].tobytes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epoch_rows": 8192}, "epoch_rows: 4096 then, 8192 now"),
        ({"class_weights": (1.0, 3.0)}, r"class_weights: \[1.0, 2.0\] then, \[1.0, 3.0\] now"),
        ({"batch_size": 128}, "batch_size: 256 then, 128 now"),
        ({"seed": 9}, "seed: 3 then, 9 now"),
        ({"validation": None}, "the validation data: 9 rows, digest .* then, none now"),
    ],
)
def test_another_stream_is_refused(options, told, tmp_path: Path):
    streamed(1, callbacks=cr.Checkpoint(tmp_path))
    with pytest.raises(OptionError, match=told):
        streamed(2, resume=tmp_path, **options)
