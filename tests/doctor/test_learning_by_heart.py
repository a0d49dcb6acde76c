"""Networks that fit their rows and know nothing of others, because of their start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.mark.parametrize("seed", [0, 2])
def test_weights_so_large_that_only_its_own_rows_are_learnt(seed: int) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] * X[:, 1] + X[:, 2] > 0

    def wide(shape: Any, rng: Any) -> Any:
        return 50 * rng.normal(size=shape)

    layers = cr.Dense(12, "relu", weight_init=wide), cr.Dense(1, "sigmoid", weight_init=wide)
    told = cr.diagnose(cr.Sequential(*layers), X, y, optimizer=cr.SGD(0.5), epochs=300, seed=seed)
    (finding,) = told.findings
    assert finding.name == "weights_too_large"
    assert "It knows these rows by heart" in told.summary
    assert finding.experiment is not None
    assert "on rows held back" in finding.experiment.outcome
    assert finding.experiment.after < 0.1 * finding.experiment.before
