"""Programs by hand that fit their rows and know nothing of others, because of their start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(5)
X = RNG.normal(size=(200, 4))
Y = (X[:, :1] * X[:, 1:2] + X[:, 2:3] > 0) * 1.0


def start(spread: float, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "W1": spread * rng.normal(size=(4, 12)), "b1": np.zeros(12),
        "W2": spread * rng.normal(size=(12, 1)), "b2": np.zeros(1),
    }  # fmt: skip


def layers(p: Any, rows: Any) -> Any:
    h = np.maximum(rows @ p["W1"] + p["b1"], 0)
    return h, 1 / (1 + np.exp(-(h @ p["W2"] + p["b2"])))


def forward(p: Any, rows: Any) -> Any:
    return layers(p, rows)[1]


def step(p: Any, rows: Any, t: Any) -> None:
    h, q = layers(p, rows)
    d = (q - t) / len(rows)
    dh = d @ p["W2"].T * (h > 0)
    p["W1"] -= 0.5 * rows.T @ dh
    p["b1"] -= 0.5 * dh.sum(0)
    p["W2"] -= 0.5 * h.T @ d
    p["b2"] -= 0.5 * d.sum(0)


def told_of(spread: float, seed: int) -> cr.doctor.Diagnosis:
    return cr.diagnose(
        step=step, forward=forward, parameters=start(spread, seed), data=(X, Y), epochs=200
    )


@pytest.mark.parametrize(("spread", "seed"), [(5.0, 0), (10.0, 1), (50.0, 0), (50.0, 3)])
def test_a_start_so_wide_that_only_its_own_rows_are_learnt(spread: float, seed: int) -> None:
    told = told_of(spread, seed)
    assert told.verdict == "ill", str(told)
    (finding,) = told.findings
    assert finding.name == "weights_too_large"
    assert "It knows these rows by heart, and of rows held back no more than" in told.summary
    proof = finding.experiment
    assert proof is not None
    assert proof.measured_on == "rows held back"
    assert proof.after < 0.5 * proof.before
    assert proof.reference is not None
    assert proof.reference < proof.before


def test_who_beats_the_well_made_network_on_its_rows_does_learn() -> None:
    told = told_of(5.0, 1)
    assert told.verdict == "healthy", str(told)
    assert told.summary.endswith(
        "It knows these rows by heart, and of rows held back no more than a constant answer: more "
        "rows, fewer inputs or a smaller network are what may help."
    )


def test_a_usual_start_is_left_in_peace() -> None:
    assert told_of(0.5, 0).verdict == "healthy"
