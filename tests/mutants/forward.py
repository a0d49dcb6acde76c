"""The forward pass and the loss, as lines of the function bodies."""

from __future__ import annotations

import re

from mutants.recipes import Recipe
from mutants.spelling import Spelling
from mutants.text import Line, Lines, Slip, plain

LAMBDA = "0.1"

SQUARED = {
    (2, "size"): ("np.mean({d} ** 2)", "np.mean(np.square({d}))", "({d} ** 2).mean()"),
    (1, "size"): ("0.5 * np.mean({d} ** 2)", "np.mean({d} ** 2) / 2"),
    (2, "m"): ("np.sum({d} ** 2) / m", "1 / m * np.sum(({d}) ** 2)"),
    (1, "m"): ("np.sum({d} ** 2) / (2 * m)", "0.5 * np.sum({d} ** 2) / m"),
    (2, "1"): ("np.sum({d} ** 2)", "np.sum(np.power({d}, 2))"),
    (1, "1"): ("0.5 * np.sum({d} ** 2)", "np.sum({d} ** 2) / 2"),
}
BINARY = {
    "size": ("-np.mean({t} * np.log({p}) + (1 - {t}) * np.log({q}))",),
    "m": (
        "-np.sum({t} * np.log({p}) + (1 - {t}) * np.log({q})) / m",
        "-1 / m * np.sum({t} * np.log({p}) + (1 - {t}) * np.log({q}))",
    ),
    "1": ("-np.sum({t} * np.log({p}) + (1 - {t}) * np.log({q}))",),
}
CATEGORICAL = {
    "m": ("-np.sum({t} * np.log({p})) / m", "-np.mean(np.sum({t} * np.log({p}), axis={classes}))"),
    "1": ("-np.sum({t} * np.log({p}))",),
}


def forward_lines(recipe: Recipe, say: Spelling) -> Lines:
    """From the data to the output, a line or two for each layer."""
    lines: Lines = []
    if recipe.keep < 1 and say.own_generator:
        lines.append(
            Line(
                "rng = np.random.default_rng(7)",
                {Slip("not deterministic", "dropout"): "rng = np.random.default_rng()"},
            )
        )
    for layer in range(1, recipe.depth + 1):
        lines += layer_lines(recipe, say, layer)
    return lines


def layer_lines(recipe: Recipe, say: Spelling, layer: int) -> Lines:
    a, bias = say.a(layer), say.added_bias(say.bias(layer))
    affine = affine_line(recipe, say, layer, bias)
    if say.inline:
        # One line: a = sigmoid(X @ W1 + b1), and z has no name.
        unnamed = {
            s: t and f"{a} = {activated(recipe, say, layer, t)}" for s, t in affine.slips.items()
        }
        lines = [Line(f"{a} = {activated(recipe, say, layer, affine.right or '')}", unnamed)]
    else:
        z = say.z(layer)
        named = {slip: f"{z} = {text}" for slip, text in affine.slips.items()}
        lines = [Line(f"{z} = {affine.right}", named)]
        if layer == 1:
            noise = f"{z} = {z} + np.random.default_rng().normal(0, 0.05, {z}.shape)"
            lines.append(Line(None, {Slip("not deterministic", "noise"): noise}))
        lines += plain(f"{a} = {activated(recipe, say, layer, z)}")
    if recipe.keep < 1 and layer == 1:
        # The global generator gives another mask in each call: legitimate, and fit to be judged
        # with the generator put back before each of them.
        drawn = f"rng.random({a}.shape)" if say.own_generator else f"np.random.rand(*{a}.shape)"
        lines += plain(
            f"{say.mask} = ({drawn} < {recipe.keep}) / {recipe.keep}",
            f"{say.fed(2)} = {a} * {say.mask}",
        )
    if recipe.skip == layer:
        lines += plain(f"{say.fed(layer + 1)} = {a} + {say.fed(layer)}")
    return lines


def affine_line(recipe: Recipe, say: Spelling, layer: int, bias: str) -> Line:
    """The product and its bias as an expression."""
    product = say.affine(say.fed(layer), say.weight(layer))
    slip = Slip("unused parameter", f"b{layer}")
    return Line(product + bias, {slip: product} if bias else {})


def activated(recipe: Recipe, say: Spelling, layer: int, z: str) -> str:
    """The activation of a layer, the last one's too, of the expression z."""
    kind = recipe.output if layer == recipe.depth else recipe.hidden[layer - 1]
    if kind == "linear":
        return z
    if kind == "softmax":
        return f"softmax({z})"
    compound = say.inline and "-{z}" in say.forward_spelling[kind]
    return say.activation(kind, f"({z})" if compound else z)


def softmax_source(recipe: Recipe, say: Spelling) -> str:
    """The definition of softmax, over the axis of the classes."""
    axis = 1 - say.axis
    lines = ["def softmax(z):"]
    if say.steady:
        lines += [
            f"    e = np.exp(z - np.max(z, axis={axis}, keepdims=True))",
            f"    return e / np.sum(e, axis={axis}, keepdims=True)",
        ]
    elif recipe.columns:
        lines.append("    return np.exp(z) / np.sum(np.exp(z), axis=0)")
    else:
        lines += ["    e = np.exp(z)", "    return e / e.sum(axis=1, keepdims=True)"]
    return "\n".join(lines)


def loss_lines(recipe: Recipe, say: Spelling) -> Lines:
    """From the output to the returned loss."""
    lines: Lines = []
    value = loss_value(recipe, say)
    if re.search(r"\bm\b", value) or recipe.penalty == "half/m":
        lines += plain(f"m = {say.samples}")
    if not recipe.penalty:
        return [*lines, *plain(say.returned_loss(value))]
    penalty = penalty_value(recipe, say)
    slip = Slip("penalty only in the gradient", "everywhere")
    return [
        *lines,
        Line(say.returned_loss(f"{value} + {penalty}"), {slip: say.returned_loss(value)}),
    ]


def loss_value(recipe: Recipe, say: Spelling) -> str:
    a, t = say.output, say.targets
    if recipe.loss == "squared":
        difference = f"({t} - {a})" if say.backwards else f"({a} - {t})"
        return say.rng.choice(SQUARED[recipe.factor, recipe.norm]).format(d=difference)
    p, q = f"{a}{recipe.guard}", f"1 - {a}{recipe.guard}"
    if recipe.guard == "clip":
        p, q = f"np.clip({a}, 1e-12, 1 - 1e-12)", f"1 - np.clip({a}, 1e-12, 1 - 1e-12)"
    if recipe.output == "sigmoid":
        return say.rng.choice(BINARY[recipe.norm]).format(t=t, p=p, q=q)
    if recipe.labels:
        rows = f"np.arange({say.samples})"
        at = f"{t}, {rows}" if recipe.columns else f"{rows}, {t}"
        picked = f"{a}[{at}]{'' if recipe.guard == 'clip' else recipe.guard}"
        return f"-np.mean(np.log({picked}))" if recipe.norm == "m" else f"-np.sum(np.log({picked}))"
    spelled = say.rng.choice(CATEGORICAL[recipe.norm])
    return spelled.format(t=t, p=p, classes=1 - say.axis)


def penalty_value(recipe: Recipe, say: Spelling) -> str:
    """λ times the sum of the squared weights, with the factor that its derivative will have."""
    weights = [say.weight(layer) for layer in own_weights(recipe)]
    total = " + ".join(f"np.sum({weight} ** 2)" for weight in weights)
    if recipe.penalty == "plain":
        return f"{LAMBDA} * ({total})"
    over = " / m" if recipe.penalty == "half/m" else ""
    return f"0.5 * {LAMBDA} * ({total}){over}"


def penalty_gradient(recipe: Recipe, weight: str) -> str:
    if not recipe.penalty:
        return ""
    if recipe.penalty == "plain":
        return f" + 2 * {LAMBDA} * {weight}"
    return f" + {LAMBDA} * {weight}{' / m' if recipe.penalty == 'half/m' else ''}"


def own_weights(recipe: Recipe) -> list[int]:
    """The layers that have a weight of their own."""
    return [layer for layer in range(1, recipe.depth + 1) if not (recipe.tied and layer == 3)]
