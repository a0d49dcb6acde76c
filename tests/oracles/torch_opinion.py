"""What PyTorch thinks each op is: its name to a function of (op, *tensors).

An op that no other library has stands in ``WITHOUT`` with the reason, and with what judges it
instead. Settings such as the axis are read from the op; nothing else of chainrule is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

WITHOUT = {
    "constant": "it computes nothing: it is a number that stands in the graph",
    "uniform": "no library draws these bits; test_op_random.py works the hash in Python's integers",
}


def _dims(op: Any, x: torch.Tensor) -> tuple[int, ...]:
    axis = tuple(range(x.ndim)) if op.axis is None else op.axis
    return axis if isinstance(axis, tuple) else (axis,)


def _logsumexp(op: Any, x: torch.Tensor) -> torch.Tensor:
    # A number without axes is its own log-sum-exp, and PyTorch wants an axis.
    return torch.logsumexp(x, _dims(op, x), op.keepdims) if x.ndim else x + 0.0


def _key(key: tuple[Any, ...], arrays: tuple[torch.Tensor, ...]) -> tuple[Any, ...]:
    rest = iter(arrays)
    return tuple(
        slice(*part) if isinstance(part, tuple) else next(rest) if part == "array" else part
        for part in key
    )


def _index_add(op: Any, x: torch.Tensor, *arrays: torch.Tensor) -> torch.Tensor:
    places = torch.arange(math.prod(op.to)).reshape(op.to)[_key(op.key, arrays)]
    empty = torch.zeros(math.prod(op.to), dtype=x.dtype)
    return empty.index_add(0, places.flatten(), x.flatten()).reshape(op.to)


def _binary_cross_entropy(op: Any, z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    z, t = torch.broadcast_tensors(z, t)
    return functional.binary_cross_entropy_with_logits(z, t, reduction="none")


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda op, *x: function(*x)


ORACLES: dict[str, Callable[..., Any]] = {
    # arithmetic
    "add": _plain(torch.add),
    "subtract": _plain(torch.subtract),
    "multiply": _plain(torch.multiply),
    "divide": _plain(torch.divide),
    "power": _plain(torch.pow),
    "negative": _plain(torch.negative),
    "square": _plain(torch.square),
    "abs": _plain(torch.abs),
    "sign": _plain(torch.sign),
    "maximum": _plain(torch.maximum),
    "minimum": _plain(torch.minimum),
    "clip": lambda op, x: torch.clamp(x, op.low, op.high),
    "where": _plain(torch.where),
    "identity": _plain(torch.clone),
    "astype": lambda op, x: x.to(getattr(torch, op.to)),
    "less": _plain(torch.less),
    "less_equal": _plain(torch.less_equal),
    "greater": _plain(torch.greater),
    "greater_equal": _plain(torch.greater_equal),
    "equal": _plain(torch.eq),
    "not_equal": _plain(torch.not_equal),
    "logical_and": _plain(torch.logical_and),
    "logical_or": _plain(torch.logical_or),
    "logical_not": _plain(torch.logical_not),
    # exponentials and waves
    "exp": _plain(torch.exp),
    "expm1": _plain(torch.expm1),
    "log": _plain(torch.log),
    "log1p": _plain(torch.log1p),
    "logaddexp": _plain(torch.logaddexp),
    "sqrt": _plain(torch.sqrt),
    "sin": _plain(torch.sin),
    "cos": _plain(torch.cos),
    # activations
    "tanh": _plain(torch.tanh),
    "sigmoid": _plain(torch.sigmoid),
    "softplus": _plain(lambda x: torch.logaddexp(x, torch.zeros_like(x))),
    "relu": _plain(torch.relu),
    "leaky_relu": lambda op, x: functional.leaky_relu(x, op.slope),
    "elu": lambda op, x: functional.elu(x, op.alpha),
    "silu": _plain(functional.silu),
    "gelu": _plain(lambda x: functional.gelu(x, approximate="tanh")),
    # reductions
    "sum": lambda op, x: torch.sum(x, _dims(op, x), op.keepdims),
    "mean": lambda op, x: torch.mean(x, _dims(op, x), op.keepdims),
    "var": lambda op, x: torch.var(x, _dims(op, x), correction=0, keepdim=op.keepdims),
    "max": lambda op, x: torch.amax(x, _dims(op, x), op.keepdims),
    "min": lambda op, x: torch.amin(x, _dims(op, x), op.keepdims),
    "logsumexp": _logsumexp,
    "argmax": lambda op, x: torch.argmax(x, op.axis),
    # shapes
    "reshape": lambda op, x: torch.reshape(x, op.to),
    "transpose": lambda op, x: torch.permute(x, op.axes),
    "broadcast_to": lambda op, x: torch.broadcast_to(x, op.to),
    "concatenate": lambda op, *x: torch.cat(x, op.axis),
    # indexing
    "index": lambda op, x, *arrays: x[_key(op.key, arrays)],
    "index_add": _index_add,
    "one_hot": lambda op, x: functional.one_hot(x, op.classes).to(getattr(torch, op.to)),
    # linear algebra
    "matmul": _plain(torch.matmul),
    # probabilities
    "softmax": lambda op, x: torch.softmax(x, op.axis),
    "log_softmax": lambda op, x: torch.log_softmax(x, op.axis),
    "softmax_cross_entropy": _plain(lambda z, t: functional.cross_entropy(z, t, reduction="none")),
    "sigmoid_cross_entropy": _binary_cross_entropy,
    "times_log": lambda op, t, x: torch.xlogy(t, x),
}
