"""The command ``chainrule export``: a trained model as a file for another program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chainrule.cli.runs import Run


@click.command("export", short_help="Write a model for another program.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write; its ending says what: .onnx, .py, .pt or .safetensors.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def export_command(model: Path, to: Path, force: bool) -> None:
    """Write MODEL, a run's folder or a model file, for another program.

    \b
    The ending of FILE says for which:
      .onnx                 ONNX Runtime and all that reads ONNX (needs chainrule[onnx])
      .py                   a Python program that needs NumPy and nothing else
      .pt, .safetensors     weights for PyTorch, under the names of torch.nn.Sequential
                            (.pt needs PyTorch)

    For a model of a table, .onnx and .py take raw rows: what was learnt of the columns is in the
    file. Weights for PyTorch are the network alone.

    \b
    Examples:
      chainrule export runs/houses --to houses.onnx
      chainrule export runs/houses --to houses.py
      python houses.py new-houses.csv
      chainrule export runs/digits --to digits.pt
    """
    from chainrule.cli.runs import MODEL, read_run
    from chainrule.errors import OptionError
    from chainrule.formats.endings import export, writer_for

    writer_for(to)
    run = read_run(model)
    source = model / MODEL if model.is_dir() else model
    if to.exists() and to.resolve() == source.resolve():
        raise OptionError(f"--to {to} is the model itself. Give another file.")
    if to.exists() and not force:
        raise OptionError(f"{to} is there already. Give another --to, or --force to replace it.")
    export(run.net, to, **_options(run, to.suffix))
    click.echo(f"saved in {to}")
    _explain(run, to)


def _options(run: Run, ending: str) -> dict[str, Any]:
    """What the writer of that ending is to know besides the network."""
    if ending == ".py":
        return {
            "classes": run.class_names, "largest": run.pixel_maximum, "encoder": run.encoder,
        }  # fmt: skip
    if ending == ".onnx":
        texts = {"class_names": json.dumps(run.class_names)} if run.class_names else {}
        return {"encoder": run.encoder, "metadata": texts}
    return {}


def _explain(run: Run, to: Path) -> None:
    """How the file is used, as a note."""
    from chainrule.cli.console import note

    if to.suffix == ".py":
        note(f"Use it: python {to} rows.csv, or in Python: from {to.stem} import predict")
    elif to.suffix == ".onnx":
        note(f"Its inputs: {_inputs(run)}.")
        if run.pixel_maximum is not None:
            note(f"Pixels go from 0 to 1: divide counts by {run.pixel_maximum}.")
    else:
        from chainrule.formats import torch_source

        note(f"For PyTorch's model = {torch_source(run.net)}")
        if run.encoder is not None:
            note(
                "The network alone: what was learnt of the table's columns is not in these weights."
            )


def _inputs(run: Run) -> str:
    """The inputs of the ONNX model, in words."""
    if run.encoder is None:
        return f"X, {run.net.dtype} ({', '.join(map(str, ('rows', *(run.net.input_shape or ()))))})"
    from chainrule.formats.onnx_table import columns_of

    return ", ".join(f"{name} ({what})" for name, what in columns_of(run.encoder).items())
