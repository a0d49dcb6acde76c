"""The command ``chainrule summary``: what a model file holds."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("summary", short_help="Show what a model is and how it was trained.")
@click.argument("model", type=click.Path(path_type=Path))
def summary_command(model: Path) -> None:
    """Show the layers of MODEL, a run's folder or a model file, and what it was trained on.

    \b
    Examples:
      chainrule summary runs/houses
      chainrule summary xor.safetensors
    """
    import math

    from chainrule.cli.console import show_facts, show_table
    from chainrule.cli.runs import read_run
    from chainrule.nn.summary import rows

    run = read_run(model)
    net = run.net
    show_table(("layer", "output", "parameters", "count"), rows(net), right=("count",))
    size = sum(array.nbytes for array in net.parameters.values())
    count = sum(array.size for array in net.parameters.values())
    shape = net.input_shape or ()
    inputs = f"{math.prod(shape):,} numbers a row"
    facts = {
        "parameters": f"{count:,}, {size / 1024:,.1f} KiB of {net.dtype.name}",
        "input": inputs if len(shape) == 1 else f"{inputs}, shape {shape}",
        "loss": net.loss.name if net.loss is not None else "none kept",
    }
    if run.class_names:
        facts["classes"] = ", ".join(run.class_names)
    if run.encoder is not None:
        facts["columns"] = ", ".join(column.name for column in run.encoder.columns)
        facts["target"] = run.encoder.target
    click.echo()
    show_facts(facts | run.facts())
