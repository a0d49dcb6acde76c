"""The documents: their Python runs and prints what they say, their commands are real.

In README.md, CONTRIBUTING.md and docs/*.md, block by block, each file in a folder of its own:

- ```` ```python ```` is executed, all blocks of a file in one namespace, warnings as errors. In
  graphs and messages its lines bear the document's name, and are counted from 1 in each block.
- ```` ```text ```` right behind it (or behind a line that says "gives") is what it prints. A block
  that raises prints ``NameOfError: message`` at its end; without such text it must not raise. A
  line of ``...`` stands for any lines, ``...`` inside a line for any characters.
- ```` ```console ```` holds commands behind ``$``. ``chainrule`` is run, and the lines behind it
  must be what it says, but any number may stand for another: times, and last digits, differ by
  machine. It must end well, unless one of these lines begins with Error.
  ``make``, ``pip`` and ``python FILE`` must name what exists.

What needs MNIST is not run: its names and options are looked up instead.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

import chainrule as cr
from chainrule.cli import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Ways to get ready that belong to the reader's shell.
OF_THE_SHELL = {"cd", "git", "source", ".", "export", "ls", "cat"}
#: Seconds after which a command of a document is given up.
PATIENCE = 60
NUMBER = r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?"


class WrongDocumentError(AssertionError):
    """A block that is not true, with the file and the line."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line of its fence, and what stands before it."""

    kind: str
    text: str
    line: int
    before: str


def blocks(markdown: str) -> Iterator[Block]:
    """The fenced blocks of a document, in order."""
    kind, begin, held, between = "", 0, [], []
    for number, line in enumerate(markdown.splitlines(), start=1):
        if not begin and line.startswith("```"):
            kind, begin, held = line[3:].strip(), number, []
        elif begin and line.rstrip() == "```":
            before = " ".join(" ".join(between).split())
            yield Block(kind, "\n".join(held), begin, before)
            begin, between = 0, []
        else:
            (held if begin else between).append(line)
    if begin:
        raise WrongDocumentError(f"line {begin}: the block is never closed.")


def check_document(markdown: str, folder: Path, name: str = "example.md") -> dict[str, int]:
    """Check every block of the document ``name`` in ``folder``; says how many of each were run.

    Raises:
        WrongDocumentError: the first block that is not true.
    """
    found = list(blocks(markdown))
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": name}
    count = {"python": 0, "text": 0, "command": 0}
    for place, block in enumerate(found):
        try:
            if block.kind == "python":
                after = found[place + 1] if place + 1 < len(found) else None
                told = after.text if after is not None and _is_output(after) else None
                count["text"] += told is not None
                count["python"] += _check_python(block.text, told, namespace)
            elif block.kind == "console":
                count["command"] += _check_console(block.text, folder)
        except WrongDocumentError as error:
            raise WrongDocumentError(f"the block of line {block.line}: {error}") from None
    return count


# Python


def _is_output(block: Block) -> bool:
    return block.kind == "text" and block.before.rstrip(":").lower() in ("", "gives")


def _check_python(source: str, told: str | None, namespace: dict[str, Any]) -> bool:
    if re.search(r"\bmnist\(", source):
        _look_names_up(source)
        return False
    printed = run_python(source, namespace, may_raise=told is not None)
    if told is not None and not alike(told, printed):
        raise WrongDocumentError(f"the document says\n{told}\n\nand it prints\n{printed}")
    return True


def run_python(source: str, namespace: dict[str, Any], *, may_raise: bool = True) -> str:
    """What the code prints; an error as its last line."""
    # As a notebook does: whoever looks at the source of a function finds the lines of the block.
    file, lines = namespace["__file__"], source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(source, namespace["__file__"], "exec"), namespace)
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        if not may_raise:
            trace = error.__traceback__
            while trace is not None and trace.tb_frame.f_code.co_filename != namespace["__file__"]:
                trace = trace.tb_next
            place = f"line {trace.tb_lineno} of the block" if trace else "the block"
            raise WrongDocumentError(f"{place} raises {told}") from error
        out.write(told + "\n")
    return out.getvalue().rstrip()


def alike(told: str, said: str, *, any_number: bool = False) -> bool:
    """Whether the document tells what is said, ``...`` standing for anything."""
    pattern = []
    for line in told.rstrip().splitlines():
        if line.strip() == "...":
            pattern.append(r"(?:.*\n)*?")
            continue
        as_pattern = _with_any_number if any_number else re.escape
        pattern.append(".*".join(map(as_pattern, line.rstrip().split("..."))) + r"\s*\n")
    text = "".join(line.rstrip() + "\n" for line in said.rstrip().splitlines())
    return re.fullmatch("".join(pattern), text) is not None


def _with_any_number(part: str) -> str:
    """A pattern: the words as they are, each number any, each space as wide as it likes."""
    words = re.split(rf"({NUMBER}|\s+)", part)
    between = (r"\s+" if word.isspace() else NUMBER for word in words[1::2])
    return "".join(
        part
        for pair in zip(map(re.escape, words[::2]), [*between, ""], strict=True)
        for part in pair
    )


def _look_names_up(source: str) -> None:
    """Every ``cr.this.that`` of the code is there."""
    for node in ast.walk(ast.parse(source)):
        chain = []
        while isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        if not (chain and isinstance(node, ast.Name) and node.id == "cr"):
            continue
        thing: Any = cr
        for name in reversed(chain):
            if not hasattr(thing, name):
                raise WrongDocumentError(f"there is no cr.{'.'.join(reversed(chain))}")
            thing = getattr(thing, name)


# Commands


def _check_console(text: str, folder: Path) -> int:
    """How many commands of a console block were run."""
    ran = 0
    for entry in re.split(r"^\$ ", "\n" + text.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
        command, _, told = entry.partition("\n")
        words = shlex.split(command, comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            words.pop(0)
        if not words:
            raise WrongDocumentError(f"a console block without a command: {entry!r}")
        if words[0] == "chainrule":
            ran += _check_chainrule(command, words, told.strip("\n"), folder)
        elif words[0] not in OF_THE_SHELL:
            _check_named(words)
    return ran


def _check_chainrule(command: str, words: list[str], told: str, folder: Path) -> bool:
    if not _can_run(words, folder):
        _check_options(words[1:])
        return False
    scripts = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"], "COLUMNS": "80"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, timeout=PATIENCE, text=True,
        encoding="utf-8", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    said = done.stdout.rstrip()
    if (done.returncode != 0) != bool(re.search("^Error:", told, re.MULTILINE)):
        raise WrongDocumentError(f"{command} ends with {done.returncode} and says\n{said}")
    if told and not alike(told, said, any_number=True):
        raise WrongDocumentError(f"{command}: the document says\n{told}\n\nand it says\n{said}")
    return True


def _can_run(words: list[str], folder: Path) -> bool:
    """Not with MNIST, nor with files that the document did not make."""
    if "mnist" in words:
        return False
    files = [] if len(words) < 3 else words[2:4] if words[1] == "predict" else words[2:3]
    return all((folder / w).exists() for w in files if re.search(r"[./]", w) and w[0] not in "-")


def _check_options(words: list[str]) -> None:
    """The command knows these options, and takes these values."""
    try:
        with main.make_context("chainrule", list(words[:1]), resilient_parsing=True) as parent:
            _, command, _ = main.resolve_command(parent, list(words[:1]))
            assert command is not None
            command.make_context(words[0], list(words[1:]), parent=parent)
    except click.ClickException as error:
        raise WrongDocumentError(f"chainrule {' '.join(words)}: {error.format_message()}") from None


def _check_named(words: list[str]) -> None:
    """What a command of another program names is there."""
    named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        lacking = [name for name in named if name not in targets]
    elif words[0] in ("python", "python3"):
        if "-m" in words:
            return
        lacking = [name for name in named[:1] if not (ROOT / name).is_file()]
    elif words[0] == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        wanted = re.findall(r"(?:chainrule|\.)\[([\w,]+)\]", " ".join(words))
        extras = [extra for group in wanted for extra in group.split(",")]
        lacking = [extra for extra in extras if extra not in project["optional-dependencies"]]
    else:
        raise WrongDocumentError(f"nothing here can check the command {words[0]}")
    if lacking:
        raise WrongDocumentError(f"{' '.join(words)}: there is no {', '.join(lacking)}")


# The tests


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_is_true(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # A block may set a variable of the environment; it ends with the document.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    check_document(path.read_text(encoding="utf-8"), tmp_path, path.name)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and not re.match(r"\w+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_every_chapter_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    chapters = {path.name for path in DOCUMENTS if path.parent.name == "docs"} - {"index.md"}
    assert chapters == set(re.findall(r"\]\((\w+\.md)\)", index))


def test_what_is_run_and_what_is_looked_up(tmp_path: Path) -> None:
    """So that the rules by which a command is only looked at cannot spare all of them."""
    (tmp_path / "t.csv").touch()
    (tmp_path / "run").mkdir()
    for command in (
        "train xor",
        "train t.csv --target y",
        "predict run t.csv",
        "summary run",
        "-h",
    ):
        assert _can_run(["chainrule", *command.split()], tmp_path), command
    for command in ("train mnist", "train other.csv", "predict run other.csv", "summary runs/x"):
        assert not _can_run(["chainrule", *command.split()], tmp_path), command


WRONG = {
    "another output": ("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", "and it prints\n2"),
    "after gives": ("```python\nprint(2)\n```\ngives\n```text\n3\n```\n", "and it prints\n2"),
    "a line too few": ("```python\nprint(1)\nprint(2)\n```\n```text\n1\n```\n", "prints\n1\n2"),
    "it raises": ("\n```python\nx = 1\nx / 0\n```\n", "line 2: line 2 of the block raises Zero"),
    "another error": (
        "```python\n1 / 0\n```\n```text\nValueError: no\n```\n",
        "ZeroDivisionError: ",
    ),
    "it warns": ("```python\nimport warnings\nwarnings.warn('old')\n```\n", "UserWarning: old"),
    "no such name": ("```python\ncr.data.mnist()\ncr.nn.Dens\n```\n", "there is no cr.nn.Dens"),
    "other words": ("```console\n$ chainrule --version\nrule, 1\n```\n", "it says\nchainrule 0"),
    "it fails": ("```console\n$ chainrule summary\n```\n", "ends with 2"),
    "it does not fail": ("```console\n$ chainrule -h\nError: no\n```\n", "ends with 0"),
    "no such option": ("```console\n$ chainrule train mnist --epoch x\n```\n", "--epoch"),
    "no such target": ("```console\n$ make tests\n```\n", "there is no tests"),
    "no such file": ("```console\n$ python demo/page_make.py\n```\n", "there is no demo/page_make"),
    "no such extra": ("```console\n$ pip install '.[plots]'\n```\n", "there is no plots"),
    "no such program": ("```console\n$ chainrul train xor\n```\n", "nothing here can check"),
    "left open": ("```python\nprint(1)\n", "line 1: the block is never closed"),
}


@pytest.mark.parametrize(("markdown", "told"), WRONG.values(), ids=WRONG)
def test_a_planted_wrong_block_is_found(markdown: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(WrongDocumentError) as raised:
        check_document(markdown, tmp_path)
    assert told in str(raised.value)


def test_right_blocks_pass(tmp_path: Path) -> None:
    text = (
        "```python\nx = 2\n```\nWords.\n```text\na drawing\n```\n"
        "```python\nfor k in range(9):\n    print('row', x * k)\n```\n\n```text\nrow 0\n...\n"
        "row ...\n```\n```python\nint('a')\n```\nGives:\n```text\nValueError: ...'a'\n```\n"
        "```console\n$ chainrule --version\nchainrule 9.9.9\n$ make test OUT=here\n"
        "$ PYTHONPATH=. python benchmarks/run.py --rounds 3\n$ pip install -e '.[plot,cli]'\n```\n"
    )
    assert check_document(text, tmp_path) == {"python": 3, "text": 2, "command": 1}
