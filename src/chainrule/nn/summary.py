"""The summary of a network: a table of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.nn.sequential import Sequential


def rows(net: Sequential) -> list[tuple[str, str, str, str]]:
    """Layer, output shape, parameters by name, and their count; of a network that is built."""
    from chainrule.nn.activations import activation_name

    result = []
    for i, (layer, shape, parameters) in enumerate(net.shapes()):
        settings = {**layer.settings()}
        activation = activation_name(settings.get("activation") or settings.get("function"))
        kind = type(layer).__name__ + (f" {activation}" if activation else "")
        names = ", ".join(f"{name} {array.shape}" for name, array in parameters.items())
        count = sum(array.size for array in parameters.values())
        result.append(
            (f"{i + 1} {kind}", f"(n, {', '.join(map(str, shape))})", names, f"{count:,}")
        )
    return result


def summary(net: Sequential) -> str:
    """The table as text, with the total below it."""
    head = ("layer", "output", "parameters", "count")
    table = [head, *rows(net)]
    widths = [max(len(row[i]) for row in table) for i in range(4)]
    lines = [
        f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}".rstrip()
        for a, b, c, d in table
    ]
    total = sum(array.size for array in net.parameters.values())
    size = sum(array.nbytes for array in net.parameters.values())
    rule = "─" * max(map(len, lines))
    return "\n".join(
        [lines[0], rule, *lines[1:], rule, f"{total:,} parameters, {size / 1024:,.1f} KiB"]
    )
