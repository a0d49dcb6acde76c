"""chainrule doctor: runs, data and files, told in the terminal and on a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

NETWORK = """
import numpy as np
import chainrule as cr

print("hello from the file")
X = np.array([[0., 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])
network = cr.Sequential({first}, cr.Dense(1, "sigmoid"{init}))
optimizer, epochs, batch_size = cr.Adam(0.05), 300, None
"""

BY_HAND = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 3))
y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
parameters = {"W1": rng.normal(size=(3, 8)), "b1": np.zeros(8),
              "W2": rng.normal(size=(8, 1)), "b2": np.zeros(1)}
epochs = 60


def forward(p, X):
    return 1 / (1 + np.exp(-(np.tanh(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"])))


def loss(p, X, y):
    o = forward(p, X)
    return -np.mean(y * np.log(o) + (1 - y) * np.log(1 - o))


def gradients(p, X, y):
    h = np.tanh(X @ p["W1"] + p["b1"])
    d = SIGN * (forward(p, X) - y) / len(X)
    dz = d @ p["W2"].T * (1 - h**2)
    return {"W1": X.T @ dz, "b1": dz.sum(0), "W2": h.T @ d, "b2": d.sum(0)}


def step(p, X, y):
    for name, g in gradients(p, X, y).items():
        p[name] -= 0.5 * g
"""


@pytest.fixture
def written(folder: Path):
    def write(text: str, name: str = "mine.py") -> str:
        (folder / name).write_text(text, encoding="utf-8")
        return name

    return write


class Outline(HTMLParser):
    """The headings and the pictures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.pictures: list[str | None] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        self._open = tag in ("h1", "h2", "h3")
        if tag == "svg" and dict(attrs).get("role") == "img":
            self.pictures.append(dict(attrs).get("aria-label"))

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.headings.append(data)
            self._open = False


def test_a_healthy_training_ends_with_0(command) -> None:
    result = command("doctor", "xor")
    assert result.exit_code == 0
    assert result.stdout.startswith("HEALTHY. Nothing wrong found.")
    assert result.stderr == ""


def test_data_are_judged_by_the_training_that_train_would_do(command, houses) -> None:
    result = command("doctor", houses, "--optimizer", "sgd", "--lr", "300", "--epochs", "20")
    assert result.exit_code == 1
    assert result.stdout.startswith("ILL.")
    assert "(rate_too_large)" in result.stdout
    assert "Column 'id' is left out" in result.stderr


def test_a_network_in_a_file_its_repair_and_its_page(command, written) -> None:
    zeros = ', weight_init="zeros"'
    first = f'cr.Dense(8, "tanh"{zeros})'
    file = written(NETWORK.format(first=first, init=zeros))
    result = command("doctor", file, "--prescribe", "--out", "account.html")
    assert result.exit_code == 1
    told = result.stdout
    assert told.startswith("ILL.")
    assert "1. All weights start alike (zero_weights)" in told
    assert "Trained again with: leave out weight_init=" in told
    assert "epoch  loss before  loss repaired" in told
    rows = told.split("loss repaired\n")[1].splitlines()[1:]
    last = [row for row in rows if row.strip()[:1].isdigit()][-1].split()
    assert float(last[1]) > 0.69
    assert float(last[2]) < 0.1
    assert "saved in account.html" in told
    assert "hello" not in told
    outline = Outline(Path("account.html").read_text(encoding="utf-8"))
    assert outline.headings[0] == "Diagnosis of mine.py"
    assert {"What the doctor found", "The repair, tried", "What the network does"} <= {
        *outline.headings
    }
    assert len(outline.pictures) >= 4
    assert all(outline.pictures)


def test_a_loop_by_hand(command, written) -> None:
    result = command("doctor", written(BY_HAND.replace("SIGN", "-1")), "--prescribe")
    assert result.exit_code == 1
    assert "(wrong_sign)" in result.stdout
    assert "epoch  loss before  loss repaired" in result.stdout


def test_a_right_loop_by_hand_has_nothing_to_repair(command, written) -> None:
    result = command("doctor", written(BY_HAND.replace("SIGN", "1")), "--prescribe")
    assert result.exit_code == 0
    assert result.stdout.startswith("HEALTHY.")
    assert result.stdout.endswith("There is nothing to repair.\n")


def test_a_run_gets_its_page(command) -> None:
    assert command("train", "xor", "--out", "run").exit_code == 0
    result = command("doctor", "run")
    assert result.exit_code == 0
    assert result.stdout.endswith("saved in run/doctor.html\n")
    outline = Outline(Path("run/doctor.html").read_text(encoding="utf-8"))
    assert outline.headings[0] == "Diagnosis of run"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "X = [[1, 2]]\ndef stepp(p): pass",
            "mine.py has neither a network nor a step. The doctor needs network, X and y; or, for "
            "a loop in plain NumPy, step, forward, parameters, X and y. It has: X, stepp.",
        ),
        (
            "import numpy as np\ndef step(p, X, y): pass\nX = np.ones((3, 2))",
            "mine.py has no 'forward'. It has: step, X.",
        ),
        ("1 / 0", "mine.py, line 1"),
    ],
)
def test_a_file_that_cannot_be_judged_ends_with_2(command, written, text, told) -> None:
    result = command("doctor", written(text))
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_name_that_is_nothing(command) -> None:
    result = command("doctor", "xorr")
    assert result.exit_code == 2
    assert "data set 'xorr' is not known. Did you mean 'xor'?" in result.stderr


def test_a_page_is_not_written_over(command, folder) -> None:
    (folder / "a.html").write_text("mine", encoding="utf-8")
    result = command("doctor", "xor", "--out", "a.html")
    assert result.exit_code == 1
    assert "a.html is there already. Give another --out, or --force" in result.stderr
    assert (folder / "a.html").read_text(encoding="utf-8") == "mine"
