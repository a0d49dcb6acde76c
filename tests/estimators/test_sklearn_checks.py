"""scikit-learn's own checks of estimators, every one, on both of ours."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sklearn.exceptions import ConvergenceWarning, SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr

# As scikit-learn's own networks are checked: 100 epochs, for time.
NETWORKS = [cr.NetworkClassifier(max_iter=100), cr.NetworkRegressor(max_iter=100)]

#: What a check needs that is not installed here, or that no network has: not failures of ours.
NOT_FOR_NETWORKS = ("check_array_api_input", "decision_function")


@parametrize_with_checks(NETWORKS)
def test_every_check_passes(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", SkipTestWarning)
        check(estimator)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_no_check_is_expected_to_fail(network: Any) -> None:
    tags = network._get_tags() if hasattr(network, "_get_tags") else {}
    assert not tags.get("_xfail_checks")
