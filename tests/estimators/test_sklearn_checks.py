"""scikit-learn's own checks of estimators, on both of ours: none is expected to fail."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sklearn.exceptions import ConvergenceWarning, SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

# As scikit-learn's own networks are checked: 100 epochs, for time.
NETWORKS = [cr.NetworkClassifier(max_iter=100), cr.NetworkRegressor(max_iter=100)]

# Older releases hand pytest a generator, which it takes no more.
CHECKS = parametrize_with_checks(NETWORKS).mark


@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)
def test_every_check_passes(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", SkipTestWarning)
        check(estimator)
