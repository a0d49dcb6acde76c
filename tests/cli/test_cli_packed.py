"""Compressed tables at the command line: the same runs as of plain ones, or no run at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import streams

RNG = np.random.default_rng(2)


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("shops.csv", content)
    return stream.getvalue()


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zip": zipped,
}  # fmt: skip


@pytest.fixture
def shops(folder) -> Path:
    x, z = RNG.normal(size=(2, 1200))
    path = folder / "shops.csv"
    rows = "".join(f"{a:.4f},{b:.4f},{2 * a - b:.4f}\n" for a, b in zip(x, z, strict=True))
    path.write_text("x,z,sales\n" + rows)
    return path


def pack(path: Path, ending: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    packed = folder / f"{path.name}{ending}"
    packed.write_bytes(PACK[ending](path.read_bytes()))
    return packed


def assert_same_networks(*runs: Path) -> None:
    one, other = (cr.load(run / "model.safetensors").parameters for run in runs)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize("ending", PACK)
def test_training_predicting_and_reporting(command, shops, folder, ending):
    packed = pack(shops, ending, folder / "packed")
    for table, run in ((shops, "plain"), (packed, "run")):
        assert command("train", table, "--epochs", "3", "--out", run).exit_code == 0
    plain, run = Path("plain"), Path("run")
    assert (run / "predictions.csv").read_bytes() == (plain / "predictions.csv").read_bytes()
    assert_same_networks(run, plain)
    assert (run / "report.html").is_file()
    assert f"shops.csv{ending}" in (run / "report.html").read_text("utf-8")
    told = command("predict", "run", packed)
    assert told.exit_code == 0
    assert told.stdout == command("predict", "plain", shops).stdout
    assert command("report", "run", "--out", "again.html").exit_code == 0


def test_a_run_is_named_after_what_lies_inside(command, shops, folder):
    packed = pack(shops, ".gz", folder / "packed")
    shops.unlink()
    assert command("train", packed, "--epochs", "1").exit_code == 0
    assert [entry.name.startswith("shops-") for entry in Path("runs").iterdir()] == [True]


def test_a_large_one_is_read_in_batches(command, shops, folder, monkeypatch):
    packed = pack(shops, ".gz", folder / "packed")
    size = shops.stat().st_size
    assert packed.stat().st_size < size
    for limit, streamed in ((size, False), (size - 1, True)):
        monkeypatch.setattr(streams, "LARGE", limit)
        result = command("train", packed, "--epochs", "2", "--out", f"run-{limit}")
        assert result.exit_code == 0
        told = "gzip) is read in batches, twice. It is unpacked each time, and once more"
        assert (told in result.stderr) is streamed
    monkeypatch.setattr(streams, "LARGE", size - 1)
    assert command("train", shops, "--epochs", "2", "--out", "plain").exit_code == 0
    assert_same_networks(Path(f"run-{size - 1}"), Path("plain"))


@pytest.mark.parametrize("more", [(), ("--stream",)])
@pytest.mark.parametrize("ending", PACK)
def test_a_broken_one_leaves_no_run(command, shops, folder, ending, more):
    packed = pack(shops, ending, folder / "packed")
    packed.write_bytes(packed.read_bytes()[:-200])
    before = {entry.name for entry in Path().iterdir()}
    result = command("train", packed, *more)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {packed}: its ")
    assert " compression is broken (" in result.stderr
    assert result.stderr.count("\n") == 1
    assert {entry.name for entry in Path().iterdir()} == before


def test_a_broken_one_is_not_predicted(command, shops, folder):
    assert command("train", shops, "--epochs", "1", "--out", "run").exit_code == 0
    packed = pack(shops, ".gz", folder / "packed")
    packed.write_bytes(packed.read_bytes()[:-200])
    result = command("predict", "run", packed, "--out", "prices.csv")
    assert result.exit_code == 1
    assert "its gzip compression is broken (" in result.stderr
    assert not Path("prices.csv").exists()
