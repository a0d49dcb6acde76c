"""Contestants do the same work as the reference, and whoever does not is found out."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bench_modules import FOLDER, Load

#: The rows of a small task with batches of two sizes.
ROWS, BATCH = 70, 32


@pytest.fixture
def small(load: Load, tmp_path: Path) -> Any:
    """A task with batches and Adam that takes milliseconds, and its data in a file."""
    work = load("work")
    rng = np.random.default_rng(3)
    X = rng.standard_normal((ROWS + 30, 5))
    labels = (X[:, 0] > X[:, 1]).astype(np.int64) + (X[:, 2] > 0)
    data = work.Data(X[:ROWS], labels[:ROWS], X[ROWS:], labels[ROWS:])
    data.save(tmp_path / "data.npz")
    model = work.Model((5, 6, 4, 3), "relu", "softmax", "adam", 0.02, "float64")
    proof = work.Proof(exact=1e-9, accuracy=0.0, law=1.5, law_accuracy=0.2)
    task = work.Work(
        "W3", "small", "training", lambda: data, proof, model, batch=BATCH, epochs=3
    )  # fmt: skip
    return SimpleNamespace(work=task, data=data, file=tmp_path / "data.npz")


def who(load: Load, name: str, work: Any) -> Any:
    """The contestant, doing all of the work."""
    return replace(load("contestants").CONTESTANTS[name], does={work.name: {}})


def verdict(load: Load, small: Any, contestant: Any) -> str | None:
    """What the table says of one turn of it."""
    turn = load("kinds.training").setup(small.work, contestant, {}, small.file)
    wanted = load("reference").reference(small.work, small.data)
    found: str | None = load("table").complaint_of(
        small.work, contestant, replace(turn(), pools=()), wanted, "1"
    )
    return found


@pytest.mark.parametrize("name", ["chainrule", "chainrule-reference", "numpy", "torch", "sklearn"])
def test_contestants_end_where_the_reference_ends(load: Load, small: Any, name: str) -> None:
    assert verdict(load, small, who(load, name, small.work)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": 0.0201},
        {"optimizer": "sgd"},
        {"hidden": "tanh"},
        {"sizes": (5, 7, 4, 3)},
        {"dtype": "float32"},
    ],
)
def test_a_cheat_that_trains_another_network_is_found_out(
    load: Load, small: Any, changes: dict[str, Any]
) -> None:
    honest = load("contestants.numpy_tutorial")

    def prepare(work: Any, data: Any) -> Any:
        data = replace(data, rows=data.rows.astype(changes.get("dtype", "float64")))
        return honest.prepare(replace(work, model=replace(work.model, **changes)), data)

    cheat = planted(load, small.work, prepare)
    assert "is outside" in str(verdict(load, small, cheat))


def test_a_cheat_that_leaves_out_an_epoch_is_found_out(load: Load, small: Any) -> None:
    honest = load("contestants.numpy_tutorial")

    def prepare(work: Any, data: Any) -> Any:
        return honest.prepare(replace(work, epochs=work.epochs - 1), data)

    assert "is outside" in str(verdict(load, small, planted(load, small.work, prepare)))


def planted(load: Load, work: Any, prepare: Any) -> Any:
    """A contestant that is called numpy and does something else."""
    base = who(load, "numpy", work)

    class Planted(type(base)):  # type: ignore[misc]
        def load(self) -> ModuleType:
            return SimpleNamespace(prepare=prepare)  # type: ignore[return-value]

    return Planted(**vars(base))


def test_many_networks_end_as_each_by_itself(load: Load, tmp_path: Path) -> None:
    work = load("workloads").WORKLOADS["W8"].part({"networks": 8, "epochs": 30})
    data = work.load()
    data.save(tmp_path / "data.npz")
    setup = load("kinds.training").setup
    losses = [
        setup(work, who(load, name, work), {}, tmp_path / "data.npz")().loss
        for name in ("numpy", "torch", "torch-singly", "floor")
    ]
    assert losses == pytest.approx([load("reference").reference(work, data).loss] * 4, rel=1e-9)
    # The floor in C leaves this process's arithmetic as it was: subnormal numbers are not 0.
    assert np.float64(5e-324) * np.float64(1.0) > 0


def test_a_share_is_scaled_up(load: Load, small: Any) -> None:
    part = small.work.part({"steps": 2, "epochs": 1})
    assert (small.work.amount(ROWS), part.amount(ROWS)) == (9, 2)
    assert [len(rows) for rows in next(part.orders(ROWS))] == [BATCH, BATCH]


def test_inference_is_scored_on_first_parameters(load: Load, small: Any) -> None:
    work = replace(small.work, kind="inference")
    turn = load("kinds.inference").setup(work, who(load, "chainrule", work), {}, small.file)
    found, wanted = turn(), load("reference").reference(work, small.data)
    assert found.loss == pytest.approx(wanted.loss, rel=1e-9)
    assert list(found.parts) == ["30 rows"]


@pytest.mark.parametrize("module", ["chainrule_net", "torch_net"])
def test_every_op_has_the_gradient_by_hand(load: Load, module: str) -> None:
    eager, ops = load("contestants.eager"), load("kinds.ops")
    library, by_hand = eager.adapter(module), eager.adapter("floor")
    assert len(by_hand.ops) == 9
    for name in by_hand.ops:
        for found, wanted in zip(
            ops.gradients(library, name), ops.gradients(by_hand, name), strict=True
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_what_is_needed_counts_every_array(load: Load, small: Any) -> None:
    parameters = 5 * 6 + 6 + 6 * 4 + 4 + 4 * 3 + 3
    numbers = 3 * parameters + BATCH * (5 + 6 + 4 + 3)
    held = small.data.rows.nbytes + small.data.labels.nbytes
    assert small.work.net.bytes_needed(small.data, BATCH) == held + 8 * numbers


def test_the_registry_and_the_folders_agree(load: Load) -> None:
    everyone = load("contestants").CONTESTANTS
    works = load("workloads").WORKLOADS
    helpers = {"__init__", "stepping", "tape", "eager"}
    files = {path.stem for path in (FOLDER / "contestants").glob("*.py")} - helpers
    assert {one.module for one in everyone.values()} == files
    scripts = {path.stem for path in (FOLDER / "scripts").glob("*.py")}
    assert {one.module for one in everyone.values() if "W5" in one.does} == scripts
    assert {name for one in everyone.values() for name in one.does} == set(works)
    for name in files:
        text = (FOLDER / "contestants" / f"{name}.py").read_text(encoding="utf-8")
        assert "def prepare(work: Work, data: Data" in text, name
    setups = {load(f"kinds.{work.kind}").setup for work in works.values()}
    assert all(
        list(inspect.signature(setup).parameters) == ["work", "contestant", "share", "file"]
        for setup in setups
    )
