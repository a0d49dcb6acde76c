"""``chainrule train --stream``: the same table, never in memory as a whole."""

from __future__ import annotations

import gc
import json
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli import streams
from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem
from chainrule.data import TableFacts
from chainrule.data.spool import Spool
from chainrule.errors import DataError

RNG = np.random.default_rng(2)
N = 3000


@pytest.fixture
def shops(folder) -> Path:
    """A table of numbers, a category, gaps, some rows without a target."""
    x, z, c = RNG.normal(size=N), RNG.normal(3, 2, N), RNG.choice(["red", "green", "blue"], N)
    y = 2 * x - z + 3 * (c == "red") + 0.1 * RNG.normal(size=N)
    gap = ["" if k % 20 == 3 else f"{z[k]:.4f}" for k in range(N)]
    sales = ["" if k in (5, 9) else f"{y[k]:.4f}" for k in range(N)]
    lines = [f"{x[k]:.4f},{gap[k]},{c[k]},s{k},{sales[k]}" for k in range(N)]
    path = folder / "shops.csv"
    path.write_text("x,z,colour,shop,sales\n" + "\n".join(lines) + "\n")
    return path


def test_the_garbage_collector_is_left_alone_only_while_rows_are_read(shops, folder, monkeypatch):
    seen, true = [], streams.learn

    def learn(*given):
        seen.append(gc.get_freeze_count())
        return true(*given)

    monkeypatch.setattr(streams, "learn", learn)
    problem = table_problem(shops, TableOptions(stream=True), 0, partial(Spool, folder))
    problem.stream.close()
    assert seen[0] > 0
    assert gc.get_freeze_count() == 0
    with pytest.raises(DataError):
        table_problem(
            shops, TableOptions(stream=True, drop=("x", "z", "colour")), 0, partial(Spool, folder)
        )
    assert gc.get_freeze_count() == 0


def test_a_stream_is_trained_told_and_asked(command, shops, folder):
    result = command("train", shops, "--stream", "--epochs", "4", "--out", "run")
    assert result.exit_code == 0
    facts = TableFacts.from_json(Path("run/table.json").read_text("utf-8"))
    assert result.stderr.splitlines()[:6] == [
        f"shops.csv ({shops.stat().st_size / 1000:.1f} KB) is read in batches, twice.",
        "Predicting the last column, 'sales' (regression); --target chooses another.",
        "2 rows have no 'sales': they are left out.",
        "Column 'shop' is left out: text that is different in every row.",
        "Missing numbers count as the mean, and a further input says where: 'z' "
        f"({facts.columns[1].missing}).",
        # Six inputs and the target, four bytes each.
        f"The {facts.split.train:,} rows to train on lie as numbers on disk "
        f"({facts.split.train * 7 * 4 / 1000:.1f} KB) until the training ends.",
    ]
    assert facts.streamed
    assert facts.rows == N
    sizes = facts.split
    assert sizes.train + sizes.validation + sizes.test == N - 2
    assert facts.scores[0].value > 0.9
    assert f"trained on  shops.csv, {sizes.train:,} rows" in command("summary", "run").stdout
    # What is written next to the run while it trains is gone.
    assert sorted(path.name for path in folder.iterdir()) == ["run", "shops.csv"]
    said = command("predict", "run", shops).stdout.splitlines()
    assert len(said) == N + 1


def test_both_passes_give_a_row_the_same_part(shops):
    given = table_problem(shops, TableOptions(stream=True), 3)
    with given.stream as spool:
        out = np.zeros((spool.rows, spool.width), np.float32)
        spool.read(0, out)
        trained = {tuple(row) for row in out[:, :-1]}
        assert len(trained) == spool.rows
        for part in (given.validation, given.test):
            assert not trained & {tuple(row) for row in part.X}
        # Standardised by the training rows, and by no others.
        place = given.feature_names.index("x")
        assert out[:, place].mean() == pytest.approx(0, abs=1e-6)
        assert out[:, place].std() == pytest.approx(1, abs=1e-5)
        assert abs(given.test.X[:, place].mean()) > 1e-4


def test_a_stream_learns_what_a_table_in_memory_learns(shops):
    whole = table_problem(shops, TableOptions(), 0)
    streamed = table_problem(shops, TableOptions(stream=True), 0)
    streamed.stream.close()
    assert streamed.feature_names == whole.feature_names
    assert streamed.encoder.ignored == whole.encoder.ignored
    for one, other in zip(streamed.encoder.columns, whole.encoder.columns, strict=True):
        assert type(one) is type(other)
        assert one.name == other.name


def test_classes_of_a_stream(command, shops):
    result = command(
        "train", shops, "--target", "colour", "--stream", "--epochs", "4", "--out", "r"
    )
    assert result.exit_code == 0
    facts = json.loads(Path("r/table.json").read_text("utf-8"))["facts"]
    assert facts["classes"] == ["blue", "green", "red"]
    assert sum(facts["class_counts"]) == facts["split"]["train"]


def test_files_from_some_size_on_are_streams(shops, monkeypatch):
    assert table_problem(shops, TableOptions(), 0).stream is None
    monkeypatch.setattr(streams, "LARGE", 50_000)
    given = table_problem(shops, TableOptions(), 0)
    assert given.known.streamed
    given.stream.close()


def test_memory_does_not_grow_with_the_rows(folder, monkeypatch):
    """As Python and NumPy count it; in memory it grows, or the test would see nothing."""
    monkeypatch.setattr("chainrule.data.table_file.CELLS_A_BATCH", 4000)
    monkeypatch.setattr(streams, "HELD_ROWS", 500)
    peaks = {True: [], False: []}
    for rows in (8_000, 40_000):
        np.save(folder / "t.npy", RNG.normal(size=(rows, 8)).astype(np.float32))
        for streamed, found in peaks.items():
            tracemalloc.start()
            given = table_problem(Path("t.npy"), TableOptions(stream=streamed), 0)
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            if given.stream is not None:
                given.stream.close()
    assert peaks[True][1] < 1.4 * peaks[True][0]
    assert peaks[False][1] > 2 * peaks[False][0]


def test_groups_are_drawn_by_chance_however_alike_their_names():
    at = np.array([streams._by_chance(f"0 {number:03}") for number in range(2000)])
    assert abs((at < 0.16).mean() - 0.16) < 0.03
    # In twenty neighbours, each part of a sixth is nearly always there.
    missing = [(at[k : k + 20] < 0.16).sum() == 0 for k in range(0, 2000, 20)]
    assert np.mean(missing) < 0.1
