"""The textbook's names for what the layers of a Sequential compute.

Of the layer with parameters W1 and b1: z1 before the activation, a1 behind it. What the last layer
gives is the prediction, y_hat. The layers between have letters of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor
from chainrule.show.spelling import Name

#: What a layer gives, by its class; anything else gives activations.
_LETTERS = {"Dropout": "d", "BatchNorm": "n", "LayerNorm": "n", "Flatten": "f"}


def layer_names(forward: Sequence[Tensor]) -> Iterator[tuple[Tensor, Name, bool]]:
    """The nodes of a Sequential that have a name in textbooks, the name, and whether it is needed.

    A name that is not needed is for the case that the node has to be called something.
    """
    of_scope: dict[str, list[Tensor]] = {}
    for node in forward:
        if re.match(r"\d+ ", node.scope):
            of_scope.setdefault(node.scope, []).append(node)
    number = 0
    for scope, nodes in of_scope.items():
        own = _own_number(nodes)
        number = own or number
        letter = _LETTERS.get(scope.split()[1], "a")
        if scope == list(of_scope)[-1]:
            yield nodes[-1], Name("y_hat", r"\hat{y}"), True
        yield from _inside(nodes, number)
        is_linear = letter == "a" and came_from(nodes[-1], "add")
        yield nodes[-1], _layer_name("z" if is_linear else letter, number, nodes[-1]), True


def _own_number(nodes: Iterable[Tensor]) -> int:
    """The number in the names of a layer's parameters; 0 if it has none."""
    for node in nodes:
        for x in node.inputs:
            match = re.fullmatch(r"[A-Za-z]+(\d+)", x.name or "")
            if x.op is None and match:
                return int(match[1])
    return 0


def _inside(nodes: Sequence[Tensor], number: int) -> Iterator[tuple[Tensor, Name, bool]]:
    """What is named inside of a layer: the sum before the activation, a batch's mean, a mask."""
    kind = nodes[0].scope.split()[1]
    at, number_in_code = _numbered(number)
    for node in nodes[:-1]:
        if came_from(node, "add") and came_from(node.inputs[0], "matmul"):
            yield node, _layer_name("z", number, node), True
        elif kind == "Dropout" and came_from(node, "astype"):
            yield node, _layer_name("m", number, node, code="mask"), True
        elif kind in ("BatchNorm", "LayerNorm"):
            if came_from(node, "mean"):
                yield node, Name(f"mu{number_in_code}", rf"\mu{at}"), True
            elif came_from(node, "var"):
                yield node, Name(f"var{number_in_code}", rf"v{at}"), True
            elif came_from(node, "divide"):
                yield node, Name(f"x_hat{number_in_code}", rf"\hat{{X}}{at}"), True
            elif came_from(node, "sqrt"):
                yield node, Name(f"std{number_in_code}", rf"\sigma{at}"), False


def _layer_name(letter: str, number: int, node: Tensor, code: str = "") -> Name:
    shown = letter.upper() if node.ndim > 1 else letter
    at, number_in_code = _numbered(number)
    return Name(f"{code or letter}{number_in_code}", f"{shown}{at}")


def _numbered(number: int) -> tuple[str, str]:
    """The number of a layer in a formula and in code; nothing before the first layer."""
    return (rf"^{{[{number}]}}", str(number)) if number else ("", "")
