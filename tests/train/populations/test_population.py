"""A population as its user sees it: what fails, what is interrupted, the table, curves, errors."""

from __future__ import annotations

import io
import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, MissingPackageError, OptionError, ShapeError
from chainrule.train.populations.population import Population

X, Y = cr.data.gate("xor")
MOONS_X, MOONS_Y = cr.data.moons(20, noise=0.1, seed=2)


def build() -> cr.Sequential:
    return cr.Sequential(cr.Dense(4, "tanh"), cr.Dense(1, "sigmoid"), dtype="float64")


def linear() -> cr.Sequential:
    return cr.Sequential(cr.Dense(3), cr.Dense(1), dtype="float64")


# Networks that are not finite any more

RATES = [0.01, 30.0, 0.02, 5.0]


def diverging(**options: Any) -> Population:
    options = {"optimizer": "sgd", "epochs": 400, "seeds": 10, **options}
    return cr.fit_many(linear, X, Y, learning_rate=RATES, **options)


@pytest.mark.parametrize("batch_size", [None, 3])
def test_a_network_that_explodes_is_marked_and_as_fit_leaves_it(batch_size: int | None) -> None:
    population = diverging(batch_size=batch_size)
    for i in (10, 39):
        row = population.table[i]
        net = linear()
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            history = net.fit(
                X, Y, optimizer=cr.SGD(row["learning_rate"]), seed=row["seed"], epochs=400,
                batch_size=batch_size,
            )  # fmt: skip
        assert len(told) == 1
        assert row["state"] == "not finite"
        assert row["epochs"] == len(history) < 400
        assert np.isnan(population.losses[i, len(history) :]).all()
        np.testing.assert_allclose(population.losses[i, : len(history)], history["loss"], rtol=1e-9)
        for name, array in net.parameters.items():
            np.testing.assert_allclose(population.networks[i].parameters[name], array, rtol=1e-9)


def test_the_others_do_not_notice() -> None:
    mixed = diverging()
    alone = cr.fit_many(
        linear, X, Y, learning_rate=[0.01, 0.02], optimizer="sgd", epochs=400, seeds=10
    )
    states = [row["state"] for row in mixed]
    assert states == (["trained"] * 10 + ["not finite"] * 10) * 2
    np.testing.assert_allclose(mixed.losses[[*range(10), *range(20, 30)]], alone.losses, rtol=1e-12)
    assert np.isfinite([net.parameters["W1"] for net in mixed.networks]).all()
    assert mixed.table[mixed.best_place]["state"] == "trained"
    assert "20 not finite" in repr(mixed)


def test_validation_and_metrics_of_what_exploded_are_no_numbers() -> None:
    population = diverging(validation=(X, Y), metrics="mean_absolute_error")
    for row in population:
        names = ("validation_loss", "mean_absolute_error", "validation_mean_absolute_error")
        finite = [np.isfinite(row[name]) for name in names]
        assert finite[1:] == [row["state"] == "trained"] * 2
        assert row["state"] != "trained" or finite[0]


def test_a_population_that_explodes_at_once_says_so() -> None:
    population = cr.fit_many(
        linear, 1e160 * X, Y, seeds=2, optimizer="sgd", learning_rate=1e300, epochs=50
    )
    assert [row["epochs"] for row in population] == [0, 0]
    assert population.losses.shape[1] < 50
    with pytest.raises(DataError, match=r"none of the 2 networks stayed finite.*smaller"):
        population.best  # noqa: B018


# Interrupted


@pytest.mark.parametrize("batch_size", [None, 7])
def test_an_interruption_keeps_what_was_learnt(batch_size: int | None) -> None:
    def interrupting(epoch: float, epochs: float) -> float:
        if epoch >= 5:
            raise KeyboardInterrupt
        return 1.0

    options: dict[str, Any] = {"seeds": 3, "batch_size": batch_size, "optimizer": "sgd"}
    population = cr.fit_many(build, MOONS_X, MOONS_Y, epochs=50, schedule=interrupting, **options)
    whole = cr.fit_many(build, MOONS_X, MOONS_Y, epochs=5, **options)
    assert population.stopped == "interrupted by the user in epoch 6"
    assert {row["state"] for row in population} == {"interrupted"}
    assert {row["epochs"] for row in population} == {5}
    np.testing.assert_array_equal(population.losses, whole.losses)
    for a, b in zip(population.networks, whole.networks, strict=True):
        np.testing.assert_array_equal(a.parameters["W1"], b.parameters["W1"])


def test_what_explodes_in_an_epoch_that_is_interrupted_is_as_before_it() -> None:
    steps = 0

    def interrupting(epoch: float, epochs: float) -> float:
        nonlocal steps
        steps += 1
        if steps == 12:
            raise KeyboardInterrupt
        return 1e300 if steps == 9 else 1.0  # four steps are an epoch

    options: dict[str, Any] = {"seeds": 2, "batch_size": 5, "optimizer": "sgd"}
    population = cr.fit_many(linear, MOONS_X, MOONS_Y, epochs=9, schedule=interrupting, **options)
    whole = cr.fit_many(linear, MOONS_X, MOONS_Y, epochs=2, **options)
    assert population.stopped == "interrupted by the user in epoch 3"
    assert {row["state"] for row in population} == {"interrupted"}
    np.testing.assert_array_equal(population.losses, whole.losses)
    for a, b in zip(population.networks, whole.networks, strict=True):
        np.testing.assert_array_equal(a.parameters["W1"], b.parameters["W1"])


# The live line


def test_a_live_line_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    cr.fit_many(build, X, Y, seeds=3, epochs=40, progress=True)
    assert re.fullmatch(
        r"epoch 40/40  median loss \d\.\d{4}  [\d,]+ rows/s  \d+\.\d s\n", stream.getvalue()
    )


def test_it_is_silent_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    cr.fit_many(build, X, Y, seeds=2, epochs=3)
    cr.fit_many(build, X, Y, seeds=2, epochs=3, progress=False)
    assert capsys.readouterr() == ("", "")


# The table, the best, the curves


def test_a_row_says_what_was_asked_and_what_came_of_it() -> None:
    population = cr.fit_many(
        build, MOONS_X, MOONS_Y, seeds=2, epochs=3, validation=0.25, metrics=["accuracy"]
    )
    assert list(population.table[0]) == [
        "network", "seed", "learning_rate", "initial_scale", "weight_decay", "epochs", "loss",
        "validation_loss", "accuracy", "validation_accuracy", "state",
    ]  # fmt: skip
    net = build()
    history = net.fit(MOONS_X, MOONS_Y, epochs=3, seed=1, validation=0.25, metrics=["accuracy"])
    for name in ("loss", "validation_loss", "accuracy", "validation_accuracy"):
        assert population.table[1][name] == pytest.approx(history[name][-1], rel=1e-9)
    assert population.table[1]["state"] == "trained"
    assert list(population) == population.table


@pytest.mark.parametrize("validation", [0.3, (MOONS_X[:13], MOONS_Y[:13])])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "sum_squared_error"])
def test_many_rows_are_scored_some_at_a_time(
    validation: Any, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"validation": validation, "metrics": "accuracy", "loss": loss}
    options |= {"seeds": 3, "epochs": 2, "optimizer": "sgd"}
    at_once = cr.fit_many(build, MOONS_X, MOONS_Y, **options)
    monkeypatch.setattr(
        "chainrule.train.populations.scoring.AT_ONCE", 15
    )  # five rows of three networks
    in_parts = cr.fit_many(build, MOONS_X, MOONS_Y, **options)
    for a, b in zip(at_once, in_parts, strict=True):
        assert a.pop("state") == b.pop("state")
        assert b == pytest.approx(a, rel=1e-12)


def test_the_table_as_a_frame() -> None:
    population = cr.fit_many(build, X, Y, seeds=3, epochs=2)
    frame = population.frame()
    assert frame.shape == (3, len(population.table[0]))
    assert frame["loss"].tolist() == [row["loss"] for row in population]


def test_without_pandas_the_table_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    population = cr.fit_many(build, X, Y, seeds=1, epochs=1)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match=r"pip install pandas\. population\.table"):
        population.frame()


def test_the_best_is_the_best_in_validation() -> None:
    population = cr.fit_many(build, MOONS_X, MOONS_Y, seeds=9, epochs=30, validation=0.3)
    scores = [row["validation_loss"] for row in population]
    assert population.best is population.networks[int(np.argmin(scores))]
    trained = cr.fit_many(build, X, Y, seeds=9, epochs=30)
    assert trained.best_place == np.argmin(trained.losses[:, -1])
    loss = trained.best.evaluate(X, Y)["loss"]
    assert loss == pytest.approx(trained.losses[:, -1].min(), rel=0.05)


def test_curves_are_quantiles() -> None:
    population = cr.fit_many(build, X, Y, seeds=7, learning_rate=[0.1, 0.2], epochs=20)
    (band,) = population.curves(quantiles=(0.05, 0.3, 0.5))
    np.testing.assert_allclose(
        band.values, np.quantile(population.losses, (0.05, 0.3, 0.5), axis=0), rtol=1e-12
    )
    assert (band.count, band.failed, band.label) == (14, 0, "all")
    slow, quick = population.curves(by="learning_rate")
    assert [slow.label, quick.label] == ["learning rate 0.1", "learning rate 0.2"]
    np.testing.assert_allclose(
        quick.values[1], np.median(population.losses[7:], axis=0), rtol=1e-12
    )


def test_a_network_counts_while_it_is_finite() -> None:
    population = diverging(epochs=300)
    (band,) = population.curves(quantiles=(0.5,))
    np.testing.assert_allclose(band.values[0], np.nanmedian(population.losses, axis=0), rtol=1e-12)
    assert (band.count, band.failed) == (40, 20)
    *_, lost = diverging(epochs=300).curves(by="learning_rate")
    assert np.isnan(lost.values[:, -1]).all()


# Errors teach

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"seeds": 0}, "seeds names no seed at all"),
    ({"seeds": []}, "seeds names no seed at all"),
    ({"seeds": [1, -2]}, r"whole numbers of 0 or more; got -2"),
    ({"seeds": 2.5}, r"got 2\.5"),
    ({"seeds": np.random.default_rng(0)}, r"seeds are numbers.*got a Generator.*seeds=1000"),
    ({"learning_rate": 0}, r"learning_rate is a number above 0, or a list of such, got 0\."),
    ({"learning_rate": [0.1, "x"]}, "got 'x'"),
    ({"learning_rate": []}, "learning_rate is an empty list"),
    ({"initial_scale": [1.0, -1.0]}, r"initial_scale is a number above 0.*got -1\.0"),
    ({"weight_decay": -0.1}, r"weight_decay is a number 0 or more.*got -0\.1"),
    ({"weight_decay": [np.nan]}, "got nan"),
    ({"grid": {"hidden": 4}}, r"grid is a dict of lists, such as \{'hidden': \[2, 4, 8\]\}"),
    ({"grid": {"hidden": [4]}}, r"build could not be called with \{'hidden': 4\}: .*'hidden'"),
    ({"grid": {"hidden": []}}, "grid has an empty list"),
    ({"grid": {"seed": [1]}}, "'seed' is a column of the table already"),
    ({"optimizer": "lbfgs"}, r"L-BFGS.*net\.fit in a loop"),
    ({"optimizer": "adm"}, "Did you mean 'adam'"),
    ({"epochs": 0}, "epochs is a whole number of 1 or more, got 0"),
    ({"batch_size": -1}, "batch_size is a whole number of 1 or more"),
    ({"engine": "nump"}, "Did you mean 'numpy'"),
    ({"metrics": "acuracy"}, "Did you mean 'accuracy'"),
    ({"validation": 2}, "a share of the rows between 0 and 1"),
    ({"callbacks": []}, r"no option 'callbacks'.*curves"),
    ({"restarts": 3}, r"no option 'restarts'.*Take more seeds"),
    ({"seed": 3}, r"no option 'seed'. Write seeds="),
    ({"lr": 3}, r"no option 'lr'. Write learning_rate"),
    ({"epoch": 3}, r"option 'epoch' is not known. Did you mean 'epochs'"),
    ({"loss": "cross_entropy"}, "Dense\\(2|one output for each class|probabilities"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_cannot_work_is_refused_with_the_cure(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ChainruleError, match=said):
        cr.fit_many(build, X, Y, **{"seeds": 2, "epochs": 1, **options})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: cr.Dense(3), "build must return a Sequential, and it returned Dense"),
        (7, "build is a function that gives a Sequential, or a Sequential, got int"),
        (lambda hidden: build(), "build could not be called with nothing: .*'hidden'"),
    ],
)
def test_build_gives_a_network(wrong: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        cr.fit_many(wrong, X, Y, seeds=2, epochs=1)


def test_a_mistake_inside_build_is_shown_as_it_is() -> None:
    def broken() -> cr.Sequential:
        return 1 + "a"  # type: ignore[operator, return-value]

    with pytest.raises(TypeError, match="unsupported operand"):
        cr.fit_many(broken, X, Y, seeds=2, epochs=1)


def test_a_network_has_no_arguments_to_vary() -> None:
    with pytest.raises(OptionError, match=r"build is a network\. Give a function: lambda hidden"):
        cr.fit_many(build(), X, Y, grid={"hidden": [2]}, seeds=2)


def test_data_that_do_not_fit_are_refused_as_by_fit() -> None:
    with pytest.raises(ShapeError, match="one target a row"):
        cr.fit_many(build, X, Y[:3], seeds=2)
    with pytest.raises(DataError, match="not finite"):
        cr.fit_many(build, np.where(X == 1, np.nan, X), Y, seeds=2)


def test_curves_refuse_what_is_not_there() -> None:
    population = cr.fit_many(build, X, Y, seeds=2, epochs=2)
    for options, said in (
        ({"of": "validation_loss"}, "there is no validation_loss: give fit_many validation"),
        ({"of": "los"}, "Did you mean 'loss'"),
        ({"by": "sed"}, "Did you mean 'seed'"),
        ({"quantiles": (0.9, 0.1)}, "in rising order"),
        ({"quantiles": ()}, "in rising order"),
    ):
        with pytest.raises(OptionError, match=said):
            population.curves(**options)  # type: ignore[arg-type]
