"""The network: its layers, as a drawing, and as formulas."""

from __future__ import annotations

import re

from chainrule.errors import MissingPackageError
from chainrule.nn.summary import rows
from chainrule.report.blocks import Block, Code, Markup, Part, Section, Table, Tabs
from chainrule.report.material import Material


def section(material: Material) -> Section:
    """Layers, drawing and formulas of the forward pass."""
    net = material.net
    layers = rows(net)
    total = sum(array.size for array in net.parameters.values())
    table = Table(
        ("layer", "output", "parameters", "count"),
        layers,
        f"{total:,} parameters of {net.dtype.name}; n is the number of rows.",
    )
    graph = net.graph(1)
    drawing = graph.draw(collapse=True)
    alt = f"The network as boxes and arrows: X goes through {' then '.join(r[0] for r in layers)}."
    parts = [
        Part("Layers", [table]),
        Part("Drawing", [Markup(adapted(drawing.svg, alt), "One row on its way.", "drawing")]),
        Part("Formulas", [_formulas(material)]),
    ]
    return Section("network", "The network itself", [Tabs(parts)])


def _formulas(material: Material) -> Block:
    graph = material.net.graph(1)
    told = "What the network computes; the parameters are those of its file."
    try:
        return Markup(graph.mathml(), told)
    except MissingPackageError as error:
        return Code(graph.formula(), f"{told} As LaTeX, because {error}.")


def adapted(svg: str, alt: str) -> str:
    """A drawing that takes its colours from the page, has an alternative text and no ids.

    The lines of code at which nodes were recorded are left out: they are of the maker's machine.
    """
    svg = re.sub(r' id="[^"]*"', "", svg)
    svg = re.sub(r"; [^;<]*:\d+</title>", "</title>", svg)
    svg = re.sub(r"<title>Computation graph</title>\n", "", svg, count=1)
    head, _, rest = svg.partition(">")
    head = re.sub(r' (width|height)="([\d.]+)"', "", head)
    width = re.search(r'viewBox="0 0 ([\d.]+)', head)
    assert width is not None
    alt = alt.replace('"', "&quot;").replace("<", "&lt;")
    size = f'style="width:{float(width[1]):g}px"'
    return f'{head} class="graph" {size} aria-label="{alt}">{rest}'
