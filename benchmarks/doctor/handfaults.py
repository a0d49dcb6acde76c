"""Faults of programs by hand: a line that is wrong, a number, or the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from doctor.byhand import DELTA, Script
from doctor.hosts import Array, Data

HandFault = Callable[[Script, np.random.Generator], Script | None]

SOFTMAX = "np.sum(e, axis=1, keepdims=True)"
HARD = "def last(z):\n    return np.clip(0.2 * z + 0.5, 0, 1)"
RAW = 'last(h2 @ p["W3"] + p["b3"])'


def _with_inputs(script: Script, change: Callable[[Array], Array]) -> Script:
    data = script.data
    Xv = None if data.Xv is None else change(data.Xv)
    return replace(script, data=replace(data, X=change(data.X), Xv=Xv))


def _values_of(script: Script) -> dict[str, Any]:
    return dict(script.values)


def _with_delta(script: Script, delta: str) -> Script:
    return script.edited(f"d3 = {DELTA[script.host.kind]}", f"d3 = {delta}")


# --- data and labels ---------------------------------------------------------------------------


def non_finite_data(script: Script, rng: np.random.Generator) -> Script:
    """A missing cell here and there."""
    X = np.array(script.data.X, np.float64)
    rows = rng.choice(len(X), max(1, len(X) // 50), replace=False)
    X[rows, rng.integers(X.shape[1])] = np.nan
    return replace(script, data=replace(script.data, X=X))


def inputs_too_large(script: Script, rng: np.random.Generator) -> Script:
    """Pixels from 0 to 255, or a table as it was measured."""
    return _with_inputs(script, lambda X: X * 255.0)


def inputs_too_small(script: Script, rng: np.random.Generator) -> Script:
    """Divided by 255 once more, or twice."""
    return _with_inputs(script, lambda X: X / 255.0 / (1 if script.seed % 2 else 16))


def validation_scaled_differently(script: Script, rng: np.random.Generator) -> Script | None:
    """The training rows are scaled, and the others are left as they were."""
    if script.data.Xv is None:
        return None
    Xv = script.data.Xv * 16.0 if script.seed % 2 else script.data.Xv * 4.0 + 3.0
    return replace(script, data=replace(script.data, Xv=Xv))


def targets_broadcast(script: Script, rng: np.random.Generator) -> Script | None:
    """Outputs (n, 1) and targets (n,): their difference is (n, n)."""
    if script.host.kind == "classes":
        return None
    flat = replace(
        script.data,
        y=script.data.y.ravel(),
        yv=None if script.data.yv is None else script.data.yv.ravel(),
    )
    delta = DELTA[script.host.kind].replace("(q - y)", "np.mean(q - y, axis=1, keepdims=True)")
    return _with_delta(replace(script, data=flat), delta)


def labels_unrelated(script: Script, rng: np.random.Generator) -> Script | None:
    """Rows and labels were shuffled apart; not of a gate, whose rows would make another gate."""
    data = script.data
    if data.Xv is None:
        return None
    yv = None if data.yv is None else rng.permutation(data.yv)
    return replace(script, data=replace(data, y=rng.permutation(data.y), yv=yv))


def targets_constant(script: Script, rng: np.random.Generator) -> Script:
    """The wrong column was taken, or the rows of one class only: all targets are alike."""
    data = script.data
    one = data.y[rng.integers(len(data.y))]
    yv = None if data.yv is None else np.full_like(data.yv, one)
    return replace(script, data=replace(data, y=np.full_like(data.y, one), yv=yv))


def labels_permuted(script: Script, rng: np.random.Generator) -> Script | None:
    """Training and validation number their classes in another way."""
    data = script.data
    if script.host.kind == "values" or data.Xv is None:
        return None
    if script.host.kind == "binary":
        return replace(script, data=replace(data, y=1 - data.y))
    shift = 1 + script.seed % (script.host.classes - 1)
    return replace(script, data=replace(data, y=np.roll(data.y, shift, axis=1)))


def wrong_target_form(script: Script, rng: np.random.Generator) -> Script | None:
    """Numbers where one-hot rows are expected, which broadcast; two columns where one is."""
    kind = script.host.kind
    if kind == "values":
        return None

    def spoiled(y: Array | None) -> Array | None:
        if y is None:
            return None
        return np.hstack([1 - y, y]) if kind == "binary" else y.argmax(axis=1).reshape(-1, 1)

    data = script.data
    return replace(script, data=replace(data, y=spoiled(data.y), yv=spoiled(data.yv)))


# --- the start and the network -----------------------------------------------------------------


def _started(script: Script, times: str) -> Script:
    text = script.text
    for name in ("W1", "W2", "W3"):
        text = text.replace(f'"{name}": rng', f'"{name}": {times} * rng')
    return replace(script, text=text)


def zero_weights(script: Script, rng: np.random.Generator) -> Script:
    """Every weight starts at zero."""
    return _started(script, "0.0")


def weights_too_large(script: Script, rng: np.random.Generator) -> Script:
    """Many times too wide."""
    return _started(script, "30.0" if script.seed % 2 else "12.0")


def weights_too_small(script: Script, rng: np.random.Generator) -> Script:
    """The textbook's 0.01, or less."""
    return _started(script, "0.001" if script.seed % 2 else "0.01")


def dead_biases(script: Script, rng: np.random.Generator) -> Script:
    """Biases that start far below zero."""
    low = f"np.full(UNITS, {-8.0 - 4.0 * (script.seed % 3)})"
    return replace(script, text=script.text.replace("np.zeros(UNITS)", low))


def too_few_units(script: Script, rng: np.random.Generator) -> Script:
    """One unit in either hidden layer."""
    return script.with_values(UNITS=1)


def no_hidden_activation(script: Script, rng: np.random.Generator) -> Script:
    """The activation of the hidden layers was forgotten, forward and backward."""
    text = script.text
    for old, new in (
        ('f(X @ p["W1"] + p["b1"])', 'X @ p["W1"] + p["b1"]'),
        ('f(h1 @ p["W2"] + p["b2"])', 'h1 @ p["W2"] + p["b2"]'),
        (" * slope(h2)", ""),
        (" * slope(h1)", ""),
    ):
        text = text.replace(old, new)
    return replace(script, text=text)


def activation_on_logits(script: Script, rng: np.random.Generator) -> Script:
    """ReLU on the last layer too; the backward pass knows of it."""
    clamped = script.edited(RAW, 'last(np.maximum(0, h2 @ p["W3"] + p["b3"]))')
    delta = DELTA[script.host.kind]
    return _with_delta(clamped, f'{delta} * (h2 @ p["W3"] + p["b3"] > 0)')


def dying_relu(script: Script, rng: np.random.Generator) -> Script | None:
    """A rate so large that a first step kills most units."""
    if script.activation != "relu":
        return None
    return script.with_values(RATE=script.host.sgd * (4.0, 8.0, 16.0)[script.seed % 3])


# --- loss --------------------------------------------------------------------------------------


def softmax_twice(script: Script, rng: np.random.Generator) -> Script | None:
    """Softmax of softmax, with its right gradient."""
    if script.host.kind != "classes":
        return None
    twice = script.edited(RAW, f"last({RAW})")
    return _with_delta(
        twice,
        "(q - y) / len(X)\n"
        '    s = last(h2 @ p["W3"] + p["b3"])\n'
        "    d3 = s * (d3 - np.sum(d3 * s, axis=1, keepdims=True))",
    )


def softmax_over_everything(script: Script, rng: np.random.Generator) -> Script | None:
    """The sum of softmax forgot its axis."""
    if script.host.kind != "classes":
        return None
    return script.edited(SOFTMAX, "np.sum(e)")


def softmax_over_batch(script: Script, rng: np.random.Generator) -> Script | None:
    """The sum of softmax goes down the batch."""
    if script.host.kind != "classes":
        return None
    return script.edited(SOFTMAX, "np.sum(e, axis=0, keepdims=True)")


def log_of_zero(script: Script, rng: np.random.Generator) -> Script | None:
    """A piecewise straight sigmoid, which reaches 0 and 1, and a loss that takes logarithms."""
    if script.host.kind != "binary":
        return None
    hard = replace(script, text=script.text.replace(" + 1e-9", ""))
    hard = hard.edited("def last(z):\n    return 1 / (1 + np.exp(-z))", HARD)
    return _with_delta(
        hard, "(q - y) / (q * (1 - q)) / len(X)\n    d3 = 0.2 * d3 * ((q > 0) & (q < 1))"
    )


# --- gradients ---------------------------------------------------------------------------------


def missing_mean(script: Script, rng: np.random.Generator) -> Script:
    """The loss is a mean, and its gradient a sum."""
    return _with_delta(script, DELTA[script.host.kind].replace(" / len(X)", ""))


def wrong_sign(script: Script, rng: np.random.Generator) -> Script:
    """Targets minus outputs."""
    return _with_delta(script, DELTA[script.host.kind].replace("(q - y)", "(y - q)"))


def activation_derivative_missing(script: Script, rng: np.random.Generator) -> Script:
    """The gradient goes through the hidden activations unchanged, through one or both."""
    forgetful = script.edited(" * slope(h1)", "")
    return forgetful.edited(" * slope(h2)", "") if script.seed % 2 else forgetful


def weight_not_transposed(script: Script, rng: np.random.Generator) -> Script:
    """A square weight goes back as it came."""
    return script.edited('p["W2"].T', 'p["W2"]')


def gradient_transposed(script: Script, rng: np.random.Generator) -> Script:
    """The gradient of a square weight, lying on its side."""
    return script.edited("h1.T @ d2", "d2.T @ h1")


def bias_not_summed(script: Script, rng: np.random.Generator) -> Script:
    """The first row's share is taken for the whole."""
    text = script.text
    for k in (1, 2, 3):
        text = text.replace(f"d{k}.sum(axis=0)", f"d{k}[0]")
    return replace(script, text=text)


def bias_of_another_layer(script: Script, rng: np.random.Generator) -> Script:
    """Copied from the line below, and not changed."""
    return script.edited('"b1": d1.sum(axis=0)', '"b1": d2.sum(axis=0)')


def softmax_scaled_twice(script: Script, rng: np.random.Generator) -> Script | None:
    """The last activation's derivative is applied to q - y, which has it already."""
    if script.host.kind == "values":
        return None
    if script.host.kind == "binary":
        return _with_delta(script, "(q - y) / len(X) * q * (1 - q)")
    return _with_delta(
        script,
        "(q - y) / len(X)\n    d3 = q * (d3 - np.sum(d3 * q, axis=1, keepdims=True))",
    )


def stale_cache(script: Script, rng: np.random.Generator) -> Script:
    """One activation object serves both layers, and remembers the last of them."""
    text = script.text.replace(
        "\n\ndef layers(p, X)",
        "\n\nclass Activation:\n"
        "    def forward(self, a):\n"
        "        self.h = f(a)\n"
        "        return self.h\n\n"
        "    def backward(self, d):\n"
        "        return d * slope(self.h)\n\n\n"
        "act = Activation()\n\n\ndef layers(p, X)",
    )
    text = text.replace('h1 = f(X @ p["W1"]', 'h1 = act.forward(X @ p["W1"]')
    text = text.replace('h2 = f(h1 @ p["W2"]', 'h2 = act.forward(h1 @ p["W2"]')
    text = text.replace('d2 = d3 @ p["W3"].T * slope(h2)', 'd2 = act.backward(d3 @ p["W3"].T)')
    text = text.replace('d1 = d2 @ p["W2"].T * slope(h1)', 'd1 = act.backward(d2 @ p["W2"].T)')
    return replace(script, text=text)


def with_skip(script: Script) -> Script:
    """A residual program, and right: the second layer adds to what it is given."""
    text = script.text.replace(
        'h2 = f(h1 @ p["W2"] + p["b2"])', 'u = f(h1 @ p["W2"] + p["b2"])\n    h2 = h1 + u'
    )
    text = text.replace("return h1, h2, last", "return h1, u, h2, last")
    text = text.replace("h1, h2, q = layers(p, X)", "h1, u, h2, q = layers(p, X)")
    text = text.replace(
        'd2 = d3 @ p["W3"].T * slope(h2)\n    d1 = d2 @ p["W2"].T * slope(h1)',
        'g = d3 @ p["W3"].T\n    d2 = through(g, u)\n    d1 = (d2 @ p["W2"].T + g) * slope(h1)',
    )
    right = "\n\ndef through(g, h):\n    return g * slope(h)\n\n\ndef gradients("
    return replace(script, text=text.replace("\n\ndef gradients(", right))


def backward_writes_its_argument(script: Script, rng: np.random.Generator) -> Script:
    """With a skip connection: one way scales in place the gradient that goes both ways."""
    return with_skip(script).edited(
        "    return g * slope(h)\n", "    g *= slope(h)\n    return g\n"
    )


# --- numbers, update, loop ---------------------------------------------------------------------

NUMERICAL = """

def gradients(p, X, y):
    found = {}
    for name, array in p.items():
        found[name] = np.zeros(array.shape)
        for i in np.ndindex(*array.shape):
            kept = array[i]
            array[i] = kept + 1e-5
            above = loss(p, X, y)
            array[i] = kept - 1e-5
            below = loss(p, X, y)
            array[i] = kept
            found[name][i] = (above - below) / 2e-5
    return found
"""
SMALL = ("xor", "moons", "waves", "and", "circles", "friedman")


def numerical(script: Script) -> Script | None:
    """A small program, and right, whose gradients are differences of the loss."""
    if script.host.name not in SMALL:
        return None
    start, end = script.text.index("\n\ndef gradients("), script.text.index("\n\ndef step(")
    text = script.text[:start] + NUMERICAL + script.text[end:]
    slower = replace(script, text=text, epochs=max(10, script.epochs // 10))
    return slower.with_values(UNITS=4)


def integers_perturbed(script: Script, rng: np.random.Generator) -> Script | None:
    """Differences of the loss, where the parameters are whole numbers."""
    small = numerical(script)
    if small is None:
        return None
    whole = "\nparameters = {k: np.rint(4 * a).astype(int) for k, a in parameters.items()}\n"
    text = small.text.replace("\n\ndef f(a)", whole + "\n\ndef f(a)", 1)
    text = text.replace("p[name] -= RATE * g[name]", "p[name] = p[name] - RATE * g[name]")
    return replace(small, text=text)


def integer_parameters(script: Script, rng: np.random.Generator) -> Script:
    """Weights written as whole numbers; the update is refused, or cut off after the point."""
    whole = "\nparameters = {k: np.rint(4 * a).astype(int) for k, a in parameters.items()}\n"
    text = script.text.replace("\n\ndef f(a)", whole + "\n\ndef f(a)", 1)
    if script.seed % 2:
        text = text.replace("p[name] -= RATE * g[name]", "p[name][...] = p[name] - RATE * g[name]")
    return replace(script, text=text)


def rate_too_large(script: Script, rng: np.random.Generator) -> Script:
    """A slip of the decimal point, or two."""
    return script.with_values(
        RATE=_values_of(script)["RATE"] * (30.0, 100.0, 300.0)[script.seed % 3]
    )


def rate_too_small(script: Script, rng: np.random.Generator) -> Script:
    """Some zeros too many."""
    return script.with_values(RATE=_values_of(script)["RATE"] * (1e-4 if script.seed % 2 else 1e-3))


def updated_too_early(script: Script, rng: np.random.Generator) -> Script:
    """The last layers are updated before the gradients of the first are computed with them."""
    start, end = script.text.index("\n\ndef step("), script.text.index("\n\ndef batches(")
    early = f"""

def step(p, X, y):
    h1, h2, q = layers(p, X)
    d3 = {DELTA[script.host.kind]}
    p["W3"] -= RATE * h2.T @ d3
    p["b3"] -= RATE * d3.sum(axis=0)
    d2 = d3 @ p["W3"].T * slope(h2)
    p["W2"] -= RATE * h1.T @ d2
    p["b2"] -= RATE * d2.sum(axis=0)
    d1 = d2 @ p["W2"].T * slope(h1)
    p["W1"] -= RATE * X.T @ d1
    p["b1"] -= RATE * d1.sum(axis=0)
"""
    return replace(script, text=script.text[:start] + early + script.text[end:])


def gradients_not_cleared(script: Script, rng: np.random.Generator) -> Script:
    """The gradients of every step are added to those before."""
    text = script.text.replace(
        "\n\ndef step(p, X, y):\n",
        "\n\ntotal = {name: np.zeros_like(array) for name, array in parameters.items()}\n"
        "\n\ndef step(p, X, y):\n",
    )
    text = text.replace(
        "    for name in p:\n        p[name] -= RATE * g[name]",
        "    for name in p:\n        total[name] += g[name]\n        p[name] -= RATE * total[name]",
    )
    return replace(script, text=text)


def sorted_batches(script: Script, rng: np.random.Generator) -> Script | None:
    """The rows lie sorted by their target, and batches are cut in order."""
    if script.host.batch_size is None:
        return None
    data = script.data
    order = np.argsort(np.asarray(script.labels[0]).ravel(), kind="stable")
    in_order = script.edited("order = rng.permutation(len(X))", "order = np.arange(len(X))")
    return replace(
        in_order,
        data=replace(data, X=data.X[order], y=data.y[order]),
        labels=(script.labels[0][order], script.labels[1]),
    )


def overfitting(script: Script, rng: np.random.Generator) -> Script | None:
    """A few noisy rows, a wide network, and no end."""
    data = script.data
    if data.Xv is None:
        return None
    rows = rng.permutation(len(data.X))[: max(30, 5 * script.host.classes)]
    y = data.y[rows].copy()
    odd = rng.permutation(len(y))[: len(y) // 5]
    if script.host.kind == "values":
        y[odd] = y[odd] + rng.normal(size=(len(odd), 1))
    elif script.host.kind == "binary":
        y[odd] = 1 - y[odd]
    else:
        y[odd] = np.roll(y[odd], 1, axis=1)
    few = replace(
        script,
        data=Data(data.X[rows], y, data.Xv, data.yv),
        labels=(script.labels[0][rows], script.labels[1]),
        epochs=1500,
    )
    return few.with_values(UNITS=64, BATCH=len(rows))


def wrong_axis(script: Script, rng: np.random.Generator) -> Script | None:
    """The score is taken along the wrong axis, or compares (n, 1) with (n,)."""
    if script.host.kind == "values":
        return None
    if script.host.kind == "binary":
        compared = "(forward(p, X) > 0.5) == (y{} > 0.5)"
        return script.edited(compared.format(""), compared.format("[:, 0]"))
    return script.edited(
        "np.argmax(forward(p, X), axis=1) == np.argmax(y, axis=1)",
        "np.argmax(forward(p, X), axis=0) == np.argmax(y, axis=0)",
    )


def local_minimum(script: Script, rng: np.random.Generator) -> Script | None:
    """XOR with two hidden units, from a start that leads nowhere (training tells which do)."""
    if script.host.name not in ("xor", "xnor"):
        return None
    return script.with_values(UNITS=2)


HAND_FAULTS: dict[str, HandFault] = {
    fault.__name__: fault
    for fault in (
        non_finite_data, inputs_too_large, inputs_too_small, validation_scaled_differently,
        targets_broadcast, targets_constant, labels_unrelated, labels_permuted, wrong_target_form,
        zero_weights, weights_too_large, weights_too_small, dead_biases, too_few_units,
        no_hidden_activation, activation_on_logits, dying_relu, softmax_twice,
        softmax_over_everything, softmax_over_batch, log_of_zero, missing_mean, wrong_sign,
        activation_derivative_missing, weight_not_transposed, gradient_transposed, bias_not_summed,
        bias_of_another_layer, softmax_scaled_twice, stale_cache, backward_writes_its_argument,
        integers_perturbed, rate_too_large, rate_too_small, updated_too_early,
        gradients_not_cleared, integer_parameters, sorted_batches, overfitting, wrong_axis,
        local_minimum,
    )
}  # fmt: skip
"""Every fault by the name of what the doctor should say."""
