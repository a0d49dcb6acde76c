"""IDX files: what is written comes back, and every kind of damage is named."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chainrule.data import read_idx
from chainrule.errors import DataError, FileFormatError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    header = bytes([0, 0, CODES[kind], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(f">{kind}").tobytes()


@settings(deadline=None)  # a busy machine is no failure
@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda kind: arrays.arrays(
            np.dtype(kind), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
        )
    ),
    packed=st.booleans(),
)
def test_what_is_written_comes_back(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / "numbers"
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data) if packed else data)
    back = read_idx(path)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    assert back.dtype.isnative
    assert back.tobytes() == array.tobytes()  # bytes, so that NaN and -0.0 count


def test_the_result_may_be_written_to(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(np.zeros(3, dtype=np.uint8)))
    back = read_idx(str(path))
    back += 1
    assert back.tolist() == [1, 1, 1]


GOOD = idx_bytes(np.arange(6, dtype=np.int32).reshape(2, 3))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            b"",
            " is not an IDX file: it must begin with 00 00, the kind of number and the number of "
            "axes, and it begins with nothing.",
        ),
        (
            b"PK\x03\x04more",
            " is not an IDX file: it must begin with 00 00, the kind of number and the number of "
            "axes, and it begins with 50 4b 03 04.",
        ),
        (
            b"\0\0\x0a\x01\0\0\0\0",
            ": the IDX header names the kind of number 0a, which is not known. Known: 08 uint8, "
            "09 int8, 0b int16, 0c int32, 0d float32, 0e float64.",
        ),
        (
            b"\0\0\x08\xff" + bytes(2000),
            ": the IDX header names 255 axes; arrays have at most 64.",
        ),
        (
            GOOD[:9],
            " is truncated: a header with 2 axes takes 12 bytes, and the file has 9.",
        ),
        (
            GOOD[:-1],
            " is truncated: its header promises int32 (2, 3), which is 24 bytes, and 23 follow.",
        ),
        (
            GOOD + b"\0",
            " has trailing bytes: its header promises int32 (2, 3), which is 24 bytes, and 25 "
            "follow.",
        ),
        (
            PACKED[:-12],
            ": its gzip compression is broken (Compressed file ended before the end-of-stream "
            "marker was reached); the file was probably cut short or changed on its way here. "
            "Fetch it again.",
        ),
    ],
)
def test_damage_is_named(tmp_path, data, text):
    path = tmp_path / "broken"
    path.write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        read_idx(path)
    assert str(caught.value) == f"{path}{text}"


@pytest.mark.parametrize(
    "data",
    [
        PACKED[:1] + b"\x8b",  # the magic and nothing else
        PACKED[:5],
        PACKED[:-2],
        PACKED[:-5] + bytes([PACKED[-5] ^ 1]) + PACKED[-4:],  # the checksum
        PACKED[:12] + bytes(byte ^ 0xFF for byte in PACKED[12:20]) + PACKED[20:],
        PACKED + b"garbage",
    ],
)
def test_every_break_in_the_compression_has_one_voice(tmp_path, data):
    path = tmp_path / "broken.gz"
    path.write_bytes(data)
    with pytest.raises(FileFormatError) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: its gzip compression is broken (")


@settings(deadline=None)  # a busy machine is no failure
@given(data=st.binary(max_size=40), start=st.sampled_from([b"", b"\0\0\x08", GOOD, PACKED]))
def test_no_bytes_make_it_fail_otherwise(tmp_path_factory, data, start):
    path = tmp_path_factory.mktemp("idx") / "any"
    path.write_bytes(start + data)
    fault, back = "", None
    try:
        back = read_idx(path)
    except FileFormatError as error:
        fault = str(error)
    if back is None:
        assert fault.startswith(str(path))
    else:
        content = gzip.decompress(start + data) if start == PACKED else start + data
        assert idx_bytes(back) == content


def test_a_shape_that_numpy_cannot_count(tmp_path):
    path = tmp_path / "huge"
    path.write_bytes(b"\0\0\x08\x04" + struct.pack(">4I", 0, *[2**32 - 1] * 3))
    with pytest.raises(FileFormatError, match="no array can have the shape"):
        read_idx(path)


def test_no_such_file(tmp_path):
    (tmp_path / "train-labels").write_bytes(GOOD)
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "train-label")
    assert str(caught.value) == (
        f"{tmp_path / 'train-label'}: there is no such file. Did you mean 'train-labels'?"
    )


def test_a_directory(tmp_path):
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path)
    assert str(caught.value) == f"{tmp_path} is a directory; give the path of an IDX file in it."
