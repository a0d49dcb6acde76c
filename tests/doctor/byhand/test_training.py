"""Programs by hand that compute rightly and do not learn: what cures is what was wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_programs import given, spirals

import chainrule as cr

ONE_UNIT = (
    ("size=(2, 10)", "size=(2, 1)"),
    ("size=(10, 10)", "size=(1, 1)"),
    ("np.zeros(10)", "np.zeros(1)"),
    ("size=(10, 3)", "size=(1, 3)"),
)
FOR_DIGITS = (
    ("size=(2, 10)", "size=(64, 10)"),
    ("size=(10, 3)", "size=(10, 10)"),
    ("np.zeros(3)", "np.zeros(10)"),
)
FOR_XOR = (
    ("size=(2, 10)", "size=(2, 3)"),
    ("size=(10, 10)", "size=(3, 2)"),
    ('"b1": np.zeros(10)', '"b1": np.zeros(3)'),
    ("np.zeros(10)", "np.zeros(2)"),
    ("size=(10, 3)", "size=(2, 2)"),
    ('"b3": np.zeros(3)', '"b3": np.zeros(2)'),
)
LINEAR = (
    ("self.h = np.tanh(a)", "self.h = a"), ("return g * (1 - self.h**2)", "return g"),
)  # fmt: skip

STARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "zero_weights": (("rng.normal(size=", "0.0 * rng.normal(size="),),
    "weights_too_large": (("rng.normal(size=", "30 * rng.normal(size="),),
    "weights_too_small": (("rng.normal(size=", "0.01 * rng.normal(size="),),
    "dead_biases": (("np.zeros(10)", "np.full(10, -8.0)"),),
    "rate_too_large": (("0.3 * g", "90.0 * g"),),
    "rate_too_small": (("0.3 * g", "0.0001 * g"),),
    "too_few_units": ONE_UNIT,
    "no_hidden_activation": LINEAR,
}

WIDER = (
    ("size=(2, 10)", "size=(2, 16)"), ("size=(10, 10)", "size=(16, 16)"),
    ("size=(10, 3)", "size=(16, 3)"), ("np.zeros(10)", "np.zeros(16)"),
)  # fmt: skip


@pytest.mark.parametrize("name", STARTS)
def test_the_cause_is_what_cures(name: str) -> None:
    diagnosis = cr.diagnose(**given(*STARTS[name]))
    finding = diagnosis.findings[0]
    assert finding.name == name, str(diagnosis)
    assert finding.experiment is not None
    assert finding.experiment.after < 0.6 * finding.experiment.before


@pytest.mark.parametrize("name", ["zero_weights", "weights_too_large", "dead_biases"])
def test_what_cures_as_well_is_no_second_finding(name: str) -> None:
    # Many units, drawn afresh, would cure these too.
    start = [(old.replace("10", "16"), new.replace("10", "16")) for old, new in STARTS[name]]
    found = cr.diagnose(**given(*WIDER, *start)).findings
    assert [finding.name for finding in found] == [name]
    assert "too_few_units" not in found[0].rivals


@pytest.mark.parametrize(
    ("times", "name"), [(255.0, "inputs_too_large"), (1e-4, "inputs_too_small")]
)
def test_the_scale_of_the_inputs(times: float, name: str) -> None:
    X, y = spirals()
    finding = cr.diagnose(**given(data=(times * X, np.eye(3)[y]))).findings[0]
    assert finding.name == name
    assert "(root mean square)" in finding.observed


def test_a_training_that_ends_too_early_is_not_put_down_to_the_network() -> None:
    findings = cr.diagnose(**given(epochs=20)).findings
    assert findings[0].name == "too_few_epochs"
    assert findings[0].repair == "epochs = 200 instead of 20"


def test_labels_that_have_nothing_to_do_with_the_inputs() -> None:
    X, y = spirals(300)
    shuffled = np.random.default_rng(0).permutation(y)
    assert (
        cr.diagnose(**given(data=(X, np.eye(3)[shuffled]))).findings[0].name == "labels_unrelated"
    )


def test_sorted_rows_and_a_loop_that_takes_them_so() -> None:
    digits = cr.data.digits()
    order = np.argsort(digits.y_train[:500], kind="stable")
    data = digits.X_train[order], np.eye(10)[digits.y_train[order]]
    in_order = ("order = rng.permutation(len(X))", "order = np.arange(len(X))")
    found = cr.diagnose(**given(*FOR_DIGITS, in_order, data=data, epochs=10)).findings
    assert found[0].name == "sorted_batches"
    assert found[0].observed.endswith("of the variety of targets that all rows have")


def _held(change: Any = None, seed: int = 4) -> Any:
    X, y = spirals(150, seed)
    return (X, np.eye(3)[y]) if change is None else change(X, y)


def test_validation_on_another_scale_and_with_other_labels() -> None:
    assert cr.diagnose(**given(validation=_held())).verdict == "healthy"
    scaled = cr.diagnose(**given(validation=_held(lambda X, y: (5 * X + 3, np.eye(3)[y]))))
    assert scaled.findings[0].name == "validation_scaled_differently"
    renamed = cr.diagnose(**given(validation=_held(lambda X, y: (X, np.eye(3)[(y + 1) % 3]))))
    assert renamed.findings[0].name == "labels_permuted"
    assert "0 is 1" in renamed.findings[0].repair


def test_validation_rows_that_were_learnt_from() -> None:
    X, y = spirals()
    held = X[:40], np.eye(3)[y[:40]]
    (finding,) = cr.diagnose(**given(validation=held)).findings
    assert finding.name == "validation_in_training"
    assert finding.observed.startswith("40 of its 40 rows are rows of the training data too")
    # What keeps a program from learning comes first.
    slow = cr.diagnose(**given(("0.3 * g", "0.0001 * g"), validation=held)).findings
    assert slow[0].name == "rate_too_small"


def test_overfitting_is_told_only_where_it_lasts() -> None:
    X, y = spirals(36)
    noisy = y.copy()
    noisy[::5] = (noisy[::5] + 1) % 3
    wide = (("size=(2, 10)", "size=(2, 60)"), ("size=(10, 10)", "size=(60, 60)"),
            ("np.zeros(10)", "np.zeros(60)"), ("size=(10, 3)", "size=(60, 3)"))  # fmt: skip
    made = given(*wide, data=(X, np.eye(3)[noisy]), validation=_held(), epochs=1200)
    finding = cr.diagnose(**made).findings[0]
    assert finding.name == "overfitting"
    assert "standard errors" in finding.observed


def test_a_bad_start_of_a_small_network_is_bad_luck() -> None:
    X, y = cr.data.gate("xor")
    verdicts = []
    for seed in range(3):
        start = ("default_rng(1)", f"default_rng({seed})")
        made = given(start, *FOR_XOR, ("0.3 * g", "1.0 * g"), data=(X, np.eye(2)[y]), epochs=800)
        diagnosis = cr.diagnose(**made)
        verdicts.append(diagnosis.verdict)
        assert {finding.name for finding in diagnosis.findings} <= {"local_minimum"}
    assert set(verdicts) <= {"healthy", "unlucky"}


def test_a_loss_that_takes_the_logarithm_of_zero() -> None:
    hard = (
        ("    e = np.exp(z - np.max(z, axis=1, keepdims=True))\n"
         "    return e / np.sum(e, axis=1, keepdims=True)",
         "    r = np.maximum(0, z + 1)\n    return r / np.sum(r, axis=1, keepdims=True)"),
        (" + 1e-12", ""),
        ("d3 = (q - y) / len(X)",
         "s = np.maximum(0, h2 @ p[\"W3\"] + p[\"b3\"] + 1)\n    g = -y / q / len(X)\n"
         "    d3 = (g - np.sum(g * q, axis=1, keepdims=True)) / np.sum(s, axis=1, keepdims=True)"
         " * (s > 0)"),
    )  # fmt: skip
    finding = cr.diagnose(**given(*hard)).findings[0]
    assert finding.name == "log_of_zero"
    assert "exactly 0 or 1" in finding.observed
