"""NetworkRegressor: a network for one number a row, or several."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d, validate_data

from chainrule.errors import DataError
from chainrule.estimators import build
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.losses import bent, regressor_loss, usual_distance
from chainrule.estimators.member import Job, Member
from chainrule.estimators.rows import table
from chainrule.estimators.scale import Growth, Scale, Scales
from chainrule.estimators.targets import check_numbers
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss, huber, huber_delta
from chainrule.nn.sequential import Sequential

#: Losses that in other units of y are the same but for one factor: this power of the unit.
DEGREES = {
    "squared_error": 2.0,
    "mean_squared_error": 2.0,
    "sum_squared_error": 2.0,
    "half_sum_squared_error": 2.0,
    "mean_absolute_error": 1.0,
}


class NetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """A network that predicts numbers, one a row or several, in scikit-learn's manner.

    Its parameters and attributes mean what they mean in scikit-learn's MLPRegressor, so that
    swapping the import is enough; those from ``scale_target`` on are its own. With the same
    ``random_state`` it draws the same weights and batches. It minimises, over batches of n rows,

        1/n (1/2 Σ_i (y_i - p_i)² + α/2 Σ W²)

    or with ``loss="poisson"`` the sum of y ln(y / p) - y + p, where p is the exponential of the
    last layer. Columns and targets may have any units: see ``scale_inputs`` and ``scale_target``.

    Args:
        loss: "squared_error", "poisson" for counts of 0 or more, a name of chainrule's losses, such
            as "huber" or "mean_absolute_error", a ``Loss``, or a function of (outputs, targets).
        scale_target: train on (y - mean) / unit, where the unit is y's standard deviation, and fold
            both into the last layer afterwards; so ``alpha``, ``tol`` and the rate mean the same
            whatever y's unit is. Several outputs have a unit each: all count alike, as in
            ``score``. Losses are told in y's units, by the mean over the outputs of what the loss
            of one is in its own (for squares, that of the variances). Where outputs are to count
            by their size, divide y by one number, and choose False. For losses of squares, the mean
            absolute error, "huber", and networks that are not given whole; where it is False or
            does not hold, the output's biases begin at y's mean (with "poisson", at its logarithm).
            Callbacks see the network as it trains.
        huber_delta: for ``loss="huber"``, the distance in y's units beyond which an error counts
            by itself and no longer by its square: y times 1000 and delta times 1000 are the same
            training. "auto" is 1.4826 times the median distance from y's median, of several outputs
            for each: the standard deviation, but for outliers. Training divides the loss by delta
            where that is below y's unit, so that ``tol`` and ``alpha`` mean the same for any delta.
        layers: in place of ``hidden_layer_sizes``, a list of hidden layers, to which the output
            layer is added; or a whole ``Sequential``, with one output for each number.

    All others, ``hidden_layer_sizes`` to ``engine``, are those of
    :class:`chainrule.NetworkClassifier`; so are the attributes after ``fit``, but for ``classes_``.
    ``validation_scores_`` are coefficients of determination, R². ``huber_delta_`` is the delta that
    "huber" was trained with: one number, or with "auto" and several outputs an array of theirs.

    >>> from sklearn.datasets import load_diabetes
    >>> import chainrule as cr
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = cr.NetworkRegressor(learning_rate_init=0.01, early_stopping=True, random_state=0)
    >>> bool(net.fit(X, y).score(X, y) > 0.4)
    True
    """

    huber_delta_: float | Array

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        scale_target: bool = True,
        huber_delta: Any = "auto",
        scale_inputs: Any = "auto",
        layers: Any = None,
        dropout: float = 0.0,
        optimizer: Any = None,
        schedule: Any = None,
        callbacks: Any = (),
        n_restarts: int = 0,
        ensemble: int = 1,
        engine: str = "numpy",
    ) -> None:
        self._keep(locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation_data: Any = None
    ) -> NetworkRegressor:
        """Train on samples ``X`` (n, features) and numbers ``y``, (n,) or (n, outputs).

        Args:
            sample_weight: one number a row.
            validation_data: (X, y) or (X, y, sample_weight), scored after each epoch.

        Raises:
            ValueError: parameters or data that cannot be used; or training exploded.
        """
        fitted: NetworkRegressor = self._fit(X, y, sample_weight, validation_data)
        return fitted

    @available_if(lambda self: self._can_take_steps())  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkRegressor:
        """Train for one epoch on these samples, going on from where the network is.

        The targets' scale is taken anew where the samples so far show that it was wrong. Neither
        callbacks nor a schedule are used: these are for whole trainings.
        """
        fitted: NetworkRegressor = self._partial_fit(X, y, sample_weight)
        return fitted

    def predict(self, X: Any) -> Array:
        """The predicted numbers: (n,), or (n, outputs) where ``y`` had several."""
        return self._as_given(self._outputs(X))

    # --- what the base asks ----------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        check_numbers(y)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=reset,
        )  # fmt: skip
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if isinstance(self.loss, str) and self.loss == "poisson" and y.min() < 0:
            raise DataError(
                f"Some value(s) of y are out of the valid range of the loss 'poisson': counts are "
                f"0 or more, and y goes down to {y.min():g}."
            )
        return X, y

    def _check_form(self, y: Any) -> None:
        given, known = table(y).shape[1], np.shape(self.coefs_[-1])[1]
        if given != known:
            raise DataError(
                f"training goes on with a network for {known} number{'s' if known > 1 else ''} a "
                f"row, and y now has {given}. Fit with warm_start=False, or another regressor."
            )

    def _output(
        self, options: dict[str, Any], y: Any, w: Array | None, scale: Scale
    ) -> build.Output:
        answer = np.average(scale.shrink(table(y)), axis=0, weights=w)
        poisson = isinstance(self.loss, str) and self.loss == "poisson"
        activation = "exp" if poisson else None
        given = options["layers"]
        if isinstance(given, Sequential):
            activation = given.last_activation
        return build.Output(len(answer), activation, answer)

    def _targets(
        self, y: Any, output: build.Output, dtype: Any, scales: Scales
    ) -> tuple[Loss, Array]:
        loss = regressor_loss(self.loss)
        if scales.is_bent:
            loss = bent(scales.bend / np.asarray(scales.targets.unit))
        return loss, scales.targets.shrink(table(y)).astype(dtype)

    def _scales_targets(self) -> bool:
        if not self.scale_target or isinstance(self.layers, Sequential):
            return False
        named = isinstance(self.loss, str) and self.loss in DEGREES
        return named or huber_delta(regressor_loss(self.loss)) is not None

    def _growth(self, y: Any, w: Array | None) -> Growth:
        own = huber_delta(regressor_loss(self.loss))
        if own is None:
            return Growth(DEGREES.get(self.loss, 2.0) if isinstance(self.loss, str) else 2.0)
        if self.loss not in ("huber", huber):
            return Growth(bend=np.asarray(own))
        if self.huber_delta == "auto":
            return Growth(bend=usual_distance(table(y), w), rows=len(y))
        return Growth(bend=float(self.huber_delta))

    def _publish(self, members: list[Member], job: Job) -> Any:
        bend = np.asarray(job.scales.bend)
        if hasattr(self, "huber_delta_"):
            del self.huber_delta_
        if job.scales.is_bent:
            self.huber_delta_ = bend.item() if bend.size == 1 else bend
        return super()._publish(members, job)

    def _score_outputs(self, outputs: Array, y: Any, w: Array | None) -> float:
        return float(r2_score(y, self._as_given(outputs), sample_weight=w))

    def _as_given(self, outputs: Array) -> Array:
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
