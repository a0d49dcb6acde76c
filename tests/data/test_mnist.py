"""MNIST: the real files where there are some; finding, fetching and refusing with small ones."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import os
import struct
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from chainrule.data import find_mnist, mnist
from chainrule.errors import DownloadError, FileFormatError, MissingPackageError

module = importlib.import_module("chainrule.data.mnist")
NAMES = list(module.FILES)


# The real files


@pytest.fixture(scope="module")
def real():
    chosen = os.environ.get("CHAINRULE_DATA")
    if not chosen:
        pytest.skip("CHAINRULE_DATA is not set, so there are no real MNIST files to read")
    if module._lacking(Path(chosen) / "mnist"):
        pytest.skip("the folder mnist in CHAINRULE_DATA lacks some of the four MNIST files")
    start = time.process_time()
    data = mnist()
    return data, time.process_time() - start


def test_real_mnist_is_mnist(real):
    data, _ = real
    assert (data.X_train.shape, data.X_test.shape) == ((60000, 784), (10000, 784))
    assert (data.X_train.dtype, data.y_train.dtype) == (np.float32, np.int64)
    assert (data.X_train.min(), data.X_train.max()) == (0.0, 1.0)
    assert data.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert data.X_train.mean(dtype=np.float64) * 255 == pytest.approx(33.318421, abs=1e-5)
    assert (data.image_shape, data.class_names) == ((28, 28), tuple("0123456789"))


def test_real_mnist_loads_fast(real):
    def again() -> float:
        start = time.process_time()
        mnist()
        return time.process_time() - start

    # The best of three, because a busy machine may slow any one of them.
    assert real[1] < 1.5 or min(again(), again()) < 1.5


# Small files of the same form


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def small() -> dict[str, bytes]:
    """Five training and two test pictures, by the names of MNIST, uncompressed."""
    rng = np.random.default_rng(0)
    arrays = [
        rng.integers(0, 256, (5, 28, 28)),
        np.array([5, 0, 4, 1, 9]),
        rng.integers(0, 256, (2, 28, 28)),
        np.array([7, 2]),
    ]
    return {name: idx(array) for name, array in zip(NAMES, arrays, strict=True)}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith("gz") else data)
    return folder


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty $CHAINRULE_DATA/mnist and an empty cache; no mirror answers."""
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path / "chosen"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(module, "MIRRORS", ())
    return tmp_path / "chosen" / "mnist", tmp_path / "cache" / "chainrule" / "mnist"


def test_found_nowhere(places):
    assert find_mnist() is None


@pytest.mark.parametrize("which", [0, 1])
def test_found_in_either_place(places, which):
    put(places[which], small())
    assert find_mnist() == places[which]
    data = mnist()
    assert data.y_train.tolist() == [5, 0, 4, 1, 9]
    expected = np.frombuffer(small()[NAMES[0]][16:], dtype=np.uint8).reshape(5, 784)
    assert np.array_equal(data.X_train, expected.astype(np.float32) / np.float32(255))


def test_the_variable_comes_first_and_needs_all_four(places):
    for place in places:
        put(place, small())
    assert find_mnist() == places[0]
    (places[0] / NAMES[1]).unlink()
    assert find_mnist() == places[1]


def test_without_the_variable(places, monkeypatch):
    put(places[0], small())
    monkeypatch.delenv("CHAINRULE_DATA")
    assert find_mnist() is None
    put(places[1], small())
    assert find_mnist() == places[1]


def test_uncompressed_files_will_do(places):
    put(places[0], {name.removesuffix(".gz"): data for name, data in small().items()})
    assert find_mnist() == places[0]
    assert mnist().y_test.tolist() == [7, 2]


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        (NAMES[0], np.zeros((5, 8, 8)), "its pictures are (8, 8) pixels, expected (28, 28)"),
        (
            NAMES[0],
            np.zeros((4, 28, 28)),
            f"it holds 4 pictures and {NAMES[1]} holds 5 labels",
        ),
        (NAMES[2], np.zeros(2), "it holds uint8 (2,), expected uint8 with 3 axes"),
        (NAMES[3], np.array([7, 10]), "it holds the label 10, expected 0 to 9"),
    ],
)
def test_files_that_are_not_mnist(places, name, array, text):
    put(places[0], {**small(), name: idx(array)})
    with pytest.raises(FileFormatError) as caught:
        mnist()
    assert str(caught.value) == (
        f"{places[0] / name} is not a file of MNIST: {text}. "
        f"Remove {name}, and mnist() will fetch it again."
    )


def test_a_damaged_file_says_what_to_do(places):
    put(places[1], small())
    (places[1] / NAMES[0]).write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(FileFormatError) as caught:
        mnist()
    assert str(caught.value).startswith(f"{places[1] / NAMES[0]}: its gzip compression is broken")
    assert str(caught.value).endswith(f"Remove {NAMES[0]}, and mnist() will fetch it again.")


def test_a_file_that_vanishes(places):
    with pytest.raises(FileFormatError) as caught:
        module._read_part(places[0], "train")
    assert str(caught.value) == (f"{places[0]}: a file of MNIST vanished while it was being read.")


# Fetching, from a server on this machine


class Handler(BaseHTTPRequestHandler):
    def __init__(self, files: dict[str, bytes], cut: bool, *args: object) -> None:
        self.files, self.cut = files, cut
        super().__init__(*args)

    def do_GET(self) -> None:
        data = self.files.get(self.path.rsplit("/", 1)[-1])
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.cut else data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve(monkeypatch):
    servers = []

    def start(files: dict[str, bytes], cut: bool = False) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, files, cut))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def packed(monkeypatch):
    files = {name: gzip.compress(data, mtime=0) for name, data in small().items()}
    sums = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(module, "FILES", sums)
    return files


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetched_once_into_the_cache(places, serve, packed, monkeypatch, capfd):
    monkeypatch.setattr(module, "MIRRORS", (serve(packed),))
    assert mnist().y_train.tolist() == [5, 0, 4, 1, 9]
    assert kept(places[1]) == sorted(NAMES)
    assert kept(places[0]) == []
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(module, "MIRRORS", ())
    assert mnist().y_test.tolist() == [7, 2]


def test_the_second_mirror_steps_in(places, serve, packed, monkeypatch):
    lacking = {name: data for name, data in packed.items() if name != NAMES[2]}
    monkeypatch.setattr(module, "MIRRORS", (serve(lacking), serve(packed)))
    assert mnist().y_test.tolist() == [7, 2]


def test_only_what_is_lacking_is_fetched(places, serve, packed, monkeypatch):
    put(places[1], {name: data for name, data in small().items() if name != NAMES[3]})
    monkeypatch.setattr(module, "MIRRORS", (serve({NAMES[3]: packed[NAMES[3]]}),))
    assert mnist().y_test.tolist() == [7, 2]


def failure() -> str:
    with pytest.raises(DownloadError) as caught:
        mnist()
    return str(caught.value)


def test_a_wrong_checksum_leaves_nothing(places, serve, packed, monkeypatch):
    wrong = {name: data + b"!" for name, data in packed.items()}
    mirror = serve(wrong)
    monkeypatch.setattr(module, "MIRRORS", (mirror,))
    text = failure()
    assert f"tried        {mirror}{NAMES[0]}\n               ValueError: MD5 hash of" in text
    assert kept(places[1]) == []


def test_a_cut_download_leaves_nothing(places, serve, packed, monkeypatch):
    monkeypatch.setattr(module, "MIRRORS", (serve(packed, cut=True),))
    assert "Error: " in failure()
    assert kept(places[1]) == []


def test_offline_names_every_place_and_the_way_out(places, serve, packed, monkeypatch):
    put(places[0], {NAMES[0]: small()[NAMES[0]]})
    missing = serve({})
    monkeypatch.setattr(module, "MIRRORS", ("http://127.0.0.1:1/", missing))
    lines = failure().splitlines()
    assert lines[:4] == [
        "MNIST is not on this machine and could not be downloaded.",
        f"  looked in    {places[0]}, which lacks {', '.join(NAMES[1:])}",
        f"  and in       {places[1]}",
        f"  tried        http://127.0.0.1:1/{NAMES[0]}",
    ]
    assert lines[4].startswith("               ConnectionError: ")
    assert len(lines[4]) < 200
    assert lines[5] == f"  tried        {missing}{NAMES[0]}"
    assert lines[6].startswith("               HTTPError: 404 ")
    assert lines[7:] == [
        f"  what to do   put {', '.join(NAMES)}",
        f"               into {places[1]}, or into a folder named mnist and set CHAINRULE_DATA to "
        "the",
        "               folder above it",
    ]


def test_offline_without_the_variable(places, monkeypatch):
    monkeypatch.delenv("CHAINRULE_DATA")
    text = failure()
    assert "  looked in    no folder: the environment variable CHAINRULE_DATA is not set\n" in text


def test_a_cache_that_cannot_be_written(places, serve, packed, monkeypatch):
    monkeypatch.setattr(module, "MIRRORS", (serve(packed),))
    places[1].parent.mkdir(parents=True)
    places[1].write_bytes(b"a file where the folder should be")
    text = failure()
    assert f"{NAMES[0]}\n               " in text
    assert "Error: [Errno " in text


def test_the_logger_of_pooch_is_left_as_it_was(places):
    import pooch

    before = pooch.get_logger().level
    failure()
    assert pooch.get_logger().level == before


def test_without_pooch(places, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "pooch" else find_spec(name)
    )
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert find_mnist() is None
    with pytest.raises(MissingPackageError) as caught:
        mnist()
    assert str(caught.value) == (
        "Fetching MNIST needs the package 'pooch', which is not installed: "
        "pip install 'chainrule[data]'"
    )
    put(places[0], small())
    assert mnist().y_test.tolist() == [7, 2]


# The progress bar


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def test_no_bar_unless_a_terminal_watches(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    assert module._progress_bar("x") is None


def test_no_bar_without_rich(terminal, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert module._progress_bar("x") is None


def test_the_bar_fills_as_pooch_drives_it(terminal):
    bar = module._progress_bar("train-images")
    try:
        assert bar.total is None
        bar.total = 1000
        bar.update(1024)  # pooch counts whole chunks
        bar.reset()
        bar.update(1000)
        task = bar.bar.tasks[0]
        assert (task.completed, task.total, bar.total) == (1000, 1000, 1000)
        bar.total = 0
        assert bar.bar.tasks[0].total == 1000
    finally:
        bar.close()
        bar.close()
    assert bar.bar.finished


def test_fetching_with_a_bar(places, serve, packed, monkeypatch, terminal, capsys):
    monkeypatch.setattr(module, "MIRRORS", (serve(packed),))
    assert mnist().y_test.tolist() == [7, 2]
    assert capsys.readouterr().out == ""
