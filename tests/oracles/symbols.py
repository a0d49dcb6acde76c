"""What SymPy makes of an op's symbol: its value, and its derivative by ``sympy.diff``."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

#: A jump has no derivative, and nowhere else is it other than 0.
_NUMERIC = [{"DiracDelta": lambda *x: 0.0, "Heaviside": lambda x, *half: np.heaviside(x, 0.5)},
            "numpy"]  # fmt: skip


def symbolic(x: np.ndarray[Any, Any], letter: str) -> np.ndarray[Any, Any]:
    """An array of real symbols for an array of floats; anything else stays as it is."""
    if x.dtype.kind != "f":
        return x
    names = [sympy.Symbol(f"{letter}{i}", real=True) for i in range(x.size)]
    array = np.empty(x.size, object)
    array[:] = names
    return array.reshape(x.shape)


def value_and_gradients(
    op: Any, inputs: tuple[Any, ...], v: Any
) -> tuple[np.ndarray[Any, Any], list[np.ndarray[Any, Any]]]:
    """The value of ``op.symbol`` and the gradient of Σ v · value, both at ``inputs``."""
    given = [symbolic(x, letter) for x, letter in zip(inputs, "abcdef", strict=False)]
    result = np.asarray(op.symbol(*given), dtype=object)
    floats = [(s, x) for s, x in zip(given, inputs, strict=True) if x.dtype.kind == "f"]
    symbols = [entry for s, _ in floats for entry in s.ravel()]
    numbers = [float(entry) for _, x in floats for entry in x.ravel()]
    entries = [sympy.sympify(_python(entry)) for entry in result.ravel()]
    values = _evaluated(symbols, entries, numbers).reshape(result.shape)
    if v is None or not symbols:
        return values, []
    total = sympy.Add(*[float(w) * e for w, e in zip(np.ravel(v), entries, strict=True)])
    slopes = _evaluated(symbols, [sympy.diff(total, s) for s in symbols], numbers)
    ends = np.cumsum([x.size for _, x in floats])[:-1]
    parts = np.split(slopes.astype(float), ends)
    return values, [part.reshape(x.shape) for part, (_, x) in zip(parts, floats, strict=True)]


def _python(entry: Any) -> Any:
    return entry.item() if isinstance(entry, np.generic) else entry


def _evaluated(symbols: list[Any], entries: list[Any], numbers: list[float]) -> Any:
    function = sympy.lambdify(symbols, entries, modules=_NUMERIC)
    return np.array([_python(entry) for entry in function(*numbers)])
