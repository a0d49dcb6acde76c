"""Programs by hand with a mistake in what they compute: named, placed, and proven."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_programs import SKIP, given, names, spirals

import chainrule as cr
from chainrule.doctor.byhand.given import program_of
from chainrule.doctor.byhand.probes import Probes
from chainrule.doctor.byhand.wholenumbers import repairs

INTEGERS = (
    "class Tanh:",
    "parameters = {k: np.rint(2 * a).astype(int) for k, a in parameters.items()}\n\n\nclass Tanh:",
)
EARLY = """
    q = forward(p, X)
    h1, h2 = first.h, second.h
    d3 = (q - y) / len(X)
    p["W3"] -= 0.3 * h2.T @ d3
    p["b3"] -= 0.3 * d3.sum(axis=0)
    d2 = second.backward(d3 @ p["W3"].T)
    p["W2"] -= 0.3 * h1.T @ d2
    p["b2"] -= 0.3 * d2.sum(axis=0)
    d1 = first.backward(d2 @ p["W2"].T)
    p["W1"] -= 0.3 * X.T @ d1
    p["b1"] -= 0.3 * d1.sum(axis=0)
"""
STEP = "\n    g = gradients(p, X, y)\n    for name in p:\n        p[name] -= 0.3 * g[name]\n"
UNCLEARED = (
    ("def step(", "total = {k: 0.0 for k in parameters}\n\n\ndef step("),
    ("p[name] -= 0.3 * g[name]",
     "total[name] = total[name] + g[name]\n        p[name] -= 0.3 * total[name]"),
)  # fmt: skip

MISTAKES: dict[str, tuple[tuple[str, str], ...]] = {
    "missing_mean": (("(q - y) / len(X)", "(q - y)"),),
    "wrong_sign": (("(q - y) / len(X)", "(y - q) / len(X)"),),
    "activation_derivative_missing": (("return g * (1 - self.h**2)", "return g"),),
    "weight_not_transposed": (('d2 @ p["W2"].T', 'd2 @ p["W2"]'),),
    "gradient_transposed": (("h1.T @ d2", "d2.T @ h1"),),
    "bias_not_summed": (("d2.sum(axis=0)", "d2[0]"),),
    "bias_of_another_layer": (('"b1": d1.sum(axis=0)', '"b1": d2.sum(axis=0)'),),
    "softmax_scaled_twice": (
        ("d2 = second", "d3 = q * (d3 - np.sum(d3 * q, axis=1, keepdims=True))\n    d2 = second"),
    ),
    "stale_cache": (("first, second = Tanh(), Tanh()", "first = second = Tanh()"),),
    "backward_writes_its_argument": (
        *SKIP, ("return g * (1 - self.h**2)", "g *= 1 - self.h**2\n        return g"),
    ),
    "updated_too_early": ((STEP, EARLY),),
    "gradients_not_cleared": UNCLEARED,
    "integer_parameters": (INTEGERS,),
    "softmax_twice": (
        ('softmax(h2 @ p["W3"] + p["b3"])', 'softmax(softmax(h2 @ p["W3"] + p["b3"]))'),
    ),
    "softmax_over_everything": (("np.sum(e, axis=1, keepdims=True)", "np.sum(e)"),),
    "softmax_over_batch": (
        ("np.sum(e, axis=1, keepdims=True)", "np.sum(e, axis=0, keepdims=True)"),
    ),
    "activation_on_logits": (
        ('softmax(h2 @ p["W3"] + p["b3"])', 'softmax(np.maximum(0, h2 @ p["W3"] + p["b3"]))'),
    ),
    "wrong_axis": (
        ("np.argmax(forward(p, X), axis=1) == np.argmax(y, axis=1)",
         "np.argmax(forward(p, X), axis=0) == np.argmax(y, axis=0)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistake_is_named_first(name: str) -> None:
    diagnosis = cr.diagnose(**given(*MISTAKES[name]))
    assert diagnosis.verdict == "ill"
    finding = diagnosis.findings[0]
    assert finding.name == name, str(diagnosis)
    assert finding.repair
    assert any(digit.isdigit() for digit in finding.observed)
    assert finding.where


def test_a_gradient_mistake_is_proven_by_training_with_the_true_gradient() -> None:
    finding = cr.diagnose(**given(*MISTAKES["weight_not_transposed"], epochs=20)).findings[0]
    assert finding.experiment is not None
    assert finding.experiment.after < finding.experiment.before
    assert "the true gradient of the loss in every step" in str(finding.experiment)
    assert "times the true one" in finding.observed
    assert finding.repair == "da = dz @ W2.T"


def test_differences_of_whole_numbers_are_told_from_whole_numbers() -> None:
    numerical = (
        "def step(",
        "def gradients(p, X, y):\n    found = {}\n    for k, a in p.items():\n"
        "        found[k] = np.zeros(a.shape)\n        for i in np.ndindex(*a.shape):\n"
        "            kept = a[i]\n            a[i] = kept + 1e-5\n            up = loss(p, X, y)\n"
        "            a[i] = kept - 1e-5\n            found[k][i] = (up - loss(p, X, y)) / 2e-5\n"
        "            a[i] = kept\n    return found\n\n\ndef step(",
    )
    made = given(INTEGERS, numerical, epochs=2)
    rows = made["data"][0][:12], made["data"][1][:12]
    found = cr.diagnose(**(made | {"data": rows})).findings
    assert [finding.name for finding in found] == ["integers_perturbed"]
    assert "the gradients are others for the same numbers as floats" in found[0].observed


@pytest.mark.parametrize(("times", "first"), [(1, "parameters as floats"), (9, "W = rng.normal(")])
def test_whole_numbers_that_would_be_a_wide_start_are_drawn_anew(times: int, first: str) -> None:
    whole = INTEGERS[0], INTEGERS[1].replace("2 * a", f"{times} * a")
    probes = Probes(program_of(**given(whole, epochs=1)), lambda line: None)
    found: Any = repairs(probes)
    assert found[0].text.startswith(first)
    for repair in found:
        changed = repair.apply(probes.program)
        assert {array.dtype.kind for array in changed.parameters.values()} == {"f"}


def test_the_step_is_judged_without_gradients() -> None:
    whole = given(*MISTAKES["updated_too_early"])
    del whole["gradients"]
    assert cr.diagnose(**whole).findings[0].name == "updated_too_early"


def test_targets_in_another_form_are_named_by_the_form_that_trains() -> None:
    X, y = spirals()
    finding = cr.diagnose(**given(data=(X, y.reshape(-1, 1)))).findings[0]
    assert finding.name == "wrong_target_form"
    assert "a row has 3 outputs and 1 numbers as target (y is (120, 1))" in finding.observed
    assert finding.repair.startswith("y = np.eye(3)[y.ravel().astype(int)]")


def test_targets_that_broadcast_are_named() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    line = (X @ [[1.0], [-2.0]]).ravel()

    def forward(p: Any, X: Any) -> Any:
        return X @ p["W"] + p["b"]

    def loss(p: Any, X: Any, y: Any) -> Any:
        return np.mean((forward(p, X) - y) ** 2)

    def step(p: Any, X: Any, y: Any) -> None:
        error = 2 * np.mean(forward(p, X) - y, axis=1, keepdims=True) / len(X)
        p["W"] -= 0.1 * X.T @ error
        p["b"] -= 0.1 * error.sum(axis=0)

    program = {
        "step": step, "forward": forward, "loss": loss, "epochs": 60,
        "parameters": {"W": rng.normal(size=(2, 1)), "b": np.zeros(1)},
    }  # fmt: skip
    finding = cr.diagnose(**program, data=(X, line)).findings[0]
    assert finding.name == "targets_broadcast"
    assert "their difference is (80, 80)" in finding.observed
    assert finding.experiment is not None
    assert finding.experiment.after < 0.1 * finding.experiment.before
    assert cr.diagnose(**program, data=(X, line[:, None])).verdict == "healthy"


def test_a_nan_in_the_data_is_placed() -> None:
    X, y = spirals()
    X[7, 1] = np.nan
    finding = cr.diagnose(**given(data=(X, np.eye(3)[y]))).findings[0]
    assert finding.name == "non_finite_data"
    assert finding.where == "X[7, 1]"
    assert finding.experiment is not None
    assert np.isfinite(finding.experiment.after)


def test_only_a_program_with_the_mistake_has_it() -> None:
    assert names() == []


def test_data_without_a_sound_row() -> None:
    X, y = spirals()
    X = np.column_stack([X, np.full(len(X), np.nan)])
    three = ("size=(2, 10)", "size=(3, 10)")
    finding = cr.diagnose(**given(three, data=(X, np.eye(3)[y]))).findings[0]
    assert finding.name == "non_finite_data"
    assert finding.where == "X[0, 2]"
    assert finding.repair.startswith("X = np.where(np.isfinite(X), X, 0)")
    assert finding.experiment is not None
    assert finding.experiment.after < finding.experiment.reference + 0.2
    lost = cr.diagnose(**given(data=(X[:, :2], np.full((len(X), 3), np.nan)))).findings[0]
    assert (lost.name, lost.repair, lost.experiment) == ("non_finite_data", "", None)
    assert lost.expected.endswith("hardly a row is without: look at how the data are read")


@pytest.mark.parametrize("row", [0, 3])  # one that is held back, and one that is trained on
def test_a_target_that_is_lost_costs_its_row(row: int) -> None:
    X, y = spirals()
    labels = np.eye(3)[y]
    labels[row] = np.nan
    finding = cr.diagnose(**given(data=(X, labels))).findings[0]
    assert finding.observed == "3 values of y are not finite; the first is nan"
    assert finding.repair.startswith("keep = np.isfinite(y).all(axis=-1); X, y = X[keep], y[keep]")
    assert finding.experiment is not None
    assert finding.experiment.after < 0.2


UPDATE = "    for name in p:\n        p[name] -= 0.3 * g[name]\n"
REBINDS = (UPDATE, "    for name, W in p.items():\n        W = W - 0.3 * g[name]\n")


def test_a_step_that_only_binds_names_updates_nothing() -> None:
    finding = cr.diagnose(**given(REBINDS)).findings[0]
    assert (finding.name, finding.title) == ("never_updated", "The step updates nothing")
    assert "steps every parameter is what it was before, bit for bit" in finding.observed
    assert "W1 = W1 - ... binds a name inside step" in finding.repair
    assert finding.experiment is not None
    assert finding.experiment.after < 0.6 * finding.experiment.before
    few = given(REBINDS)
    del few["gradients"], few["loss"]
    bare = cr.diagnose(**few).findings[0]
    assert (bare.name, bare.experiment) == ("never_updated", None)


def test_a_rate_that_rounding_swallows_is_not_a_missing_update() -> None:
    found = names(("0.3 * g", "1e-18 * g"), ("np.zeros(", "np.ones("))
    assert "never_updated" not in found


@pytest.mark.parametrize(
    "update",
    [
        # Four batches for one update.
        "    held.append(g)\n    if len(held) % 4 == 0:\n        for name in p:\n"
        "            p[name] -= 0.3 * sum(g[name] for g in held[-4:])\n",
        # New arrays, in another order than the old ones.
        "    return {name: p[name] - 0.3 * g[name] for name in reversed(p)}\n",
    ],
)
def test_a_step_that_updates_now_and_then_or_returns_does_update(update: str) -> None:
    start = ("first, second = Tanh(), Tanh()", "first, second = Tanh(), Tanh()\nheld = []")
    assert names(start, (UPDATE, update)) == []


def test_targets_that_are_all_alike_come_before_everything_else() -> None:
    X, y = spirals()
    one = np.eye(3)[np.full(len(y), 2)]
    diagnosis = cr.diagnose(**given(('p["W2"].T', 'p["W2"]'), data=(X, one)))
    assert diagnosis.verdict == "ill"
    (finding,) = diagnosis.findings
    assert finding.name == "targets_constant"
    assert finding.observed == "all 120 rows have the same target, 0, 0, 1"
    assert "what comes after it: repair this first, then ask again" in diagnosis.not_judged


def test_a_loss_that_does_not_ask_for_targets_may_be_given_a_filler() -> None:
    diagnosis = cr.diagnose(
        step=lambda p, X, y: {"w": p["w"] - 0.2 * (p["w"] - 0.5)},
        forward=lambda p, X: p["w"] + 0 * X[:, :1],
        parameters={"w": np.zeros(1)},
        data=(np.random.default_rng(0).normal(size=(80, 2)), np.zeros((80, 1))),
        loss=lambda p, X, y: np.sum((p["w"] - 0.5) ** 2) / 2,
    )
    assert "targets_constant" not in [finding.name for finding in diagnosis.findings]
    assert "a constant answer has 1" not in diagnosis.summary
