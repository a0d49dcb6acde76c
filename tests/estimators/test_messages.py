"""What the estimators say of options and data that cannot be used, and without scikit-learn."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError
from chainrule.estimators.options import CHECKS

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.arange(30) % 3
ONE = Y * 1.5


def pattern(message: str) -> str:
    """These words; .* for any."""
    return re.escape(message).replace(r"\.\*", ".*")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "rleu"}, "activation must be one of 'elu', .* got 'rleu'. Did you mean 'r"),
        ({"solver": "adma"}, "solver must be one of 'adam', 'lbfgs', 'sgd', got 'adma'. Did you m"),
        ({"engine": "nunpy"}, "engine must be one of .* got 'nunpy'. Did you mean 'numpy'?"),
        ({"optimizer": "adamv"}, "optimizer must be one of .* got 'adamv'. Did you mean 'adam"),
        ({"learning_rate": 0.1}, "got 0.1. The rate itself is learning_rate_init=0.1."),
        ({"optimizer": cr.Adam}, "got <class .*Adam'>. Make one: add the parentheses."),
        ({"layers": [cr.Dense]}, "layers must be None, a list of hidden layers, or a whole"),
        ({"layers": (5, 3)}, "got (5, 3). Sizes alone are hidden_layer_sizes=(5, 3)."),
        ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0, got 0."),
        ({"alpha": -1}, "alpha must be a number of 0 or more, got -1."),
        ({"dropout": 1.0}, "dropout must be a number of 0 or more and below 1, got 1.0."),
        ({"n_restarts": -1}, "n_restarts must be a whole number of 0 or more, got -1."),
        ({"ensemble": 0}, "ensemble must be a whole number of 1 or more, got 0."),
        ({"max_iter": 2.5}, "max_iter must be a whole number of 1 or more, got 2.5."),
        ({"shuffle": "yes"}, "shuffle must be True or False, got 'yes'."),
        ({"batch_size": "aut"}, "batch_size must be 'auto', or a whole .* Did you mean 'auto'?"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be whole numbers > 0, such as"),
        ({"hidden_layer_sizes": "4"}, "hidden_layer_sizes must be whole numbers > 0, such as"),
        ({"layers": [5]}, "layers must be None, a list of hidden layers, or a whole Sequential"),
        ({"loss": "hubr"}, "loss 'hubr' is not known. Did you mean 'huber'?"),
        ({"schedule": "cosin"}, "schedule 'cosin' is not known. Did you mean 'cosine'?"),
        ({"callbacks": 3}, "callbacks are Callback objects or functions of the training, got 3"),
        ({"solver": "lbfgs", "dropout": 0.1}, "so it takes no schedule and no dropout"),
        ({"optimizer": "lbfgs", "schedule": "step"}, "so it takes no schedule and no dropout"),
        ({"layers": [cr.Dense(2)], "dropout": 0.1}, "With layers= put cr.Dropout(rate) where"),
    ],
)
@pytest.mark.parametrize("kind", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_options(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ChainruleError, match=pattern(message)) as told:
        kind(**options).fit(X, Y)
    assert isinstance(told.value, ValueError), "scikit-learn's tools catch these"


def test_every_parameter_has_its_check_or_says_why_not() -> None:
    elsewhere = {"random_state", "loss", "schedule", "callbacks"}
    assert set(cr.NetworkRegressor().get_params()) == set(CHECKS) - {"class_weight"} | elsewhere
    assert set(cr.NetworkClassifier().get_params()) == set(CHECKS) - {
        "scale_target", "huber_delta",
    } | elsewhere  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"class_weight": "balnced"},
            "class_weight must be 'balanced', .* Did you mean 'balanced'",
        ),
        ({"class_weight": {0: 1.0, 5: 1.0}}, "The classes, [1, 2], are not in class_weight"),
        (
            {"layers": cr.Sequential(cr.Dense(2, "softmax"))},
            "layers= is a whole network that ends with 2 units and softmax, and 3 classes need "
            "Dense(3, 'softmax'). Or give the hidden layers alone, as a list.",
        ),
        (
            {"layers": cr.Sequential(cr.Dense(3))},
            "the last activation is linear. Write Dense(3, 'softmax'), or choose loss=",
        ),
        ({"layers": cr.Sequential(cr.Flatten())}, "a network without a Dense layer"),
    ],
)
def test_options_of_the_classifier(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=pattern(message)):
        cr.NetworkClassifier(**options).fit(X, Y)


def labels_with_a_rare_one(first: Any) -> Any:
    return np.where(np.arange(30) < 1, first, Y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cr.NetworkClassifier().fit(X, X[:, 0]), "Unknown label type: continuous."),
        (
            lambda: cr.NetworkClassifier().fit(X, np.stack([Y, Y], axis=1)),
            "y has several columns of classes. Columns of 0 and 1 are labels",
        ),
        (lambda: cr.NetworkClassifier().fit(X, Y[:-1]), "inconsistent numbers of samples"),
        (lambda: cr.NetworkClassifier().fit(np.where(X > 2, np.nan, X), Y), "Input X contains NaN"),
        (lambda: cr.NetworkClassifier().fit(X[:0], Y[:0]), "Found array with 0 sample"),
        (
            lambda: cr.NetworkClassifier().fit(X, Y, np.zeros(30)),
            "Sample weights must contain at least one non-zero number|not all 0",
        ),
        (
            lambda: cr.NetworkClassifier().fit(X, Y, -np.ones(30)),
            "weights must be finite, none below 0, and not all 0",
        ),
        (
            lambda: cr.NetworkClassifier().fit(X, Y, validation_data=X),
            r"validation_data is \(X, y\) or \(X, y, sample_weight\), got ndarray",
        ),
        (
            lambda: cr.NetworkClassifier().fit(X, Y, validation_data=(X[:, :2], Y)),
            "X has 2 features, but NetworkClassifier is expecting 3 features",
        ),
        (
            lambda: cr.NetworkClassifier().fit(X, Y, validation_data=(X, Y + 1)),
            r"has classes not in `self.classes_`. `self.classes_` has \[0 1 2\]. 'y' has \[1 2 3\]",
        ),
        (
            lambda: cr.NetworkClassifier(early_stopping=True).fit(X, labels_with_a_rare_one(7)),
            "The least populated class(es)? in y ha(s|ve) only 1 member",
        ),
        (
            lambda: cr.NetworkRegressor(early_stopping=True).fit(X[:5], ONE[:5]),
            "The validation set is too small. .* 5 rows leave 1 for it.",
        ),
        (
            lambda: cr.NetworkClassifier(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2]),
            "partial_fit does not support early_stopping=True",
        ),
        (
            lambda: cr.NetworkClassifier(class_weight="balanced").partial_fit(
                X, Y, classes=[0, 1, 2]
            ),
            "class_weight 'balanced' is not supported for partial_fit, .* give them as a dict.",
        ),
        (lambda: cr.NetworkClassifier().partial_fit(X, Y), "classes must be passed on the first"),
        (
            lambda: cr.NetworkRegressor("poisson").fit(X, ONE - 2),
            "out of the valid range of the loss 'poisson': .* and y goes down to -2.",
        ),
        (
            lambda: cr.NetworkRegressor(layers=cr.Sequential(cr.Dense(2))).fit(X, ONE),
            "layers= is a whole network, with an output of shape .2,., and y needs 1 number a row",
        ),
        (
            lambda: cr.NetworkRegressor("binary_cross_entropy").fit(X, Y == 1),
            "binary_cross_entropy needs outputs that are probabilities",
        ),
        (
            lambda: cr.NetworkRegressor(
                layers=cr.Sequential(cr.Dense(1), dtype="float64").build(4)
            ).fit(X, ONE),
            "layers= is a network for samples of shape .4,., and X has 3 features",
        ),
        (lambda: cr.NetworkRegressor().predict(X), "NetworkRegressor instance is not fitted yet"),
    ],
)
def test_data(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_training_that_explodes_says_where() -> None:
    net = cr.NetworkRegressor(solver="sgd", learning_rate_init=1e9, random_state=0)
    with (
        pytest.warns(cr.errors.TrainingWarning, match="Try a smaller learning rate"),
        pytest.raises(
            ValueError, match=r"Solver produced non-finite parameter weights.* In detail"
        ),
    ):
        net.fit(X, ONE * 1e9)
    assert not hasattr(net, "coefs_"), "nothing half-trained is shown"


def test_no_partial_fit_for_lbfgs() -> None:
    net = cr.NetworkClassifier(solver="lbfgs")
    assert not hasattr(net, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        net.partial_fit(X, Y)


@pytest.mark.parametrize("name", ["NetworkClassifier", "NetworkRegressor"])
def test_without_scikit_learn_one_line_names_the_extra(name: str) -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import chainrule as cr; cr.Sequential; print('imported')\n"
        f"try: cr.{name}\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [
        "imported",
        "chainrule.estimators needs the package 'sklearn', which is not installed: "
        "pip install 'chainrule[estimators]'",
    ]
