"""Mistakes that newcomers make with fit, each answered with its cause and its cure."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, FileFormatError, OptionError, ShapeError

X = np.linspace(-1, 1, 12).reshape(6, 2)
LABELS = np.array([0, 1, 1, 0, 1, 0])


def refused(net: cr.Sequential, error: type[Exception], text: str, **options: object) -> None:
    with pytest.raises(error, match=re.escape(text)):
        net.fit(X, options.pop("y", LABELS), **options)
    assert not net.is_built


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"epoch": 5}, "fit's option 'epoch' is not known. Did you mean 'epochs'?"),
        ({"lr": 0.1}, "fit has no option 'lr'. The rate belongs to the optimizer: optimizer=cr."),
        ({"verbose": 1}, "fit has no option 'verbose'. The live line is progress=True or False."),
        ({"validation_split": 0.2}, "fit has no option 'validation_split'. Write validation=0.2."),
        ({"seed": -1}, "seed is a whole number of 0 or more, or a numpy.random.Generator; got -1."),
        ({"seed": "a"}, "seed is a whole number of 0 or more"),
    ],
)
def test_options_that_are_called_otherwise(option, text):
    refused(cr.Sequential(cr.Dense(1, "sigmoid")), OptionError, text, **option)


@pytest.mark.parametrize("activation", [None, "linear", "relu", "log_softmax", "exp", "sigmoid"])
def test_cross_entropy_of_what_is_no_probability(activation):
    name = activation or "linear"
    text = f"cross_entropy needs outputs that are probabilities, and the last activation is {name}."
    refused(cr.Sequential(cr.Dense(2, activation)), OptionError, text, loss="cross_entropy")


@pytest.mark.parametrize("activation", [None, "tanh", "softplus"])
def test_binary_cross_entropy_of_what_is_no_probability(activation):
    net = cr.Sequential(cr.Dense(1), cr.Activation(activation or "linear"))
    refused(net, OptionError, "Write Dense(1, 'sigmoid'), or", loss="binary_cross_entropy")


def test_an_activation_of_the_users_own_is_trusted():
    net = cr.Sequential(cr.Dense(2, lambda z: cr.softmax(z)))
    assert net.fit(X, LABELS, loss="cross_entropy", epochs=2)["loss"][-1] > 0


def test_labels_without_softmax():
    text = "If y holds class labels, end with Dense(2, 'softmax'), whose loss is cross_entropy."
    refused(cr.Sequential(cr.Dense(2)), ShapeError, text)


def test_nothing_to_train():
    refused(cr.Sequential(cr.Flatten()), OptionError, "no layer of the network has parameters")


@pytest.mark.parametrize(
    ("returned", "given"), [(None, "NoneType"), (3.0, "float"), ("entries", "(6, 1)")]
)
def test_a_loss_that_returns_no_number(returned, given):
    def mine(p, t):
        return (p - t) ** 2 if returned == "entries" else returned

    with pytest.raises(OptionError, match=re.escape(f"the loss mine returned {given}; it must")):
        cr.Sequential(cr.Dense(1)).fit(X, LABELS, loss=mine)


def test_no_data_at_all():
    with pytest.raises(DataError, match="X is None; an array or a list of numbers was expected"):
        cr.Sequential(cr.Dense(1)).fit(None, LABELS)


def test_the_graph_of_a_network_is_for_a_number_of_rows():
    net = cr.Sequential(cr.Dense(1)).build(2)
    with pytest.raises(OptionError, match=re.escape("For data write net.graph(len(X)).")):
        net.graph(X)


def test_paths_that_are_none(tmp_path):
    net = cr.Sequential(cr.Dense(1)).build(2)
    for path in ("", None, 3):
        with pytest.raises(OptionError, match="a model file is named by a path"):
            net.save(path)
        with pytest.raises(OptionError, match="a model file is named by a path"):
            cr.load(path)
    with pytest.raises(FileFormatError, match=r"is a folder; name a file in it"):
        net.save(tmp_path)


@pytest.mark.parametrize(("rows", "size", "advised"), [(7, 2, 4), (33, 32, 33), (7, 6, 7)])
def test_a_last_batch_of_one_row_under_batch_norm(rows, size, advised):
    data, targets = np.random.default_rng(0).random((rows, 2)), np.ones(rows)
    net = cr.Sequential(cr.Dense(3), cr.BatchNorm(), cr.Dense(1))
    with pytest.raises(OptionError, match=rf"Choose another batch_size, such as {advised}\."):
        net.fit(data, targets, batch_size=size)
    assert len(net.fit(data, targets, batch_size=advised, epochs=1)) == 1


def test_one_row_under_batch_norm():
    net = cr.Sequential(cr.Dense(3), cr.BatchNorm(), cr.Dense(1))
    with pytest.raises(OptionError, match="BatchNorm cannot train on one row, which has no spread"):
        net.fit(np.ones((1, 2)), [1.0])
