"""MNIST: 70,000 handwritten digits, found on this machine or downloaded once.

The four files are looked for in ``$CHAINRULE_DATA/mnist``, then in the user's cache, then fetched
into the cache. Each may be plain or compressed (``.gz``).
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.dataset import Dataset
from chainrule.data.idx import read_idx
from chainrule.errors import DownloadError, FileFormatError, optional_package

VARIABLE = "CHAINRULE_DATA"
# MD5, not for safety but because that is what the mirrors' users have long compared.
FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_SECONDS = 30  # without an answer, before the next mirror is tried


def mnist() -> Dataset:
    """The MNIST digits: 60,000 to learn from and 10,000 to be judged on.

    Pixels from 0 to 255 are divided by 255; inputs are float32 (n, 784) between 0 and 1, in the
    files' own order. Labels are int64 (n,).

    Raises:
        DownloadError: the files are not on this machine and could not be fetched.
        FileFormatError: a file is damaged, or is not what its name says.
        MissingPackageError: a download is needed and pooch is not installed.

    Source: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to
    document recognition*, Proceedings of the IEEE 86(11), 1998.
    """
    folder = find_mnist() or _download()
    X_train, y_train = _read_part(folder, "train")
    X_test, y_test = _read_part(folder, "t10k")
    return Dataset(
        name="mnist",
        X_train=X_train,
        y_train=y_train,
        X_test=X_test,
        y_test=y_test,
        class_names=tuple("0123456789"),
        image_shape=(28, 28),
    )


def find_mnist() -> Path | None:
    """The folder that holds all four files, or None. Nothing is downloaded, nothing is opened."""
    for folder in _folders():
        if not _lacking(folder):
            return folder
    return None


def _folders() -> Iterator[Path]:
    # A generator, so that pooch is imported only where the variable did not lead to the files.
    chosen = os.environ.get(VARIABLE)
    if chosen:
        yield Path(chosen).expanduser() / "mnist"
    if importlib.util.find_spec("pooch") is not None:
        yield _cache()


def _cache() -> Path:
    pooch = optional_package("pooch", "data", "Fetching MNIST")
    return Path(pooch.os_cache("chainrule")) / "mnist"


def _file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / name.removesuffix(".gz")):
        if path.is_file():
            return path
    return None


def _lacking(folder: Path) -> list[str]:
    return [name for name in FILES if _file(folder, name) is None]


def _read_part(folder: Path, part: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    images_name, labels_name = (name for name in FILES if name.startswith(part))
    images_path, labels_path = _file(folder, images_name), _file(folder, labels_name)
    if images_path is None or labels_path is None:
        raise FileFormatError(f"{folder}: a file of MNIST vanished while it was being read.")
    images, labels = _checked(images_path, 3), _checked(labels_path, 1)
    if images.shape[1:] != (28, 28):
        raise _unfit(images_path, f"its pictures are {images.shape[1:]} pixels, expected (28, 28)")
    if len(images) != len(labels):
        raise _unfit(
            images_path,
            f"it holds {len(images)} pictures and {labels_path.name} holds {len(labels)} labels",
        )
    if len(labels) and labels.max() > 9:
        raise _unfit(labels_path, f"it holds the label {labels.max()}, expected 0 to 9")
    # One pass from bytes to scaled floats: an intermediate array would be 188 MB.
    scaled = np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)
    return scaled, labels.astype(np.int64)


def _checked(path: Path, axes: int) -> NDArray[np.uint8]:
    try:
        numbers = read_idx(path)
    except FileFormatError as error:
        raise FileFormatError(f"{error} {_remedy(path)}") from error
    if numbers.dtype != np.uint8 or numbers.ndim != axes:
        raise _unfit(
            path, f"it holds {numbers.dtype} {numbers.shape}, expected uint8 with {axes} axes"
        )
    return numbers


def _unfit(path: Path, fault: str) -> FileFormatError:
    return FileFormatError(f"{path} is not a file of MNIST: {fault}. {_remedy(path)}")


def _remedy(path: Path) -> str:
    return f"Remove {path.name}, and mnist() will fetch it again."


def _download() -> Path:
    pooch = optional_package("pooch", "data", "Fetching MNIST")
    folder = _cache()
    logger = pooch.get_logger()
    level = logger.level
    # What pooch would print is in our progress bar, or in our error.
    logger.setLevel(logging.WARNING)
    try:
        for name in _lacking(folder):
            _fetch(pooch, folder, name)
    finally:
        logger.setLevel(level)
    return folder


def _fetch(pooch: Any, folder: Path, name: str) -> None:
    tried = []
    for mirror in MIRRORS:
        bar = _progress_bar(name)
        try:
            # pooch writes to a temporary file, and gives it its name once the checksum is right.
            pooch.retrieve(
                mirror + name,
                known_hash=f"md5:{FILES[name]}",
                fname=name,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=bar or False, timeout=_SECONDS),
            )
            return
        except (OSError, ValueError) as error:
            # OSError: no network, no such page, no right to write. ValueError: wrong checksum.
            tried.append(f"{mirror}{name}\n               {_first_words(error)}")
        finally:
            if bar is not None:
                bar.close()
    raise DownloadError(_offline_text(folder, tried))


def _first_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:160]}{' ...' if len(text) > 160 else ''}"


def _offline_text(cache: Path, tried: list[str]) -> str:
    chosen = os.environ.get(VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser() / "mnist"
        looked = f"{folder}, which lacks {', '.join(_lacking(folder))}"
    else:
        looked = f"no folder: the environment variable {VARIABLE} is not set"
    return "\n".join(
        [
            "MNIST is not on this machine and could not be downloaded.",
            f"  looked in    {looked}",
            f"  and in       {cache}",
            *(f"  tried        {attempt}" for attempt in tried),
            f"  what to do   put {', '.join(FILES)}",
            f"               into {cache}, or into a folder named mnist and set {VARIABLE} to the",
            "               folder above it",
        ]
    )


def _progress_bar(name: str) -> _Bar | None:
    if not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        return None
    return _Bar(name)


class _Bar:
    """A bar of rich with the four names that pooch calls: total, update, reset, close."""

    def __init__(self, name: str) -> None:
        progress = optional_package("rich.progress", "cli", "A progress bar")
        console = optional_package("rich.console", "cli", "A progress bar").Console(stderr=True)
        self.bar = progress.Progress(
            "[progress.description]{task.description}",
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TimeRemainingColumn(),
            console=console,
        )
        self.task = self.bar.add_task(name, total=None)
        self.bar.start()

    @property
    def total(self) -> float | None:
        total: float | None = self.bar.tasks[0].total
        return total

    @total.setter
    def total(self, size: int) -> None:
        # A server that does not tell the size is heard as 0 by pooch.
        self.bar.update(self.task, total=size or None)

    def update(self, size: int) -> None:
        self.bar.advance(self.task, size)

    def reset(self) -> None:
        self.bar.reset(self.task, total=self.total)

    def close(self) -> None:
        self.bar.stop()
