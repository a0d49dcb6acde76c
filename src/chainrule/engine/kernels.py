"""The kernels of NumPy's BLAS: which products they compute faster in parts.

OpenBLAS copies the factors of a product into an order of its own before it multiplies. For
processors with AVX-512 it also has kernels that read the factors where they lie, and takes them for
products of up to 10⁶ multiplications. Many that are larger are quicker as several of the small
ones, each for some rows::

    G = X.T @ D             784 x 100 x 100: 77 µs
    G[:96] = X.T[:96] @ D   and so on: 67 µs

Measured on some hundred shapes of 1 to 40 million multiplications, parts as below. A transposed
left factor, as in the gradient of weights: 0.87 of the time in float32 (nine in ten 0.72 to 1.08),
0.69 in float64. A left factor as it is, with up to 32 rows or up to 100 columns in the result: 0.66
to 0.91 and, but for one shape in ten, 0.81 to 1. Others take up to 1.3 times, and with a transposed
right factor 4.

The bits are those of the whole product, or where a sum has more terms than BLAS adds up in one go
(some hundreds), those of another order of adding up.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from chainrule.graph.op import Array

#: Kernels of OpenBLAS that compute small products where they lie, and up to what size they do.
SMALL_KERNELS, MOST_MULTIPLICATIONS = ("SkylakeX", "Cooperlake", "SapphireRapids"), 10**6

#: The rows of a part are a multiple of this, which suits the kernels; but for those of the last.
ROUND_ROWS = 12

#: A left factor as it is pays for results of up to so many rows, or so many columns.
FEW_ROWS, FEW_COLUMNS = 32, 100

#: In float32, a transposed left factor in parts of fewer rows than this pays for products of up to
#: so many multiplications; larger ones take 1.03 of the time (0.86 to 1.28), as each part goes
#: through the whole right factor.
SLIM_ROWS, ENOUGH_FOR_SLIM = 24, 8 * 10**6

#: Products of more multiplications than this are left to BLAS if it has more than two threads. With
#: two, an epoch of 784-100-10 took 120 ms in the best runs and 190 in most, and in parts 135.
ENOUGH_FOR_THREADS, FEW_THREADS = 4 * 10**6, 2

#: ``dot`` fills its result with zeros first, and holds Python's lock meanwhile. ``matmul`` does
#: not, but a call of it takes half a microsecond more. For results of at least so many bytes it
#: takes 0.7 (4 terms in a sum) to 0.99 (256 terms) of the time.
LARGE_RESULT = 1 << 17


def is_quicker_by_dot(left: Array, right: Array, result: Array) -> bool:
    """Whether ``left.dot(right, result)`` is quicker than ``matmul``."""
    in_one_piece = left.flags.forc and right.flags.forc  # what is not, dot would copy
    return in_one_piece and (result.ndim < 2 or result.nbytes < LARGE_RESULT)


def parts_of(left: Array, right: Array, is_alone: bool) -> list[slice]:
    """The rows of each of the products that are quicker than ``left @ right``, or all rows.

    ``is_alone``: BLAS will be held to one thread, however many it has now.
    """
    whole = [slice(0, len(left))]
    if not (left.ndim == right.ndim == 2 and right.flags.c_contiguous):
        return whole
    rows, columns = len(left), right.shape[1]
    is_turned = left.T.flags.c_contiguous
    if not (is_turned or rows <= FEW_ROWS or columns <= FEW_COLUMNS):
        return whole
    multiplications = rows * right.size
    most = MOST_MULTIPLICATIONS // max(1, right.size) // ROUND_ROWS * ROUND_ROWS
    if multiplications <= MOST_MULTIPLICATIONS or not most or kernels() not in SMALL_KERNELS:
        return whole
    is_slim = is_turned and most < SLIM_ROWS and right.itemsize < 8
    if is_slim and multiplications > ENOUGH_FOR_SLIM:
        return whole
    if multiplications > ENOUGH_FOR_THREADS and not is_alone and blas_threads() > FEW_THREADS:
        return whole
    return [slice(start, min(start + most, rows)) for start in range(0, rows, most)]


@cache
def kernels() -> str | None:
    """What OpenBLAS calls the kernels that it has chosen for this processor, if it is NumPy's."""
    function = blas_function("openblas_get_corename", ctypes.c_char_p)
    return None if function is None else function().decode()


def blas_threads() -> int:
    """The threads of NumPy's BLAS, as far as that is known."""
    function = blas_function("openblas_get_num_threads", ctypes.c_int)
    return 1 if function is None else int(function())


@cache
def blas_function(name: str, result: Any = None) -> Any:
    """A function of the OpenBLAS that comes with NumPy; None if NumPy has another BLAS."""
    try:
        # The module that is linked with BLAS finds BLAS's functions, wherever the library lies.
        linked = ctypes.CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)
        function = linked[f"scipy_{name}64_"]
    except (KeyError, OSError, AttributeError):
        return None
    function.restype = result
    return function
