"""Programs by hand that are healthy, some of them oddly: the doctor is silent."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
from hand_programs import SKIP, given, spirals

import chainrule as cr

UPDATE = "for name in p:\n        p[name] -= 0.3 * g[name]"
MOMENTUM = (
    UPDATE,
    "for name in p:\n        v[name] = 0.7 * v[name] - 0.1 * g[name]\n        p[name] += v[name]",
)
VELOCITY = ("def step(", "v = {k: np.zeros_like(a) for k, a in parameters.items()}\n\n\ndef step(")
ADAM = (
    ("def step(p, X, y):\n",
     "moments = {k: [0.0, 0.0] for k in parameters}\ncount = 0\n\n\n"
     "def step(p, X, y):\n    global count\n    count += 1\n"),
    (UPDATE,
     "for k in p:\n        m, s = moments[k]\n        m, s = 0.9 * m + 0.1 * g[k], "
     "0.999 * s + 0.001 * g[k] ** 2\n        moments[k] = [m, s]\n"
     "        p[k] -= 0.02 * m / (1 - 0.9**count) / (np.sqrt(s / (1 - 0.999**count)) + 1e-8)"),
)  # fmt: skip


@pytest.mark.parametrize(
    "edits",
    [
        (),
        SKIP,
        (VELOCITY, MOMENTUM),
        ADAM,
        ((UPDATE, "return {k: a - 0.3 * g[k] for k, a in p.items()}"),),
        (("order = rng.permutation(len(X))", "order = np.arange(len(X))"),),
        (("np.mean(np.argmax(forward(p, X), axis=1) ==",
          "np.mean(np.argmax(forward(p, X), axis=1) !="),),
    ],
    ids=["plain", "skip", "momentum", "adam", "new arrays", "in order", "an error rate"],
)  # fmt: skip
def test_a_healthy_program_is_left_alone(edits: Any) -> None:
    diagnosis = cr.diagnose(**given(*edits))
    assert diagnosis.verdict == "healthy", str(diagnosis)
    assert diagnosis.findings == ()
    assert "gradients" in diagnosis.examined
    assert "Nothing wrong found: the loss falls to" in str(diagnosis)


def test_step_and_forward_are_enough() -> None:
    whole = given()
    few = {name: whole[name] for name in ("step", "forward", "parameters", "data")}
    diagnosis = cr.diagnose(**few)
    assert diagnosis.verdict == "healthy", str(diagnosis)
    assert "gradients (loss= and gradients= were not given)" in diagnosis.not_judged


def test_nothing_of_the_users_is_changed() -> None:
    options = given(validation=(spirals(seed=3)[0], np.eye(3)[spirals(seed=3)[1]]))
    before = copy.deepcopy({name: options[name] for name in ("parameters", "data", "validation")})
    rng = options["batches"].__globals__["rng"]
    state, cached = rng.bit_generator.state, "h" in vars(options["forward"].__globals__["first"])
    np.random.seed(5)
    drawn = np.random.get_state()[1].copy()
    cr.diagnose(**options)
    for name, array in before["parameters"].items():
        assert options["parameters"][name].tobytes() == array.tobytes()
    for name in ("data", "validation"):
        for now, then in zip(options[name], before[name], strict=True):
            assert now.tobytes() == then.tobytes()
    assert rng.bit_generator.state == state
    assert ("h" in vars(options["forward"].__globals__["first"])) == cached
    assert np.array_equal(np.random.get_state()[1], drawn)


def test_the_same_seed_gives_the_same_words() -> None:
    edit = ('p["W2"].T', 'p["W2"]')
    first, second = (str(cr.diagnose(**given(edit))).split("time")[0] for _ in range(2))
    assert first == second


def test_what_is_missing_or_unknown_is_told() -> None:
    whole = given()
    with pytest.raises(cr.errors.OptionError, match=r"a program needs forward=, data= too"):
        cr.diagnose(step=whole["step"], parameters=whole["parameters"])
    with pytest.raises(cr.errors.OptionError, match=r"no option 'gradient'.*'gradients'"):
        cr.diagnose(**whole, gradient=1)
    with pytest.raises(cr.errors.OptionError, match=r"loss is a function, got float"):
        cr.diagnose(**(whole | {"loss": 0.5}))
    with pytest.raises(
        cr.errors.OptionError, match=r"forward\(parameters, X\) raised KeyError: 'W1'"
    ):
        cr.diagnose(**(whole | {"parameters": {"V": np.zeros(2)}}))
    with pytest.raises(cr.errors.DtypeError, match=r"data: y is <U1; numbers were expected"):
        cr.diagnose(**(whole | {"data": (whole["data"][0], np.array(["a"] * 120))}))
    with pytest.raises(cr.errors.ShapeError, match=r"data: X has shape \(120, 2\) and y \(3,\)"):
        cr.diagnose(**(whole | {"data": (whole["data"][0], np.zeros(3))}))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epochs": "x"}, r"epochs to be a whole number of 1 or more, got 'x'"),
        ({"epochs": -3}, r"epochs to be a whole number of 1 or more, got -3"),
        ({"seed": -1}, r"seed to be a whole number of 0 or more, got -1"),
        ({"batches": lambda X, y: []}, r"batches\(X, y\) gave no batch\. X is \(120, 2\)"),
        ({"batches": lambda X, y: [X]}, r"gives pairs \(X, y\), got ndarray"),
    ],
)
def test_what_is_out_of_range_is_told(options: Any, told: str) -> None:
    with pytest.raises(cr.errors.OptionError, match=told):
        cr.diagnose(**given(**options))


def test_batches_that_come_once_only_are_told() -> None:
    whole = given()
    once = iter([whole["data"]])
    with pytest.raises(cr.errors.OptionError, match="in every call it gives an epoch"):
        cr.diagnose(**(whole | {"batches": lambda X, y: once}))


def test_data_without_rows_are_told() -> None:
    with pytest.raises(cr.errors.ShapeError, match=r"X has shape \(0, 2\) and y \(0, 3\); there"):
        cr.diagnose(**given(data=(np.zeros((0, 2)), np.zeros((0, 3)))))


def test_random_numbers_of_python_stay_where_they_stood() -> None:
    whole, own = given(epochs=3), random.Random(1)
    plain = whole["step"]

    def step(p: Any, X: Any, y: Any) -> None:
        if random.random() + own.random() < 3:
            plain(p, X, y)

    state, theirs = random.getstate(), own.getstate()
    cr.diagnose(**(whole | {"step": step}))
    assert random.getstate() == state
    assert own.getstate() == theirs
