"""The command ``chainrule predict``: rows of a CSV file in, predictions as CSV out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from chainrule.cli.runs import Run


@click.command("predict", short_help="Predict the rows of a CSV file.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="Where to write.  [default: the terminal]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def predict_command(model: Path, file: Path, out: Path | None, force: bool) -> None:
    """Predict every row of FILE.csv with MODEL, a run's folder or a model file.

    A model trained on a CSV file takes raw rows with the same columns; the target may be there or
    not. Any other takes plain numbers, a column for each input, with or without a header; for
    digits and mnist these are the pixels, as counts (to 16 or 255) or from 0 to 1.

    The output is CSV: a column "prediction", and for classes a column "probability_CLASS" each.

    \b
    Examples:
      chainrule predict runs/houses new-houses.csv
      chainrule predict runs/houses/model.safetensors new-houses.csv --out prices.csv
    """
    from chainrule.cli.runs import read_run, write_text
    from chainrule.errors import OptionError

    if out is not None and out.exists() and not force:
        raise OptionError(f"{out} is there already. Give another --out, or --force to replace it.")
    text = predictions(read_run(model), file)
    if out is None:
        # Bytes, so that names of classes come out whole whatever the terminal's encoding.
        click.echo(text.encode("utf-8"), nl=False)
    else:
        write_text(out, text)


def predictions(run: Run, file: Path) -> str:
    """The predictions for the rows of a file, as the text of a CSV file.

    Raises:
        DataError, FileFormatError: the file is not there, is broken, or does not fit the model.
    """
    import csv
    import io

    from chainrule.cli.plain_rows import read_inputs
    from chainrule.data import read_csv

    if run.encoder is None:
        X: Any = read_inputs(file, run)
    else:
        X = run.encoder.transform(read_csv(file))
    outputs = run.net.predict(X)
    stream = io.StringIO()
    write = csv.writer(stream, lineterminator="\n").writerow
    if run.class_names:
        _write_classes(write, run, outputs)
    else:
        _write_numbers(write, run, outputs)
    return stream.getvalue()


def _write_classes(write: Any, run: Run, outputs: Any) -> None:
    from chainrule.cli.scores import probabilities

    write(["prediction", *[f"probability_{name}" for name in run.class_names]])
    for row in probabilities(outputs):
        write([run.class_names[int(row.argmax())], *[f"{p:.6g}" for p in row]])


def _write_numbers(write: Any, run: Run, outputs: Any) -> None:
    columns = outputs.reshape(len(outputs), -1)
    if run.encoder is not None:
        columns = run.encoder.decode_target(columns)
    width = columns.shape[1]
    write(["prediction"] if width == 1 else [f"prediction_{k + 1}" for k in range(width)])
    for row in columns:
        write([f"{value:.9g}" for value in row])
