"""The line that an op came from is one of the user's program, or none is told."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn.utils

import chainrule as cr
from chainrule.errors import TrainingWarning
from chainrule.graph.callers import Whose, whose

HOUSE = Path(cr.__file__).parent


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (__file__, Whose.USER),
        ("/home/me/flowers/model.py", Whose.USER),
        ("/tmp/ipykernel_4711/2350886447.py", Whose.USER),  # a cell of a notebook
        ("<ipython-input-3-0a1b2c>", Whose.USER),
        ("<stdin>", Whose.USER),
        ("<python-input-0>", Whose.USER),
        (f"{HOUSE}-more/model.py", Whose.USER),
        (str(HOUSE / "nn" / "layers.py"), Whose.HOUSE),
        (str(HOUSE / "cli" / "training.py"), Whose.COMMAND),
        (functools.__file__, Whose.OTHERS),
        (sklearn.utils.__file__, Whose.OTHERS),
        ("/usr/lib/python3/dist-packages/joblib/parallel.py", Whose.OTHERS),
        (r"C:\env\Lib\site-packages\joblib\parallel.py", Whose.OTHERS),
        (str(Path(sys.executable).parent / "uvicorn"), Whose.OTHERS),
        ("<frozen runpy>", Whose.OTHERS),
        ("<string>", Whose.OTHERS),  # how multiprocessing starts a process
    ],
)
def test_whose_code_it_is(file: str, expected: Whose) -> None:
    assert whose(file) is expected


def line_of(text: str) -> str:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return f"{Path(__file__).name}:{1 + next(k for k, s in enumerate(lines) if s.endswith(text))}"


def test_what_others_call_in_between_is_passed_over() -> None:
    exponential = functools.singledispatch(cr.exp)
    graph = cr.trace(lambda x: exponential(x) + 1.0, 1.0)  # called
    places = {str(node.op): node.place for node in graph.nodes if node.op is not None}
    assert places["exp"] == line_of("# called")
    graph = cr.trace(functools.singledispatch(cr.sin), 1.0)  # traced
    assert graph.nodes[-1].place == line_of("# traced")


def test_estimators_that_scikit_learn_fits() -> None:
    from sklearn.model_selection import cross_val_score

    X = np.random.default_rng(0).normal(size=(40, 2))
    net = cr.NetworkRegressor(learning_rate_init=1e30, solver="sgd", max_iter=5)
    with pytest.warns(TrainingWarning), pytest.raises(ValueError, match="In detail: ") as error:
        cross_val_score(net, X, X[:, 0], cv=2, error_score="raise")  # scored
    assert f"({line_of('# scored')})" in str(error.value)


def test_without_a_program_there_is_no_line() -> None:
    code = "import chainrule as cr; print(repr(cr.trace(cr.sin, 1.0).nodes[-1].place))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "''\n"
