"""Pictures made of pixels, such as a digit: PNG as a data address, sharp at any size."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def picture(values: NDArray[Any], alt: str, low: float, high: float) -> str:
    """A grey picture (height, width): ``low`` is white and ``high`` black, as ink on paper."""
    share = np.clip((np.asarray(values, np.float64) - low) / max(high - low, 1e-12), 0, 1)
    grey = (255 * (1 - share)).round().astype(np.uint8)
    return image(grey, alt)


def image(pixels: NDArray[np.uint8], alt: str) -> str:
    """Grey (height, width) or red, green, blue (height, width, 3), 0 to 255, as an ``img``."""
    data = base64.b64encode(png(pixels)).decode("ascii")
    height, width = pixels.shape[:2]
    return (
        f'<img class="pixels" src="data:image/png;base64,{data}" alt="{html.escape(alt)}" '
        f'width="{width}" height="{height}">'
    )


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file: signature, header, compressed rows, end. Source: RFC 2083."""
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    # Each row begins with the number of its filter: 0, none.
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
