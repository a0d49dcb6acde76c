"""einsum: sums of products by the names of axes, written in products of matrices.

``einsum("ij,jk->ik", a, b)`` is the product of matrices, ``"i,i->"`` of vectors, ``"ii->i"`` the
diagonal, ``"...ij->...ji"`` a transpose. Operands are combined two at a time from the left: axes
that both have and nobody needs later are summed over, which is a (batched) product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError
from chainrule.graph.op import public, speaks_for
from chainrule.ops.arithmetic import multiply
from chainrule.ops.indexing import getitem
from chainrule.ops.linear import matmul
from chainrule.ops.reduce import sum as total
from chainrule.ops.shape import reshape, shape_of, transpose

#: An axis: a letter, or for those of an ellipsis a number, counted from the last.
Labels = tuple[str | int, ...]


@public
@speaks_for(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    """Sums of products: y[output] = Σ over all other letters of Π operand[its letters].

    Args:
        subscripts: the letters of each operand's axes with commas between, then ``->`` and those of
            the result; without an arrow, every letter that occurs once, sorted. ``...`` stands for
            any other axes.
        operands: Tensors or arrays, one for each part of ``subscripts``.
        optimize: taken for NumPy's sake; the order is always from the left.

    Raises:
        OptionError: subscripts that are not understood, or not one for each operand.
        ShapeError: an operand with other axes than its letters, or one letter of two sizes.
    """
    if not isinstance(subscripts, str):
        raise OptionError(
            "einsum takes the names of the axes as text, such as einsum('ij,jk->ik', a, b); got "
            f"{type(subscripts).__name__} first."
        )
    inputs, output = _parsed(subscripts, [shape_of(x) for x in operands])
    sizes = _sizes(subscripts, inputs, [shape_of(x) for x in operands])
    whole = [_diagonal(x, labels) for x, labels in zip(operands, inputs, strict=True)]
    terms = [_stretched(x, labels, sizes) for x, labels in whole]
    x, labels = _summed(*terms[0], {*output, *_of(terms[1:])})
    for place, (y, others) in enumerate(terms[1:], start=2):
        later = {*output, *_of(terms[place:])}
        y, others = _summed(y, others, later | set(labels))
        x, labels = _product(x, labels, y, others, later)
    return _ordered(x, labels, output)


def _of(terms: Sequence[tuple[Any, Labels]]) -> set[str | int]:
    return {label for _, labels in terms for label in labels}


# --- reading ------------------------------------------------------------------------------------


def _parsed(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(shapes):
        raise OptionError(
            f"einsum {subscripts!r} names {len(parts)} operands, and {len(shapes)} were given."
        )
    for part in (*parts, right):
        letters = part.replace("...", "", 1)
        if letters and not (letters.isalpha() and letters.isascii()):
            raise OptionError(
                f"einsum {subscripts!r}: {part!r} is not understood. An axis is a letter, ... are "
                "the other axes, a comma stands between operands, -> before the result."
            )
    inputs = [
        _labelled(part, len(shape), subscripts) for part, shape in zip(parts, shapes, strict=True)
    ]
    found = [label for labels in inputs for label in labels]
    dots = tuple(sorted({one for one in found if isinstance(one, int)}, reverse=True))
    if not arrow:
        once = sorted(one for one in set(found) if isinstance(one, str) and found.count(one) == 1)
        return inputs, (*dots, *once)
    before, has_dots, behind = right.partition("...")
    output: Labels = (*before, *(dots if has_dots else ()), *behind)
    unknown = [label for label in output if label not in found]
    if unknown or len(set(output)) < len(output):
        what = f"{unknown[0]!r}, which no operand has" if unknown else "a letter twice"
        raise OptionError(f"einsum {subscripts!r}: the result names {what}.")
    if dots and not has_dots:
        raise OptionError(f"einsum {subscripts!r}: the result needs ... for the other axes.")
    return inputs, output


def _labelled(part: str, ndim: int, subscripts: str) -> Labels:
    before, dots, behind = part.partition("...")
    others = ndim - len(before) - len(behind)
    if others < 0 or (others and not dots):
        raise ShapeError(
            f"einsum {subscripts!r}: {part!r} names {len(before) + len(behind)} axes, and the "
            f"operand has {ndim}."
        )
    return (*before, *range(others, 0, -1), *behind)


def _sizes(
    subscripts: str, inputs: Sequence[Labels], shapes: Sequence[tuple[int, ...]]
) -> dict[str | int, int]:
    """The size of each axis; an axis of size 1 stretches."""
    sizes: dict[str | int, int] = {}
    for labels, shape in zip(inputs, shapes, strict=True):
        for label, size in zip(labels, shape, strict=True):
            known = sizes.get(label, 1)
            if size != known and 1 not in (size, known):
                name = "..." if isinstance(label, int) else label
                raise ShapeError(
                    f"einsum {subscripts!r}: the axis {name!r} has size {known} and size {size}; "
                    f"the operands have shapes {', '.join(map(str, shapes))}."
                )
            sizes[label] = size if known == 1 else known
    return sizes


# --- computing ----------------------------------------------------------------------------------


def _diagonal(x: Any, labels: Labels) -> tuple[Any, Labels]:
    """Letters that one operand has twice, taken together: its diagonal."""
    for label in dict.fromkeys(labels):
        places = [place for place, one in enumerate(labels) if one == label]
        if len(places) == 1:
            continue
        size = max(shape_of(x)[place] for place in places)
        # In front, so that it stands before them all whatever lies between.
        rest = tuple(one for one in labels if one != label)
        x = _moved(x, [*places, *[i for i in range(len(labels)) if i not in places]])
        ours = shape_of(x)[: len(places)]
        steps = [np.arange(n) if n == size else np.zeros(size, int) for n in ours]
        x, labels = getitem(x, tuple(steps)), (label, *rest)
    return x, labels


def _stretched(x: Any, labels: Labels, sizes: dict[str | int, int]) -> tuple[Any, Labels]:
    """Without the axes of size 1 that others have longer: a product repeats them by itself."""
    shape = shape_of(x)
    kept = [i for i, label in enumerate(labels) if shape[i] == sizes[label]]
    if len(kept) == len(labels):
        return x, labels
    return reshape(x, tuple(shape[i] for i in kept)), tuple(labels[i] for i in kept)


def _summed(x: Any, labels: Labels, needed: set[str | int]) -> tuple[Any, Labels]:
    """Summed over the axes that nobody else needs."""
    gone = tuple(i for i, label in enumerate(labels) if label not in needed)
    return (total(x, gone) if gone else x), tuple(one for one in labels if one in needed)


def _product(
    a: Any, of_a: Labels, b: Any, of_b: Labels, later: set[str | int]
) -> tuple[Any, Labels]:
    """The product of two, summed over what both have and nobody needs later."""
    shared = [label for label in of_a if label in of_b]
    batch = [label for label in shared if label in later]
    inner = [label for label in shared if label not in later]
    left = [label for label in of_a if label not in of_b]
    right = [label for label in of_b if label not in of_a]
    size = dict(zip((*of_a, *of_b), (*shape_of(a), *shape_of(b)), strict=True))
    a, b = _ordered(a, of_a, (*batch, *left, *inner)), _ordered(b, of_b, (*batch, *inner, *right))

    def shape(labels: Sequence[str | int]) -> tuple[int, ...]:
        return tuple(size[label] for label in labels)

    result = (*batch, *left, *right)
    if not inner:  # all against all
        a = _shaped(a, (*shape(batch), *shape(left), *(1 for _ in right)))
        b = _shaped(b, (*shape(batch), *(1 for _ in left), *shape(right)))
        return multiply(a, b), result
    front = (math.prod(shape(batch)),) if batch else ()
    rows = (math.prod(shape(left)),) if left or batch else ()
    columns = (math.prod(shape(right)),) if right or batch else ()
    between = math.prod(shape(inner))
    y = matmul(_shaped(a, (*front, *rows, between)), _shaped(b, (*front, between, *columns)))
    return _shaped(y, shape(result)), result


def _ordered(x: Any, labels: Labels, wanted: Sequence[str | int]) -> Any:
    return _moved(x, [labels.index(label) for label in wanted])


def _moved(x: Any, axes: Sequence[int]) -> Any:
    return x if list(axes) == list(range(len(axes))) else transpose(x, axes)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if shape_of(x) == shape else reshape(x, shape)
