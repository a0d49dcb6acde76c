"""What fit refuses, and in which words; and that a refusal leaves no trace."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, OptionError, ShapeError

X = np.random.default_rng(5).standard_normal((9, 2))
Y = (X[:, :1] > 0).astype(float)

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"epochs": 0}, "epochs is a whole number of 1 or more, got 0."),
    ({"epochs": True}, "epochs is a whole number of 1 or more, got True."),
    ({"epochs": 2.5}, "epochs is a whole number of 1 or more, got 2.5."),
    ({"batch_size": -1}, "batch_size is a whole number of 1 or more, got -1."),
    ({"batch_size": "all"}, "batch_size is a whole number of 1 or more, got 'all'."),
    ({"restarts": -2}, "restarts is a whole number of 0 or more, got -2."),
    (
        {"engine": "nunpy"},
        "engine 'nunpy' is not known. Did you mean 'numpy'? Known: numpy, reference, xla.",
    ),
    (
        {"optimizer": "adan"},
        "optimizer 'adan' is not known. Did you mean 'adam'? "
        "Known: adagrad, adam, adamw, lbfgs, rmsprop, sgd.",
    ),
    (
        {"optimizer": 0.1},
        "an optimizer is a name or an Optimizer such as cr.Adam(0.01), got 0.1.",
    ),
    (
        {"loss": "cross_entrpy"},
        "loss 'cross_entrpy' is not known. Did you mean 'cross_entropy'? Known: "
        "binary_cross_entropy, cross_entropy, half_sum_squared_error, huber, mean_absolute_error, "
        "mean_squared_error, sum_squared_error.",
    ),
    (
        {"metrics": "acuracy"},
        "metric 'acuracy' is not known. Did you mean 'accuracy'? "
        "Known: accuracy, balanced_accuracy, mean_absolute_error, mean_squared_error, r2, top_5.",
    ),
    (
        {"schedule": "cosin"},
        "schedule 'cosin' is not known. Did you mean 'cosine'? "
        "Known: constant, cosine, exponential, one_cycle, step, warm_up.",
    ),
    (
        {"validation": 1.5},
        "validation is a share of the rows between 0 and 1, or a pair (X, y); got 1.5.",
    ),
    (
        {"validation": "a"},
        "validation is a share of the rows between 0 and 1, or a pair (X, y); got 'a'.",
    ),
    (
        {"validation": True},
        "validation is a share of the rows between 0 and 1, or a pair (X, y); got True.",
    ),
    ({"validation": (X,)}, "validation is a share of the rows or a pair (X, y)."),
    (
        {"callbacks": cr.EarlyStopping},
        f"callbacks are Callback objects or functions of the training, got {cr.EarlyStopping!r}. "
        "Make one: add the parentheses.",
    ),
    (
        {"callbacks": [print, 3]},
        "callbacks are Callback objects or functions of the training, got 3.",
    ),
    (
        {"seed": np.random.default_rng(0), "restarts": 1},
        "restarts count on from a seed: give seed=0 or another number.",
    ),
    (
        {"seed": None, "restarts": 1},
        "restarts count on from a seed: give seed=0 or another number.",
    ),
]


@pytest.mark.parametrize(("options", "text"), REFUSED)
def test_options_that_are_refused(options: dict[str, Any], text: str) -> None:
    net = cr.Sequential(cr.Dense(1, "sigmoid"))
    with pytest.raises(OptionError) as error:
        net.fit(X, Y, **options)
    assert str(error.value) == text


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_validation_that_leaves_nothing(share: float) -> None:
    with pytest.raises(DataError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, validation=share)
    assert str(error.value) == (
        f"validation={share} of 9 rows leaves nothing on one side. Give more rows, or a pair "
        "(X, y)."
    )


def test_validation_that_takes_every_row_with_weight() -> None:
    texts = set()
    for seed in range(8):
        try:
            cr.Sequential(cr.Dense(1)).fit(
                X, Y, validation=0.5, sample_weight=np.eye(9)[4], seed=seed, epochs=1
            )
        except DataError as error:
            texts.add(str(error))
    assert texts == {
        "validation=0.5 sets aside every row whose weight is above 0. Give more rows, another "
        "seed, or a pair (X, y)."
    }


@pytest.mark.parametrize("batch_size", [4, 8])
def test_batch_norm_and_a_last_batch_of_one_row(batch_size: int) -> None:
    net = cr.Sequential(cr.Dense(3), cr.BatchNorm(), cr.Dense(1))
    with pytest.raises(OptionError) as error:
        net.fit(X, Y, batch_size=batch_size, epochs=1)
    assert str(error.value) == (
        f"batches of {batch_size} leave a last batch of one row (9 rows), which has no spread for "
        f"BatchNorm. Choose another batch_size, such as {batch_size + 1}."
    )
    assert len(net.fit(X, Y, batch_size=batch_size + 1, epochs=1)) == 1


def test_batch_norm_and_batches_of_one_row() -> None:
    net = cr.Sequential(cr.Dense(3), cr.BatchNorm(), cr.Dense(1))
    with pytest.raises(ShapeError) as error:
        net.fit(X, Y, batch_size=1, epochs=1)
    assert str(error.value) == (
        "BatchNorm cannot train on a batch of one row, which has no spread. Choose a batch size "
        "that leaves no single row at the end of an epoch."
    )


def test_weights_with_a_loss_of_ones_own() -> None:
    def own(p: Any, t: Any) -> Any:
        return np.mean((p - t) ** 2)

    with pytest.raises(OptionError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, loss=own, sample_weight=np.ones(9))
    assert str(error.value) == (
        "weights need a loss that chainrule knows row by row, and own is a function of its own. "
        "Use cr.nn.losses.Loss(name, entries) to state it by rows."
    )


@pytest.mark.parametrize("rate", [0, -1.0, np.nan, np.inf])
def test_a_rate_that_a_callback_spoils(rate: float) -> None:
    def spoil(training: Any) -> None:
        training.optimizer.learning_rate = rate

    with pytest.raises(OptionError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, epochs=4, callbacks=spoil)
    assert str(error.value) == (
        f"the learning rate must stay above 0 and finite; it was set to {rate!r}."
    )


def test_a_rate_may_be_a_number_of_numpy() -> None:
    history = cr.Sequential(cr.Dense(1)).fit(X, Y, optimizer=cr.SGD(np.float32(0.125)), epochs=1)
    assert history["learning_rate"] == [0.125]


def test_lbfgs_takes_no_schedule() -> None:
    with pytest.raises(OptionError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, optimizer="lbfgs", schedule="cosine")
    assert str(error.value) == ("LBFGS finds its own step in each iteration: it takes no schedule.")


def test_a_rate_that_a_schedule_makes_zero() -> None:
    with pytest.raises(OptionError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, epochs=4, schedule=lambda epoch, epochs: 2 - epoch)
    assert re.fullmatch(
        r"schedule <lambda> gives a learning rate of 0 at epoch 2 of 4 \(base rate 0.01\); it must "
        r"stay positive and finite\.",
        str(error.value),
    )


def test_validation_data_are_checked_as_well() -> None:
    with pytest.raises(ShapeError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, validation=(np.ones((3, 5)), np.ones(3)))
    assert str(error.value) == (
        "the network takes samples of shape (2,), and those of X have shape (5,)."
    )


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "huber", "schedule": "cosin"},
        {"loss": "huber", "metrics": "acuracy"},
        {"loss": "huber", "callbacks": 3},
        {"loss": "huber", "validation": 1.5},
        {"loss": "huber", "sample_weight": np.ones(3)},
    ],
)
def test_a_refusal_leaves_no_trace(options: dict[str, Any]) -> None:
    net = cr.Sequential(cr.Dense(1))
    with pytest.raises(ChainruleError):
        net.fit(X, Y, **options)
    assert not net.is_built
    assert net.loss is None
    assert not net.parameters
    # Other data, of another width, are welcome.
    history = net.fit(np.ones((4, 7)), np.zeros(4), epochs=1)
    assert (len(history), net.loss_for().name) == (1, "mean_squared_error")


def test_a_refusal_keeps_what_was_learnt() -> None:
    net = cr.Sequential(cr.Dense(1))
    net.fit(X, Y, epochs=1)
    before, loss = net.snapshot(), net.loss
    with pytest.raises(OptionError):
        net.fit(X, Y, loss="huber", schedule="cosin")
    assert net.loss is loss
    assert all(np.array_equal(net.snapshot()[name], array) for name, array in before.items())


def test_progress_is_one_of_three() -> None:
    with pytest.raises(OptionError) as error:
        cr.Sequential(cr.Dense(1)).fit(X, Y, progress="yes")
    assert str(error.value) == "progress is True, False or 'auto', got 'yes'."
