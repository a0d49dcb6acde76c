"""Mistyped options of what users make: one line with the nearest name, no bare TypeError."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import OptionError, Teaching, known_options, near, options_of

X, Y = np.zeros((4, 2)), np.zeros((4, 1))


def net() -> cr.Sequential:
    return cr.Sequential(cr.Dense(1)).build(2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: cr.Adam(learning_rat=0.1),  # type: ignore[call-arg]
            "Adam's option 'learning_rat' is not known. Did you mean 'learning_rate'? Known: "
            "beta1, beta2, clip_norm, clip_value, epsilon, learning_rate, weight_decay.",
        ),
        (lambda: cr.Adam(lr=0.1), "Adam has no option 'lr'. Write learning_rate=0.01."),  # type: ignore[call-arg]
        (lambda: cr.SGD(momentm=0.9), "Did you mean 'momentum'?"),  # type: ignore[call-arg]
        (
            lambda: cr.Dense(unit=3),  # type: ignore[call-arg]
            "Dense's option 'unit' is not known. Did you mean 'units'? Known: activation, "
            "bias_init, units, weight_init.",
        ),
        (
            lambda: cr.Dense(3, in_features=2),  # type: ignore[call-arg]
            "Dense has no option 'in_features'. The size of the inputs is taken from the data, or "
            "from net.build(input_shape).",
        ),
        (lambda: cr.Dense(3, activaton="relu"), "Did you mean 'activation'?"),  # type: ignore[call-arg]
        (lambda: cr.BatchNorm(eps=1e-3), "Did you mean 'epsilon'? Known: epsilon, momentum."),  # type: ignore[call-arg]
        (lambda: cr.Dropout(rat=0.1), "Dropout's option 'rat' is not known. Did you mean 'rate'?"),  # type: ignore[call-arg]
        (lambda: cr.EarlyStopping(patince=3), "Did you mean 'patience'?"),  # type: ignore[call-arg]
        (lambda: cr.Cosine(finl=0.1), "Cosine's option 'finl' is not known. Did you mean 'final'?"),  # type: ignore[call-arg]
        (lambda: cr.Sequential(cr.Dense(1), dtpe="float64"), "Did you mean 'dtype'? Known: dtype."),  # type: ignore[call-arg]
        (lambda: net().fit(X, Y, epoch=5), "fit's option 'epoch' is not known. Did you mean 'ep"),
        (lambda: cr.fit_many(net, X, Y, epoch=5), "fit_many's option 'epoch' is not known."),
        (
            lambda: net().export("a.onnx", row=3),
            "the .onnx export's option 'row' is not known. Did you mean 'rows'? Known: encoder, "
            "metadata, rows.",
        ),
    ],
)  # fmt: skip
def test_a_mistyped_option_is_told(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(OptionError) as caught:
        call()
    assert told in str(caught.value)
    assert not Path("a.onnx").exists()


MADE = [
    thing
    for name in cr.__all__
    if inspect.isclass(thing := getattr(cr, name))
    and thing not in (cr.Graph, cr.Op, cr.Tensor, cr.History, cr.Population)  # made for the user
]


@pytest.mark.parametrize("thing", MADE, ids=lambda thing: thing.__name__)
def test_every_public_class_that_users_make_teaches(thing: Any) -> None:
    assert isinstance(thing, Teaching)
    required = [
        one
        for one in inspect.signature(thing).parameters.values()
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    with pytest.raises(OptionError, match=f"^{thing.__name__}('s option 'qqq'| takes no options)"):
        thing(*[3] * len(required), qqq=1)


def test_what_python_says_well_it_says_itself() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        cr.Dense()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional arguments but 9 were given"):
        cr.Adam(0.1, *[0.9] * 7)  # type: ignore[misc]


def test_an_error_inside_is_not_taken_for_a_mistyped_option() -> None:
    class Broken(cr.nn.layers.Layer):
        def __init__(self, size: int, **others: Any) -> None:
            raise TypeError("from inside")

    for call in (lambda: Broken(1), lambda: Broken(size=1), lambda: Broken(1, depth=2)):
        with pytest.raises(TypeError, match="from inside"):
            call()


def test_signatures_help_and_pickles_are_as_ever() -> None:
    assert list(inspect.signature(cr.Dense).parameters) == [
        "units", "activation", "weight_init", "bias_init",
    ]  # fmt: skip
    assert inspect.signature(cr.Adam).parameters["learning_rate"].default == 0.01
    for thing in (cr.Dense(3, "tanh"), cr.Adam(0.1), cr.Cosine(0.2)):
        assert pickle.loads(pickle.dumps(thing)) == thing
    with pytest.raises(TypeError, match="abstract"):
        cr.optim.schedules.Schedule()  # type: ignore[abstract]


def test_options_of_a_function() -> None:
    def function(a: int, /, b: int, *c: int, d: int = 1, **e: int) -> None: ...

    assert options_of(function) == ("b", "d")
    known_options("it", ["b"], ["b"])
    with pytest.raises(OptionError, match="it's option 'x' is not known"):
        known_options("it", ["b"], ["x"])


@pytest.mark.parametrize("given", ["price", "PRICEE", "Prize"])
def test_capitals_do_not_hide_the_nearest_name(given: str) -> None:
    assert near(given, ["AREA", "PRICE", "rooms"]) == " Did you mean 'PRICE'?"
