"""What the classifier and the regressor share: from checked data to trained networks and outputs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from chainrule.errors import DataError, OptionError, ShapeError
from chainrule.estimators import build
from chainrule.estimators.compatible import validate_data
from chainrule.estimators.member import Job, Member
from chainrule.estimators.options import check_options, is_lbfgs
from chainrule.estimators.stopping import Validate
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.history import History

#: Rows of a sparse matrix that are made dense at a time.
DENSE_ROWS = 4096


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]
    """The base of both estimators; it knows no targets: those are its children's."""

    _members: list[Member]
    coefs_: list[Array]
    intercepts_: list[Array]

    # --- what a child says -----------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """``X`` and ``y`` as scikit-learn checks them."""
        raise NotImplementedError

    def _learn_targets(self, y: Any) -> None:
        """Take from the first ``y`` what outputs are needed."""
        raise NotImplementedError

    def _check_targets(self, y: Any) -> None:
        """Refuse a later ``y`` that does not fit the first."""
        raise NotImplementedError

    def _output(self, y: Any, w: Array | None) -> build.Output:
        """What the network has to give."""
        raise NotImplementedError

    def _loss_for(self, net: Sequential) -> Loss:
        """The loss that ``loss`` means for this network."""
        raise NotImplementedError

    def _targets(self, y: Any, net: Sequential, loss: Loss) -> Array:
        """``y`` as the network is trained on it."""
        raise NotImplementedError

    def _score_outputs(self, outputs: Array, y: Any, w: Array | None) -> float:
        """What ``score`` gives for these outputs."""
        raise NotImplementedError

    def _stratify(self, y: Any) -> Any:
        """By which labels rows are set aside evenly."""
        return None

    # --- training --------------------------------------------------------------------------------

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = self.get_params(deep=False)
        check_options(type(self).__name__, options)
        return options

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> Any:
        options = self._options()
        going_on = bool(options["warm_start"] and hasattr(self, "coefs_"))
        X, y = self._checked(X, y, reset=not going_on)
        if going_on:
            self._check_targets(y)
        else:
            self._learn_targets(y)
        random = check_random_state(options["random_state"])
        w = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        held: Any = None
        if validation_data is not None:
            held = self._held(validation_data)
        elif options["early_stopping"] and not is_lbfgs(options):
            X, y, w, held = self._set_aside(X, y, w, random)
        whole = self._weights(w, y)
        if not isinstance(options["batch_size"], str) and options["batch_size"] > X.shape[0]:
            warnings.warn(
                f"batch_size={options['batch_size']} is more than the {X.shape[0]} samples: all "
                "are taken in each step.",
                stacklevel=3,
            )
        members = self._members_to_train(options, going_on)
        seeds = random.randint(2**31 - 1 - options["n_restarts"], size=len(members))
        X = _dense(X)
        for member, seed in zip(members, seeds, strict=True):
            member.fit(self._job(member, options, X, y, whole, held), int(seed), going_on=going_on)
        self._members = members
        self._publish()
        return self

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        options = self._options()
        if options["early_stopping"]:
            raise OptionError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_")
        X, y = self._checked(X, y, reset=first)
        self._check_targets(y)
        w = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        members = self._members_to_train(options, not first)
        seeds = check_random_state(options["random_state"]).randint(2**31 - 1, size=len(members))
        whole, X = self._weights(w, y), _dense(X)
        for member, seed in zip(members, seeds, strict=True):
            member.take(self._job(member, options, X, y, whole, None), int(seed))
        self._members = members
        self._publish()
        return self
