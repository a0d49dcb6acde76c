"""What the adapter of scikit-learn takes is trained alike; repairs are its own options."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.doctor import prescriptions
from chainrule.doctor.adapters import adapted
from chainrule.doctor.adapters.wording import in_words_of
from chainrule.doctor.diagnosis import ILL, Diagnosis
from chainrule.doctor.finding import Experiment, Finding, Prescription
from chainrule.errors import OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LABELS = (X @ RNG.normal(size=(3, 3)) > 0).astype(int)
PLAIN = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "shuffle": False, "random_state": 0}


def fitted(model: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


@pytest.mark.parametrize(
    ("kind", "y", "options"),
    [
        (MLPClassifier, LABELS, {}),
        (MLPClassifier, LABELS[:, 0], {}),
        (MLPClassifier, LABELS.sum(axis=1), {}),
        (MLPRegressor, X @ np.ones(3), {}),
        (MLPRegressor, X[:, :2] ** 2, {}),
        (MLPRegressor, X[:, 0], {"momentum": 0.9, "nesterovs_momentum": False}),
    ],
)
def test_it_is_trained_alike(kind: Any, y: Any, options: dict[str, Any]) -> None:
    """Six epochs of both, from the same weights, lead to the same outputs."""
    given = PLAIN | {"hidden_layer_sizes": (5,), "learning_rate_init": 0.1, "batch_size": 20}
    model = fitted(kind(**given | options | {"max_iter": 1, "warm_start": True}), y)
    model.set_params(max_iter=6)
    net, inputs, wanted, told = adapted(model, X, y, {})
    names = ("loss", "optimizer", "epochs", "batch_size", "shuffle")
    net.fit(inputs, wanted, **{name: told[name] for name in names})
    fitted(model, y)
    theirs = model.predict_proba(X) if kind is MLPClassifier else model.predict(X)
    ours = net.predict(X)
    if kind is MLPClassifier and ours.shape[1] == 1:
        theirs = theirs[:, 1:]
    np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=1e-6)


def test_several_labels_a_row() -> None:
    net, _, wanted, told = adapted(MLPClassifier((4,)), X, LABELS, {})
    assert net.last_activation == "sigmoid"
    assert net.layers[-1].units == 3
    np.testing.assert_array_equal(wanted, LABELS)
    assert told["loss"].kind == "probability"
    with pytest.raises(
        OptionError, match=r"several labels a row, each 0 or 1; it goes from 0 to 2"
    ):
        adapted(MLPClassifier((4,)), X, LABELS * 2, {})


def test_a_falling_rate_is_a_schedule() -> None:
    falling = {"learning_rate": "invscaling", "power_t": 2.0}
    _, _, _, told = adapted(MLPClassifier((4,), **PLAIN, **falling), X, LABELS[:, 0], {})
    assert told["schedule"](0, 9) == 1
    assert told["schedule"](2.5, 9) == pytest.approx(121.0**-2)
    _, _, _, told = adapted(MLPClassifier((4,), **falling), X, LABELS[:, 0], {})
    assert told["schedule"] is None
    adaptive = MLPClassifier((4,), solver="sgd", learning_rate="adaptive")
    with pytest.raises(OptionError, match="learning_rate='adaptive' of MLPClassifier is not"):
        adapted(adaptive, X, LABELS[:, 0], {})
    with pytest.raises(OptionError, match="schedule is the model's own"):
        adapted(MLPClassifier(), X, LABELS[:, 0], {"schedule": "cosine"})


@pytest.mark.parametrize(
    "options", [{"tol": 10.0}, {"n_iter_no_change": 2}, {"early_stopping": True}]
)
def test_a_strict_rule_of_stopping_needs_the_epochs_that_were_made(options: Any) -> None:
    model = MLPClassifier((4,), max_iter=50, random_state=0, **options)
    name, value = next(iter(options.items()))
    with pytest.raises(
        OptionError, match=rf"with {name}={value} ends before max_iter=50.*model\.fit"
    ):
        adapted(model, X, LABELS[:, 0], {})
    fitted(model, LABELS[:, 0])
    *_, told = adapted(model, X, LABELS[:, 0], {})
    assert told["epochs"] == model.n_iter_


def test_lbfgs_keeps_its_own_bounds() -> None:
    *_, told = adapted(MLPClassifier((4,), solver="lbfgs", tol=0.5, max_fun=77), X, LABELS, {})
    assert told["optimizer"] == cr.LBFGS(tolerance=0.5, evaluations=77)


def repaired(model: Any, *cures: Prescription) -> list[str]:
    """The texts of repairs, for a model."""
    proof = Experiment("", "", 1.0, 0.5)
    findings = tuple(Finding("", "", "", "", "", 1.0, cure.text, proof, cure) for cure in cures)
    found = in_words_of(model, {}, Diagnosis(findings, ILL))
    for finding in found.findings:
        assert finding.prescription is not None
        assert finding.prescription.text == finding.repair
    return [finding.repair for finding in found.findings]


def test_repairs_can_be_typed() -> None:
    model = MLPClassifier((16, 8), alpha=3.0, max_iter=40)
    assert repaired(
        model,
        prescriptions.another_rate(10, 0.01),
        prescriptions.optimizer_with(weight_decay=0.0),
        prescriptions.optimizer_with(weight_decay=1e-4 / 7),
        prescriptions.hidden_activation("sigmoid"),
        prescriptions.more_epochs(5),
        prescriptions.wider(4, 48),
        prescriptions.with_hidden_layer(16),
        prescriptions.shuffled_batches(),
        prescriptions.constant_rate(),
    ) == [
        "learning_rate_init=0.1 instead of 0.01",
        "alpha=0.0",
        "alpha=0.03",
        "activation='logistic'",
        "max_iter=200",
        "hidden_layer_sizes=(64, 48)",
        "hidden_layer_sizes=(16,), activation='tanh'",
        "shuffle=True",
        "learning_rate='constant'",
    ]
    cut_off = fitted(MLPClassifier((4,), tol=9.0, n_iter_no_change=2, max_iter=50), LABELS[:, 0])
    assert cut_off.n_iter_ == 4
    assert repaired(cut_off, prescriptions.more_epochs(25)) == [
        "max_iter=100, tol=0, n_iter_no_change=100, early_stopping=False"
    ]
    ours = Diagnosis((), ILL)
    assert in_words_of(cr.Sequential(cr.Dense(1)), {}, ours) is ours


def test_a_diagnosis_speaks_of_the_models_own_options() -> None:
    model = MLPClassifier((8,), learning_rate_init=1e-6, max_iter=400, random_state=0)
    found = cr.diagnose(model, *cr.data.moons(200, noise=0.15, seed=0))
    assert found.findings[0].repair.startswith("learning_rate_init=")
    assert found.not_judged[-1] == "where tol ends the training: max_iter epochs are trained"


@pytest.mark.parametrize(("solver", "epochs"), [("adam", 1), ("sgd", 3)])
def test_a_few_iterations_at_the_default_rate_are_too_few_epochs(solver: str, epochs: int) -> None:
    rows, labels = cr.data.moons(300, noise=0.2, seed=0)
    model = MLPClassifier((20,), max_iter=epochs, solver=solver, random_state=0)
    first = cr.diagnose(model, rows, labels).findings[0]
    assert first.name == "too_few_epochs"
    assert first.repair.startswith("max_iter=")
    model.set_params(max_iter=500, learning_rate_init=0.01)
    assert cr.diagnose(model, rows, labels).findings == ()
    model.set_params(max_iter=200, learning_rate_init=1e-6)
    assert cr.diagnose(model, rows, labels).findings[0].name == "rate_too_small"
