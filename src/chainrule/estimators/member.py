"""One network of an estimator, with what its training remembers from one ``fit`` to the next."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import RandomState
from sklearn.exceptions import ConvergenceWarning

from chainrule.errors import DataError
from chainrule.estimators import build
from chainrule.estimators.options import is_lbfgs
from chainrule.estimators.order import MOST_SEED, RowOrder
from chainrule.estimators.places import apart
from chainrule.estimators.scale import Move, Scales
from chainrule.estimators.scaling import Scaling
from chainrule.estimators.stopping import Record, StoppingRule, Validate
from chainrule.graph.op import Array
from chainrule.nn.losses import Loss
from chainrule.nn.sequential import Sequential
from chainrule.train.advice import level_outside
from chainrule.train.fit import fit
from chainrule.train.history import History
from chainrule.train.pieces import Pieces
from chainrule.train.restarts import constant_loss, stuck

#: scikit-learn's words, by which its users know the mistake.
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


@dataclass
class Job:
    """What a network is trained on, and how: checked arrays x, t and perhaps w."""

    options: dict[str, Any]
    data: dict[str, Array]
    loss: Loss
    output: build.Output
    scaling: Scaling
    validate: Validate | None = None

    @property
    def scales(self) -> Scales:
        return self.scaling.scales

    @property
    def rows(self) -> int:
        return len(self.data["x"])


@dataclass(eq=False)
class Member:
    """A network, its optimizer's memory and rate, and the record of its stopping rule."""

    net: Sequential
    record: Record = field(default_factory=Record)
    history: History = field(default_factory=History)
    memory: dict[str, Array] = field(default_factory=dict)
    rate: float | None = None
    samples: int = 0
    epochs: int = 0
    generator: np.random.Generator | None = None
    pieces: Pieces | None = None
    made_for: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the pieces, whose plans no file can hold: its memory is kept instead."""
        memory = self.memory if self.pieces is None else self.pieces.memory
        return self.__dict__ | {"pieces": None, "made_for": None, "memory": memory}

    def rescale(self, move: Move) -> None:
        """Go on in other scales; where its memory no longer holds, the optimizer begins anew."""
        move.apply(self.net)
        if move.forgets:
            self.memory, self.pieces = {}, None
        self.record.rescale(move.before.loss_unit / move.after.loss_unit)

    # --- fit -----------------------------------------------------------------------------------

    def fit(
        self, job: Job, starts: Iterator[RandomState], *, going_on: bool, number: int = 1
    ) -> None:
        """Train to the end; where it got stuck, again from the next start, and keep the best.

        Args:
            number: which one of the networks this is, from 1, for what is kept in files.

        Raises:
            ValueError: a number was not finite, and there is no best epoch to go back to.
        """
        restarts = 0 if going_on else job.options["n_restarts"]
        tries: list[tuple[float, Member, StoppingRule]] = []
        reasons: list[str] = []
        for attempt in range(restarts + 1):
            random = next(starts)
            net = self.net if going_on else self._started(job, random)
            one = Member(net, self.record if going_on else Record())
            callbacks = apart(job.options["callbacks"], number, attempt + 1)
            rule = one._train(job, RowOrder(random), self.samples if going_on else 0, callbacks)
            final = one.history["loss"][-1] if len(one.history) else np.inf
            tries.append((final, one, rule))
            why = stuck(one.history, constant_loss(net, job.data)) if restarts else None
            if why is None or _interrupted(one.history):
                break
            reasons.append(f"start {attempt + 1} of {restarts + 1} got stuck: {why}")
        _, best, rule = min(tries, key=lambda each: each[0])
        best.history.tries = reasons
        before = self.samples if going_on else 0
        self.net, self.record, self.history = best.net, rule.record, best.history
        self.memory, self.pieces = rule.memory, None
        job.scales.stretch_loss(self.net)
        job.scales.stretch_losses(self.history)
        self.epochs = len(self.history)
        self.samples = before + self.epochs * job.rows
        self.rate = self._next_rate(job, rule.rate)
        self._tell(job, number)

    def _started(self, job: Job, random: RandomState) -> Sequential:
        net = build.network(job.options, job.output, job.data["x"].dtype)
        build.start(net, job.options, job.output, job.data["x"].shape[1], random)
        job.scales.stretch_network(net)
        return net

    def _train(self, job: Job, order: RowOrder, samples: int, callbacks: list[Any]) -> StoppingRule:
        options = job.options
        rule = _rule(self.record, job)
        with job.scales.shrunk(self.net):
            self.history = fit(
                self.net, job.data["x"], job.data["t"], sample_weight=job.data.get("w"),
                loss=job.loss, optimizer=build.optimizer(options), epochs=int(options["max_iter"]),
                batch_size=build.batch_rows(options), penalty=float(options["alpha"]),
                shuffle=bool(options["shuffle"]),
                schedule=build.schedule(options, samples, job.rows),
                callbacks=[rule, *callbacks], seed=order, engine=options["engine"],
                progress=False,
            )  # fmt: skip
        return rule

    def _next_rate(self, job: Job, last: float) -> float | None:
        """The rate with which small steps go on: None for the one in the options."""
        if not build.is_plain_sgd(job.options) or job.options["learning_rate"] == "constant":
            return None
        if job.options["learning_rate"] == "adaptive":
            return last
        first = float(job.options["learning_rate_init"])
        return float(first * (self.samples + 1) ** -float(job.options["power_t"]))

    @property
    def is_interrupted(self) -> bool:
        """Whether the user stopped its last training."""
        return _interrupted(self.history)

    def _tell(self, job: Job, number: int) -> None:
        """What the user must know of how training ended."""
        stopped = self.history.stopped or ""
        if "not finite" in stopped:
            if job.validate is not None:
                self.record.scores.append(np.nan)
            if not job.options["early_stopping"]:
                raise ValueError(f"{NOT_FINITE} In detail: {stopped}.")
        elif self.is_interrupted:
            of = job.options["ensemble"]
            which = f" This was network {number} of {of}." if of > 1 else ""
            warnings.warn(f"Training interrupted by user.{which}", stacklevel=level_outside())
        elif is_lbfgs(job.options):
            if not stopped or "STOP" in stopped or "ABNORMAL" in stopped:
                why = stopped or f"the maximum of {job.options['max_iter']} iterations is reached"
                warnings.warn(
                    f"lbfgs failed to converge: {why}. Give more of max_iter and max_fun, or scale "
                    "the data.",
                    ConvergenceWarning,
                    stacklevel=level_outside(),
                )
        elif not stopped and job.options["schedule"] is None:  # with one, the end was planned
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({job.options['max_iter']}) reached and "
                "the optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=level_outside(),
            )

    # --- partial_fit ---------------------------------------------------------------------------

    def take(self, job: Job, random: RandomState) -> None:
        """Train for one epoch on a piece of the data, and remember.

        Raises:
            ValueError: a number was not finite; the network stays as it was before that step.
        """
        if not self.net.is_built:
            build.start(self.net, job.options, job.output, job.data["x"].shape[1], random)
            job.scales.stretch_network(self.net)
        pieces = self._pieces_for(job, random)
        pieces.optimizer.learning_rate = self.rate or build.optimizer(job.options).learning_rate
        try:
            with job.scales.shrunk(self.net):
                loss = pieces.take(job.data)
        except DataError as error:
            raise ValueError(f"{NOT_FINITE} In detail: {error}") from error
        job.scales.stretch_loss(self.net)
        self.samples += job.rows
        self.epochs = 1
        rule = _rule(self.record, job)
        rule.note(loss, self.net)
        if rule.is_over(pieces.optimizer):
            self.record.count = 0
        self.rate = self._next_rate(job, pieces.optimizer.learning_rate)

    def _pieces_for(self, job: Job, random: RandomState) -> Pieces:
        """What took the last piece, or one that goes on from it if an option has changed."""
        options = job.options
        settings = {
            "batch_size": build.batch_rows(options),
            "penalty": float(options["alpha"]), "shuffle": bool(options["shuffle"]),
            "engine": options["engine"],
        }  # fmt: skip
        made_for = (job.loss, build.optimizer(options), settings)
        if self.pieces is None or made_for != self.made_for:
            if self.pieces is not None:
                self.memory = self.pieces.memory
            if self.generator is None:
                self.generator = np.random.default_rng(random.randint(MOST_SEED))
            self.pieces = Pieces(
                self.net, job.loss, build.optimizer(options), rng=self.generator,
                memory=self.memory, **settings,
            )  # fmt: skip
            self.made_for = made_for
        return self.pieces


def _rule(record: Record, job: Job) -> StoppingRule:
    options = job.options
    by_gradient = is_lbfgs(options)
    adaptive = build.is_plain_sgd(options) and options["learning_rate"] == "adaptive"
    return StoppingRule(
        record, tol=float(options["tol"]),
        patience=np.inf if by_gradient else options["n_iter_no_change"],
        early=options["early_stopping"] and not by_gradient, adaptive=adaptive,
        verbose=bool(options["verbose"]), validate=job.validate, unit=job.scales.loss_unit,
    )  # fmt: skip


def _interrupted(history: History) -> bool:
    return (history.stopped or "").startswith("interrupted")
