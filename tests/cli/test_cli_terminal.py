"""In a terminal: the bar, the tables, the line while one waits, and Ctrl-C."""

from __future__ import annotations

import codecs
import csv
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from chainrule.cli.runs import read_run

PLAIN = "import sys; sys.modules['rich'] = None\n"
MAIN = "from chainrule.cli import main; main()"
SECONDS = 60


class Terminal:
    """A process whose stdout and stderr are a terminal; ``said`` is what it wrote."""

    def __init__(self, *arguments: str, code: str = MAIN, stdout: IO[str] | None = None) -> None:
        self.master, slave = pty.openpty()
        env = os.environ | {"COLUMNS": "100", "TERM": "xterm", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=stdout or slave, stderr=slave, env=env
        )
        os.close(slave)
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def read(self, until: str | None = None) -> None:
        """Read on until a pattern is seen, or to the end."""
        deadline = time.monotonic() + SECONDS
        while until is None or not re.search(until, self.said):
            assert time.monotonic() < deadline, self.said
            if not select.select([self.master], [], [], 1)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:  # Linux says the other end is closed in this way
                data = b""
            if not data:
                break
            self.said += self._decoder.decode(data)

    @property
    def text(self) -> str:
        """What was said, without the codes for colours and moves of the cursor."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.said)

    @property
    def left(self) -> list[str]:
        """The lines that are left on the screen: what was written over or erased is gone."""
        lines, row, column = [""], 0, 0
        for code, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])|([^\x1b\r\n]+)", self.said):
            if text:
                lines[row] = (
                    lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
                )
                column += len(text)
            elif code == "\r":
                column = 0
            elif code == "\n":
                row += 1
                lines += [""] * (row == len(lines))
            elif code == "\x1b[1A":
                row -= 1
            elif code == "\x1b[2K":
                lines[row] = ""
        return [line.rstrip() for line in lines if line]

    def end(self) -> int:
        self.read()
        os.close(self.master)
        return self.process.wait(SECONDS)


def test_a_bar_and_a_table():
    terminal = Terminal("train", "xor", "--out", "run")
    assert terminal.end() == 0
    assert "━━━━━━━━━━" in terminal.said
    assert re.search(r"epoch 500/500 .*loss 0\.0\d+  accuracy 1\.0000 [\d,]+ rows/s", terminal.text)
    assert re.search(r"x1 +x2 +xor +predicted +output *\r\n ?─{20}", terminal.text)
    # The cursor is hidden while the bar moves, and is given back.
    assert terminal.said.rindex("\x1b[?25h") > terminal.said.rindex("\x1b[?25l")
    summary = Terminal("summary", "run")
    assert summary.end() == 0
    assert re.search(r"1 Dense tanh +\(n, 8\) +W1 \(2, 8\), b1 \(8,\) +24", summary.text)


def test_without_rich_the_line_is_plain():
    terminal = Terminal("train", "xor", "--out", "run", code=PLAIN + MAIN)
    assert terminal.end() == 0
    assert re.search(r"\repoch 500/500  loss 0\.0\d+  accuracy 1\.0000", terminal.said)
    assert "━" not in terminal.said
    assert "x1  x2  xor  predicted  output\r\n──  ──" in terminal.said


def test_ctrl_c_keeps_what_was_learnt():
    terminal = Terminal("train", "digits", "--epochs", "1000000", "--out", "run")
    terminal.read(until=r"epoch ([2-9]|\d\d+)/1000000 .*loss")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    told = re.search(
        r"Interrupted by the user in epoch (\d+); what was learnt until then is kept\.",
        terminal.said,
    )
    assert told
    assert "Traceback" not in terminal.said
    assert "test accuracy " in terminal.said
    assert (
        "saved in run: model.safetensors, report.html, predictions.csv, history.csv"
        in terminal.said
    )
    run = read_run(Path("run"))
    assert f"interrupted by the user in epoch {told[1]}" in run.about["training"]
    assert run.about["numbers"]["test_accuracy"] > 0.5
    with Path("run/history.csv").open() as file:
        epochs = [int(row["epoch"]) for row in csv.DictReader(file)]
    assert epochs == list(range(1, int(told[1])))


SCORING = """
import os, signal
from chainrule.cli import training
score = training.score
def interrupted(*given):
    for _ in range(TIMES):
        os.kill(os.getpid(), signal.SIGINT)
    return score(*given)
training.score = interrupted
"""


def test_ctrl_c_while_the_network_is_scored_keeps_all():
    code = SCORING.replace("TIMES", "1") + MAIN
    terminal = Terminal("train", "xor", "--out", "run", code=code)
    assert terminal.end() == 130
    assert "Interrupted after the training: the network is still scored and saved." in terminal.text
    assert "4 of 4 rows right" in terminal.text
    assert "saved in run: model.safetensors, report.html" in terminal.text
    assert read_run(Path("run")).about["numbers"] == {"accuracy": 1.0}
    assert Path("run/history.csv").is_file()


def test_a_second_ctrl_c_ends_the_scoring():
    code = SCORING.replace("TIMES", "2") + MAIN
    terminal = Terminal("train", "xor", "--out", "run", code=code)
    assert terminal.end() == 130
    assert terminal.text.endswith("Interrupted: nothing was written.\r\n")
    assert "Traceback" not in terminal.text
    assert not Path("run").exists()


#: A file that is read slowly, and a line that appears sooner.
SLOW = """
import time
from chainrule.cli import live
from chainrule.data.csv_table import CsvFile
live.SECONDS = 0.3
batches = CsvFile.batches
def slowly(self, rows, texts=()):
    for table in batches(self, 50, texts):
        time.sleep(0.4)
        yield table
CsvFile.batches = slowly
"""


@pytest.fixture
def run(command, houses):
    """A run that was trained on the houses."""
    command("train", houses, "--epochs", "1", "--out", "run")
    return "run"


def test_a_line_says_how_far_a_table_is_read_and_leaves_nothing(houses):
    terminal = Terminal("train", "houses.csv", "--epochs", "1", "--out", "run", code=SLOW + MAIN)
    assert terminal.end() == 0
    assert re.search(r"\rreading houses\.csv ━+╸? +150 rows", terminal.text)
    assert terminal.left[0].startswith("Predicting the last column, 'price' (regression)")
    assert not [line for line in terminal.left if "looking" in line or "reading" in line]
    assert terminal.said.rindex("\x1b[?25h") > terminal.said.rindex("\x1b[?25l")


def test_a_line_says_how_far_a_stream_is_surveyed_and_encoded(houses):
    code = SLOW + MAIN
    terminal = Terminal(
        "train", "houses.csv", "--stream", "--epochs", "1", "--out", "run", code=code
    )
    assert terminal.end() == 0
    for doing in ("surveying", "encoding"):
        assert re.search(rf"\r{doing} houses\.csv ━+╸? +150 rows", terminal.text)
    size = f"{houses.stat().st_size / 1000:.1f} KB"
    assert terminal.left[0] == f"houses.csv ({size}) is read in batches, twice."
    assert terminal.left[1].startswith("Predicting the last column, 'price' (regression)")


def test_lines_for_the_score_and_for_the_files(houses):
    code = """
import time
from chainrule.cli import live, run_files, training
live.SECONDS = 0.3
def slow(work):
    return lambda *given: time.sleep(1) or work(*given)
training.score, run_files.draw = slow(training.score), slow(run_files.draw)
"""
    terminal = Terminal("train", "xor", "--out", "run", code=code + MAIN)
    assert terminal.end() == 0
    assert "\rscoring ━" in terminal.text
    assert "\rwriting the report and the pictures ━" in terminal.text
    assert len(terminal.left) == 9  # the bar, the table of six lines, the score, the files
    assert terminal.left[-2:][0].startswith("4 of 4 rows right")
    assert terminal.left[-1].startswith("saved in run: ")


def test_a_line_says_how_far_a_prediction_is_and_notes_stand_above_it(run, houses, folder):
    text = houses.read_text("utf-8").replace("old town", "x" * 100)
    Path("new.csv").write_text(text, encoding="utf-8")
    count = text.count("x" * 100)
    terminal = Terminal("predict", run, "new.csv", "--out", "p.csv", code=SLOW + MAIN)
    assert terminal.end() == 0
    assert re.search(r"\rpredicting new\.csv ━+╸? +150 rows", terminal.text)
    # As it is without the line: in one piece, however wide the terminal is.
    assert terminal.left == [
        f"Column 'district': {count} rows hold what no training row had (such as {'x' * 100!r}); "
        "it counts as missing."
    ]
    with Path("q.csv").open("w") as file:
        terminal = Terminal("predict", run, "new.csv", code=SLOW + MAIN, stdout=file)
        assert terminal.end() == 0
    assert "predicting new.csv" in terminal.text
    assert Path("q.csv").read_text() == Path("p.csv").read_text()
    # The rows on the terminal say by themselves how far it is.
    terminal = Terminal("predict", run, "new.csv", code=SLOW + MAIN)
    assert terminal.end() == 0
    assert terminal.left[:-1] == Path("p.csv").read_text().splitlines()
    assert "predicting" not in terminal.text


def test_no_line_for_what_is_soon_done(houses):
    # Ten times the patience, because the machine may be busy.
    code = "from chainrule.cli import live; live.SECONDS *= 10\n" + MAIN
    terminal = Terminal("train", "houses.csv", "--epochs", "1", "--out", "run", code=code)
    assert terminal.end() == 0
    assert not re.search("looking|reading|encoding|scoring|writing", terminal.text)
    assert "epoch 1/1" in terminal.text


def test_no_line_without_a_terminal(run, houses):
    said = subprocess.run(
        [sys.executable, "-c", SLOW + MAIN, "predict", run, "houses.csv"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert len(said.stdout.splitlines()) == 201
    assert said.stderr == ""


def test_ctrl_c_while_a_table_is_read_takes_the_line_away(houses):
    terminal = Terminal("train", "houses.csv", code=SLOW + MAIN)
    terminal.read(until="reading houses.csv")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.left == ["Interrupted: nothing was written."]
    assert terminal.said.rindex("\x1b[?25h") > terminal.said.rindex("\x1b[?25l")
