"""Programs that go through their layers in a loop, with lists of activations."""

from __future__ import annotations

from mutants.backward import (
    ANOTHER,
    MISSING_DERIVATIVE,
    PAIRED,
    QUANTITY,
    TWICE,
    Scaled,
    over_m,
    scale_slips,
)
from mutants.forward import loss_value, penalty_gradient
from mutants.layouts import data_lines, own_parameters, with_top
from mutants.recipes import Recipe
from mutants.spelling import Spelling
from mutants.text import Line, Lines, Slip, Slips, indented, plain


def write_loop(recipe: Recipe, say: Spelling) -> Lines:
    """forward and backward for any number of layers, parameters in a dict by layer."""
    own = own_parameters(recipe, say)
    entries = "".join(f'\n    "{key}": {source},' for key, source in own)
    lines = data_lines(recipe, say)
    lines += plain(f"L = {recipe.depth}", f"parameters = {{{entries}\n}}")
    lines += plain("", "", "def forward(p):") + indented(forward_body(recipe, say))
    lines += plain("", "", "def loss(p):") + indented(loss_body(recipe, say))
    lines += plain("", "", "def gradients(p):") + indented(backward_body(recipe, say))
    return with_top(recipe, say, lines)


def key_of(keys: list[str], layer: str) -> str:
    """The parameter of the layer that a loop variable counts: p[f"W{l}"]."""
    if len(keys) == 2 and not keys[0].endswith("1"):
        return f"p[{keys!r}[{layer} - 1]]"
    return f'p[f"{keys[0][:-1]}{{{layer}}}"]'


def forward_body(recipe: Recipe, say: Spelling) -> Lines:
    weight, bias = key_of(say.weight_keys, "l"), key_of(say.bias_keys, "l")
    affine = f"z = {say.affine('a', weight)}{say.added_bias(bias)}"
    last = "softmax(z)" if recipe.output == "softmax" else "z"
    if recipe.output in ("sigmoid", "tanh"):
        last = say.activation(recipe.output, "z")
    noise = Slip("not deterministic", "noise")
    return [
        *plain(f"a = {say.data}", "activations = [a]", "zs = []", "for l in range(1, L + 1):"),
        *indented(
            [
                *plain(affine),
                Line(None, {noise: "z = z + 0.1 * np.random.default_rng().random(z.shape)"}),
                *plain("zs.append(z)"),
                *plain(f"a = {say.activation(recipe.hidden[0], 'z')} if l < L else {last}"),
                *plain("activations.append(a)"),
            ]
        ),
        *plain("return zs, activations"),
    ]


def loss_body(recipe: Recipe, say: Spelling) -> Lines:
    value = loss_value(recipe, say)
    lines = plain("zs, activations = forward(p)", f"{say.output} = activations[-1]")
    lines += plain(f"m = {say.samples}")
    if not recipe.penalty:
        return [*lines, *plain(say.returned_loss(value))]
    total = f"sum(np.sum({key_of(say.weight_keys, 'l')} ** 2) for l in range(1, L + 1))"
    term = {"plain": f"0.1 * {total}", "half": f"0.1 / 2 * {total}",
            "half/m": f"0.1 / (2 * m) * {total}"}[recipe.penalty]  # fmt: skip
    slip = Slip("penalty only in the gradient", "everywhere")
    return [*lines, Line(say.returned_loss(f"{value} + {term}"), {slip: say.returned_loss(value)})]


def output_lines(recipe: Recipe, say: Spelling, z: str) -> Lines:
    """delta of the last layer, in one line or two; z as the program has kept it."""
    scaled, t, a = Scaled(recipe, say), say.targets, say.output
    if recipe.labels:
        t = f"np.eye({recipe.sizes[-1]})[{t}]" + (".T" if recipe.columns else "")
    core = f"{a} - {t}"
    slips: Slips = {s: f"delta = {v}" for s, v in scaled.slips(core, f"{t} - {a}").items()}
    lines = [Line(f"delta = {scaled.text(core)}", slips)]
    derivative = ""
    if recipe.output == "softmax":
        over = f"axis={1 - say.axis}, keepdims=True"
        derivative = f"delta = {a} * (delta - np.sum(delta * {a}, {over}))"
    elif recipe.output != "linear":
        derivative = f"delta = delta * {say.derivative(recipe.output, z, a).right}"
    if recipe.loss == "squared" and derivative:
        left_out = Slip(MISSING_DERIVATIVE, "output", frozenset({PAIRED}))
        lines.append(Line(derivative, {left_out: None}))
    elif derivative:
        lines.append(Line(None, {Slip(TWICE, "", frozenset({PAIRED})): derivative}))
    return lines


def backward_body(recipe: Recipe, say: Spelling) -> Lines:
    weight, bias = key_of(say.weight_keys, "l"), key_of(say.bias_keys, "l")
    w_grad, b_grad = weight.replace("p[", "grads["), bias.replace("p[", "grads[")
    over, penalty = over_m(recipe), penalty_gradient(recipe, weight)
    square = len(set(recipe.sizes)) == 1
    product = say.weight_gradient("activations[l - 1]", "delta")
    scales = scale_slips(recipe, "weights", None, f"{w_grad} = {product}", over)
    slips: Slips = {slip: f"{text}{penalty}" for slip, text in scales.items()}
    if penalty:
        slips[Slip("penalty only in the loss", "everywhere")] = f"{w_grad} = {product}{over}"
    else:
        more = f"{w_grad} = {product}{over} + 0.1 * {weight}"
        slips[Slip("penalty only in the gradient", "everywhere")] = more
    if square:
        other = say.weight_gradient("activations[l]", "delta")
        slips[Slip("input of another layer", "index")] = f"{w_grad} = {other}{over}{penalty}"
        turned = say.weight_gradient("activations[l - 1]", "delta", transposed=True)
        slips[Slip("transposed", "every layer")] = f"{w_grad} = {turned}{over}{penalty}"
    inner: Lines = [Line(f"{w_grad} = {product}{over}{penalty}", slips)]
    if recipe.bias != "none":
        inner.append(bias_line(recipe, say, b_grad, over))
    back = say.input_gradient("delta", weight)
    wrong_back = say.input_gradient("delta", weight, turned=False)
    spelled = say.derivative(recipe.hidden[0], "zs[l - 2]", "activations[l - 1]")
    hidden: Slips = {
        Slip(MISSING_DERIVATIVE, "every layer"): f"delta = {back}",
        Slip("wrong sign", "every layer"): f"delta = -({back}) * {spelled.right}",
    }
    for number, text in enumerate(spelled.another):
        hidden[Slip(ANOTHER, f"{number}")] = f"delta = ({back}) * {text}"
    if spelled.wrong_quantity:
        hidden[Slip(QUANTITY, "z for a")] = f"delta = ({back}) * {spelled.wrong_quantity}"
    if square:
        hidden[Slip("weight not transposed", "every layer")] = (
            f"delta = ({wrong_back}) * {spelled.right}"
        )
        late = say.derivative(recipe.hidden[0], "zs[l - 1]", "activations[l]")
        hidden[Slip(QUANTITY, "next layer's")] = f"delta = ({back}) * {late.right}"
    step = Slip("argument written into", "step before use")
    inner += [
        Line(None, {step: f"{weight} -= 0.1 * {w_grad}"}),
        *plain("if l > 1:"),
        *indented([Line(f"delta = ({back}) * {spelled.right}", hidden)]),
    ]
    return [
        *plain("zs, activations = forward(p)", f"{say.output} = activations[-1]"),
        *plain(f"m = {say.samples}"),
        *output_lines(recipe, say, "zs[-1]"),
        *plain("grads = {}", "for l in range(L, 0, -1):"),
        *indented(inner),
        *plain("return grads"),
    ]


def bias_line(recipe: Recipe, say: Spelling, b_grad: str, over: str) -> Line:
    summed, mean = say.over_samples("sum", "delta"), say.over_samples("mean", "delta")
    slips = scale_slips(recipe, "biases", None, f"{b_grad} = {summed}", over)
    averaged = Slip("bias averaged", "every layer", frozenset({"doubled 1/m"}))
    slips[averaged] = f"{b_grad} = {mean}{over}"
    slips[Slip("bias not summed", "first sample")] = f"{b_grad} = {say.one_sample('delta')}{over}"
    slips[Slip("bias not summed", "as it is")] = f"{b_grad} = delta{over}"
    slips[Slip("bias summed over every axis", "")] = f"{b_grad} = np.sum(delta){over}"
    return Line(f"{b_grad} = {summed}{over}", slips)
