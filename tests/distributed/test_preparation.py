"""Prepared data: made once for each machine, mapped by all that see them, and gone afterwards."""

from __future__ import annotations

import shutil
import threading
from collections import namedtuple
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from group_lines import together

from chainrule.distributed import Group, preparation, prepared
from chainrule.distributed.line import Line
from chainrule.distributed.preparation import Arrays, shared
from chainrule.errors import DataError, DtypeError, GroupError

ROWS = np.arange(12.0, dtype=np.float32).reshape(4, 3)
here = threading.local()


def arrays() -> Arrays:
    """What is prepared; of each, process 0 keeps nothing else."""
    return {"X": ROWS.copy(), "y": np.arange(4), "facts": np.frombuffer(b"{}", np.uint8)}


class Seen:
    """What the processes of a group, which are threads, made and saw.

    ``machines`` says where each runs, each machine with a folder of its own in ``place`` unless
    ``one_disk``; ``make`` prepares.
    """

    def __init__(
        self, lines: Sequence[Line], place: Path, machines: str, one_disk: bool = False,
        make: Callable[[Path | None], Arrays] = lambda folder: arrays(),
    ) -> None:  # fmt: skip
        self.made: list[tuple[int, bool]] = []
        self.found: dict[int, Arrays] = {}
        self.during: list[str] = []
        self._make, self._place = make, place
        self.errors = together(
            *[
                lambda line=line, where=where: self._process(line, where, one_disk)
                for line, where in zip(lines, machines, strict=True)
            ]
        )
        self.during.sort()

    def _process(self, line: Line, machine: str, one_disk: bool) -> None:
        here.machine, here.folder = machine, self._place / ("" if one_disk else machine)
        group = Group(line.place, line)

        def make(folder: Path | None) -> Arrays:
            self.made.append((group.process, folder is not None))
            return self._make(folder)

        try:
            with shared(group, make, here.folder) as found:
                group.gather(None)
                if group.is_first:
                    self.during = [str(p.parent.name) for p in self._place.rglob("token")]
                group.gather(None)
                self.found[group.process] = found
        except DataError as error:
            group.fail(error)
            raise


@pytest.fixture(autouse=True)
def machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines that see their own folder alone."""
    sees = preparation._sees
    monkeypatch.setattr(preparation, "machine", lambda: here.machine)
    monkeypatch.setattr(
        preparation,
        "_sees",
        lambda told: sees(told) and Path(told["folder"]).parent == here.folder,  # type: ignore[index]
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for machine in "AB":
        (tmp_path / machine).mkdir()
    return tmp_path


def nothing_is_left(place: Path) -> bool:
    return sorted(place.rglob("*")) == [place / "A", place / "B"]


CASES = {
    "one machine": ("AAA", False, [0], 0),
    "two machines with a disk for each": ("ABB", False, [0, 1], 2),
    "in any order": ("ABAB", False, [0, 1], 2),
    "two machines that see one disk": ("ABB", True, [0], 1),
    "three machines, one of which has no folder": ("ABC", False, [0, 1, 2], 2),
}


@pytest.mark.parametrize(("where", "one_disk", "who", "folders"), CASES.values(), ids=CASES)
def test_one_of_each_machine_prepares(
    where: str, one_disk: bool, who: list[int], folders: int,
    lines: Callable[[int], list[Line]], place: Path,
) -> None:  # fmt: skip
    seen = Seen(lines(len(where)), place, where, one_disk)
    assert seen.errors == [None] * len(where)
    assert sorted(process for process, _ in seen.made) == who
    # Files of one machine have no name any more once all have mapped them.
    assert len(seen.during) == folders
    assert nothing_is_left(place)
    for found in seen.found.values():
        assert list(found) == ["X", "y", "facts"]
        for name, array in arrays().items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    mapped = [isinstance(found["X"], np.memmap) for found in seen.found.values()]
    assert mapped.count(False) == where.count("C")


def test_that_each_prepares_for_itself_would_be_noticed(
    lines: Callable[[int], list[Line]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: no process leads another."""
    monkeypatch.setattr(preparation, "_leaders", lambda found: list(range(len(found))))
    seen = Seen(lines(3), place, "AAA")
    assert sorted(process for process, _ in seen.made) == [0, 1, 2]


def test_what_is_mapped_cannot_be_written_to(
    lines: Callable[[int], list[Line]], place: Path
) -> None:
    seen = Seen(lines(2), place, "AA")
    with pytest.raises(ValueError, match="read-only"):
        seen.found[1]["X"][0] = 1.0


def test_a_folder_of_the_same_name_is_another(tmp_path: Path) -> None:
    here.folder = tmp_path
    folder = tmp_path / "data"
    told = {"folder": str(folder), "token": "5eed"}
    assert not preparation._sees(told)
    folder.mkdir()
    assert not preparation._sees(told)
    (folder / "token").write_text("5eec", encoding="utf-8")
    assert not preparation._sees(told)
    (folder / "token").write_text("5eed", encoding="utf-8")
    assert preparation._sees(told)


def test_without_room_each_prepares_for_itself(
    lines: Callable[[int], list[Line]], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ["free"])(preparation.SPARE)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    seen = Seen(lines(3), place, "AAA")
    assert sorted(seen.made) == [(0, True), (1, False), (2, False)]
    assert not any(isinstance(found["X"], np.memmap) for found in seen.found.values())
    assert nothing_is_left(place)


def test_an_error_of_who_prepares_ends_all_and_leaves_nothing(
    lines: Callable[[int], list[Line]], place: Path
) -> None:
    def make(folder: Path | None) -> Arrays:
        assert folder is not None
        (folder / "half").touch()
        raise DataError("line 7 is broken")

    seen = Seen(lines(3), place, "AAA", make=make)
    assert [type(error) for error in seen.errors] == [DataError, GroupError, GroupError]
    assert str(seen.errors[1]).startswith("process 0 of 3 (pid ")
    assert str(seen.errors[1]).endswith(" ended: DataError: line 7 is broken")
    assert nothing_is_left(place)


def test_what_is_in_the_folder_already_is_not_written_again(
    lines: Callable[[int], list[Line]], place: Path
) -> None:
    """But a part of it is: it does not know where in the file it begins."""
    files: list[list[str]] = []

    def make(folder: Path | None) -> Arrays:
        assert folder is not None
        ROWS.tofile(folder / "rows")
        whole = np.memmap(folder / "rows", np.float32, "r", shape=ROWS.shape)
        return {"whole": whole, "part": whole[2:], "turned": ROWS.T, "none": ROWS[:0]}

    def look(array: Any, to: Any) -> Any:
        files.append([Path(array).name])
        return save(array, to)

    save = np.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "save", look)
        seen = Seen(lines(2), place, "AA", make=make)
    assert seen.errors == [None, None]
    assert sorted(files) == [["none.npy"], ["part.npy"], ["turned.npy"]]
    for found in seen.found.values():
        for name, array in {"whole": ROWS, "part": ROWS[2:], "turned": ROWS.T}.items():
            np.testing.assert_array_equal(found[name], array)
        assert found["none"].shape == (0, 3)


def test_any_name_and_what_is_like_an_array_will_do(
    lines: Callable[[int], list[Line]], place: Path
) -> None:
    seen = Seen(lines(2), place, "AA", make=lambda folder: {"a/b": [1, 2], "..": np.array("cd")})
    assert seen.errors == [None, None]
    for found in seen.found.values():
        assert found["a/b"].tolist() == [1, 2]
        assert found[".."].tolist() == "cd"
    assert nothing_is_left(place)


def test_objects_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(DtypeError, match="prepared: the array 'names' holds Python objects, which"),
        prepared(lambda folder: {"names": np.array(["a", None])}, tmp_path),
    ):
        pass


def test_alone_nothing_is_written(tmp_path: Path) -> None:
    folders: list[Path | None] = []

    def make(folder: Path | None) -> Arrays:
        folders.append(folder)
        return arrays()

    with prepared(make, tmp_path) as found:
        assert list(tmp_path.iterdir()) == []
        assert type(found["X"]) is np.ndarray
    assert folders == [None]
