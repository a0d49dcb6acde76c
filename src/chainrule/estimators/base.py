"""What the classifier and the regressor share: from checked data to trained networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from chainrule.errors import DataError, OptionError
from chainrule.estimators import build
from chainrule.estimators.far import warn_of_far_values
from chainrule.estimators.features import HiddenFeatures
from chainrule.estimators.member import Job, Member
from chainrule.estimators.options import can_scale_inputs, check_options, is_lbfgs
from chainrule.estimators.order import starts
from chainrule.estimators.places import own_places
from chainrule.estimators.rows import dense, is_sparse, set_aside, table
from chainrule.estimators.scale import Growth, Scale, Scales
from chainrule.estimators.scaling import Scaling
from chainrule.estimators.stopping import Validate
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.callbacks import copies
from chainrule.train.history import History

#: Rows of a sparse matrix that are made dense at a time.
DENSE_ROWS = 4096


class NetworkEstimator(HiddenFeatures, BaseEstimator):  # type: ignore[misc]
    """The base of both estimators; it knows no targets: those are its children's."""

    coefs_: list[Array]
    intercepts_: list[Array]
    _members: list[Member]
    _scaled: Scaling

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep the parameters of ``__init__`` as they are, as scikit-learn wants it."""
        for name in self._get_param_names():
            setattr(self, name, given[name])

    # --- what a child says -----------------------------------------------------------------------

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """``X`` and ``y`` as scikit-learn checks them."""
        raise NotImplementedError

    def _learn_targets(self, y: Any) -> None:
        """Take from the first ``y`` what targets there are."""

    def _check_form(self, y: Any) -> None:
        """Refuse a ``y`` of another form than the first one."""

    def _check_held(self, y: Any) -> None:
        """Refuse a ``y`` for validation that holds what the other does not."""

    def _check_targets(self, y: Any) -> None:
        """Refuse a ``y`` with which a warm start cannot go on."""
        self._check_form(y)

    def _output(
        self, options: dict[str, Any], y: Any, w: Array | None, scale: Scale
    ) -> build.Output:
        """What the network has to give, for targets in this scale."""
        raise NotImplementedError

    def _targets(
        self, y: Any, output: build.Output, dtype: Any, scales: Scales
    ) -> tuple[Loss, Array]:
        """The loss, and ``y`` in this scale as it wants it."""
        raise NotImplementedError

    def _scales_targets(self) -> bool:
        """Whether targets have a scale."""
        return False

    def _growth(self, y: Any, w: Array | None) -> Growth:
        """How the loss grows with the unit of these targets."""
        return Growth()

    def _score_outputs(self, outputs: Array, y: Any, w: Array | None) -> float:
        """What ``score`` gives for these outputs."""
        raise NotImplementedError

    def _strata(self, y: Any) -> Any:
        """The labels of which both sides get their share when rows are set aside."""
        return None

    def _weights(self, w: Array | None, y: Any, *, whole: bool) -> Array | None:
        """One weight a row; ``whole`` says that these are all rows there are."""
        return w

    # --- training --------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> Any:
        options = self._options()
        going_on = bool(options["warm_start"] and hasattr(self, "coefs_"))
        X, y = self._checked(X, y, reset=not going_on)
        (self._check_targets if going_on else self._learn_targets)(y)
        random = check_random_state(options["random_state"])
        w = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        held = None
        if validation_data is not None:
            held = self._given_validation(validation_data)
        elif options["early_stopping"] and not is_lbfgs(options):
            share = options["validation_fraction"]
            X, y, w, held = set_aside(X, y, w, share, random, self._strata(y))
        build.warn_of_large_batches(options, X.shape[0])
        before = getattr(self, "callbacks_", []) if going_on else []
        given = copies(options["callbacks"])
        options["callbacks"] = self.callbacks_ = own_places(given, before, self)
        job = self._job(options, X, y, w, held, going_on)
        members = self._members_for(job, going_on)
        begun = len(self._members) if going_on else 0
        begin = starts(random)
        for number, member in enumerate(members, 1):
            member.fit(job, begin, going_on=number <= begun, number=number)
            if member.is_interrupted:
                # The networks before, and this one as far as it came, are what there is.
                members = members[: max(number, begun)]
                break
        return self._publish(members, job)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Any:
        options = self._options()
        if options["early_stopping"]:
            raise OptionError(
                "partial_fit does not support early_stopping=True: a piece of the data has no "
                "validation data of its own."
            )
        going_on = hasattr(self, "coefs_")
        X, y = self._checked(X, y, reset=not going_on)
        if going_on:
            self._check_form(y)
        w = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        job = self._job(options, X, y, w, None, going_on, whole=False)
        members = self._members_for(job, going_on)
        random = check_random_state(options["random_state"])
        for member in members:
            member.take(job, random)
        return self._publish(members, job)

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = self.get_params(deep=False)
        check_options(type(self).__name__, options)
        return options

    def _given_validation(self, data: Any) -> tuple[Any, Any, Array | None]:
        if not (isinstance(data, tuple | list) and len(data) in (2, 3)):
            raise OptionError(
                f"validation_data is (X, y) or (X, y, sample_weight), got {type(data).__name__}."
            )
        try:
            X, y = self._checked(data[0], data[1], reset=False)
            self._check_held(y)
            return X, y, None if len(data) == 2 else _check_sample_weight(data[2], X)
        except ValueError as error:
            raise DataError(f"validation_data: {error}") from error

    def _job(
        self, options: dict[str, Any], X: Any, y: Any, w: Array | None, held: Any, going_on: bool,
        whole: bool = True,
    ) -> Job:  # fmt: skip
        given = options["layers"]
        dtype = given.dtype if isinstance(given, Sequential) else X.dtype
        x = dense(X, dtype)
        scaling = self._scaling(options, X, x, y, w, going_on, whole)
        scales = scaling.scales
        # Weights of classes are for the loss: they move no column's mean.
        w = self._weights(w, y, whole=whole)
        output = self._output(options, y, w, scales.targets)
        loss, t = self._targets(y, output, dtype, scales)
        x = scales.inputs.shrink(x).astype(dtype, copy=False)
        data = {"x": x, "t": t} | ({} if w is None else {"w": w.astype(dtype)})
        validate = None if held is None else self._validate(output, dtype, scales, *held)
        return Job(options, data, loss, output, scaling, validate)

    def _scaling(
        self, options: dict[str, Any], X: Any, x: Array, y: Any, w: Array | None, going_on: bool,
        whole: bool,
    ) -> Scaling:  # fmt: skip
        """The scales for these rows, which may go on from those of earlier ones."""
        wanted = options["scale_inputs"] if can_scale_inputs(options["layers"]) else False
        t = table(y) if self._scales_targets() else None
        growth = self._growth(y, w)
        old = getattr(self, "_scaled", None) if going_on else None
        if going_on and old is None:
            # Weights that were set by hand, before any training, stay as they are.
            wanted = False
        if old is None:
            new = Scaling.of(wanted, x, t, w, growth)
        else:
            new = old.after(wanted, x, t, w, growth, whole)
        if new.is_new and not is_sparse(X):  # a sparse column has its zeros by nature
            warn_of_far_values(new, x, t, w, getattr(self, "feature_names_in_", None))
        return new

    def _validate(
        self, output: build.Output, dtype: Any, scales: Scales, X: Any, y: Any, w: Array | None
    ) -> Validate:
        """What the stopping rule calls after an epoch."""
        loss, t = self._targets(y, output, dtype, scales)
        x = scales.inputs.shrink(dense(X, dtype)).astype(dtype, copy=False)

        def score(outputs: Array, targets: Array) -> float:
            if not np.isfinite(outputs).all():
                return math.nan
            return self._score_outputs(scales.targets.stretch(outputs), y, w)

        def validate(net: Sequential) -> tuple[float, float]:
            found = net.evaluate(x, t, loss=loss, metrics=score, sample_weight=w)
            return found["loss"], found["score"]

        return validate

    # --- members ---------------------------------------------------------------------------------

    def _members_for(self, job: Job, going_on: bool) -> list[Member]:
        wanted, dtype = job.options["ensemble"], job.data["x"].dtype
        members = [Member(build.network(job.options, job.output, dtype)) for _ in range(wanted)]
        if not going_on:
            return members
        if not hasattr(self, "_members"):
            # Weights that were set by hand, before any training.
            net = members[0].net
            build.start(net, job.options, job.output, job.data["x"].shape[1], RandomState(0))
            job.scaling.scales.stretch_network(net)
            self._members = members[:1]
        build.check_same([member.net for member in self._members], members[0].net, wanted)
        self._adopt()
        if job.scaling.move is not None:
            for member in self._members:
                member.rescale(job.scaling.move)
            self._scaled = job.scaling  # even if this training fails
        return [*self._members, *members[len(self._members) :]]

    def _adopt(self) -> None:
        """Whoever puts other arrays into ``coefs_`` and ``intercepts_`` means the network."""
        build.adopt(self._members[0].net, self.coefs_, self.intercepts_)

    def _publish(self, members: list[Member], job: Job) -> Any:
        """Show what was learnt, as attributes; those of the first network where there are more."""
        first, early = members[0], self.early_stopping and members[0].record.scores
        net, record = first.net, first.record
        names = build.dense_names(net)
        self._members, self._scaled = members, job.scaling
        scales = job.scaling.scales
        self.nets_ = [member.net for member in members]
        self.coefs_ = [net.parameters[weights] for weights, _ in names]
        self.intercepts_ = [net.parameters[biases] for _, biases in names]
        self.n_layers_ = len(names) + 1
        self.n_outputs_ = net.output_shape[0]
        self.out_activation_ = build.out_activation(net)
        self.history_: History = first.history
        self.loss_curve_ = scales.losses(record.losses)
        self.loss_ = self.loss_curve_[-1] if record.losses else math.nan
        self.best_loss_ = None if early else record.best_loss * scales.loss_unit
        self.validation_scores_ = record.scores or None
        self.validation_loss_curve_ = scales.losses(record.validation_losses) or None
        self.best_validation_score_ = max(record.scores) if record.scores else None
        self.n_iter_ = first.epochs
        self.t_ = first.samples
        return self

    def _outputs(self, X: Any) -> Array:
        """The outputs for ``X``, (n, outputs): the mean over the networks."""
        return self._mapped(X, self._mean)

    def _mapped(self, X: Any, function: Callable[[Array], Array]) -> Array:
        check_is_fitted(self, "_members")
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        self._adopt()
        if not is_sparse(X):
            return function(X)
        starts = range(0, X.shape[0], DENSE_ROWS)
        return np.concatenate([function(X[i : i + DENSE_ROWS].toarray()) for i in starts])

    def _mean(self, X: Array) -> Array:
        each = [member.net.predict(X, engine=self.engine) for member in self._members]
        return each[0] if len(each) == 1 else np.mean(each, axis=0)

    def _can_take_steps(self) -> bool:
        """Whether there is a partial_fit."""
        if is_lbfgs(self.get_params(deep=False)):
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    # --- what scikit-learn asks ------------------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
