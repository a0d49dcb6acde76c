"""In a terminal: the bar, the tables, and Ctrl-C."""

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

from chainrule.cli.runs import read_run

PLAIN = "import sys; sys.modules['rich'] = None\n"
MAIN = "from chainrule.cli import main; main()"
SECONDS = 60


class Terminal:
    """A process whose stdout and stderr are a terminal; ``said`` is what it wrote."""

    def __init__(self, *arguments: str, code: str = MAIN) -> None:
        self.master, slave = pty.openpty()
        env = os.environ | {"COLUMNS": "100", "TERM": "xterm", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=slave, stderr=slave, env=env
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
