"""Programs made of layer objects that keep what they were given: Dense, Sigmoid, a list of them."""

from __future__ import annotations

from mutants.backward import ANOTHER, MISSING_DERIVATIVE, QUANTITY, over_m, scale_slips
from mutants.forward import loss_value
from mutants.layouts import data_lines, own_parameters, with_top
from mutants.loops import output_lines
from mutants.recipes import Recipe
from mutants.spelling import Spelling
from mutants.text import Line, Lines, Slip, Slips, indented, plain

STALE = "stale cache"


def write_objects(recipe: Recipe, say: Spelling) -> Lines:
    """A class for affine layers, one for the activation, and a list that is walked both ways."""
    depth, bias = recipe.depth, recipe.bias != "none"
    lines = data_lines(recipe, say)
    lines += plain("", "") + dense_lines(recipe, say)
    if depth > 1:
        lines += plain("", "") + activation_lines(recipe, say)
    starts = dict(own_parameters(recipe, say))
    dense = []
    for weight_key, bias_key in zip(say.weight_keys, say.bias_keys, strict=True):
        arguments = [starts[weight_key]] + ([starts[bias_key]] if bias else [])
        dense.append(f"Dense({', '.join(arguments)})")
    lines += plain("", "", "dense = [", *(f"    {layer}," for layer in dense), "]")
    own = ", ".join(["Activation()"] * (depth - 1))
    slips: Slips = {}
    if depth > 2 and len(set(recipe.sizes[1:-1])) == 1:
        # The derivative is then that at the last hidden layer, for every layer.
        shared = Slip(STALE, "one activation object for all", frozenset({QUANTITY}))
        slips[shared] = f"hidden = [Activation()] * {depth - 1}"
    lines.append(Line(f"hidden = [{own}]", slips))
    pairs = zip(say.weight_keys, say.bias_keys, range(depth), strict=True)
    entries, puts, gets = [], [], []
    for weight_key, bias_key, index in pairs:
        for key, name in ((weight_key, "W"), (bias_key, "b"))[: 2 if bias else 1]:
            entries.append(f'"{key}": dense[{index}].{name}')
            puts.append(f'dense[{index}].{name} = p["{key}"]')
            gets.append(f'"{key}": dense[{index}].d{name}')
    lines += plain(f"parameters = {{{', '.join(entries)}}}", "", "", "def forward(out):")
    lines += indented(
        [
            *plain("for i in range(len(dense)):"),
            *plain("    out = dense[i].forward(out)"),
            *plain("    if i < len(hidden):", "        out = hidden[i].forward(out)"),
            *plain(f"return {last_activation(recipe, say)}"),
        ]
    )
    lines += plain("", "", "def loss(p):")
    lines += indented(
        plain(*puts, f"{say.output} = forward({say.data})", f"m = {say.samples}")
        + plain(say.returned_loss(loss_value(recipe, say)))
    )
    shuffled = f"{say.data}[:, ::-1]" if recipe.columns else f"{say.data}[::-1]"
    lines += plain("", "", "def gradients(p):")
    lines += indented(
        [
            *plain(*puts, f"{say.output} = forward({say.data})", f"m = {say.samples}"),
            Line(None, {Slip(STALE, "forward on other data"): f"forward({shuffled} + 0.5)"}),
            *output_lines(recipe, say, "dense[-1].z"),
            *plain("for i in reversed(range(len(dense))):"),
            *plain("    if i < len(hidden):", "        delta = hidden[i].backward(delta)"),
            *plain("    delta = dense[i].backward(delta)"),
            *plain(f"return {{{', '.join(gets)}}}"),
        ]
    )
    return with_top(recipe, say, lines)


def last_activation(recipe: Recipe, say: Spelling) -> str:
    if recipe.output == "linear":
        return "out"
    return "softmax(out)" if recipe.output == "softmax" else say.activation(recipe.output, "out")


def dense_lines(recipe: Recipe, say: Spelling) -> Lines:
    """class Dense, with every mistake that its few lines allow."""
    bias = recipe.bias != "none"
    samples = f"self.x.shape[{say.axis}]"
    over = f" / {samples}" if over_m(recipe) else ""
    product = say.weight_gradient("self.x", "delta")
    back = say.input_gradient("delta", "self.W")
    slips = scale_slips(recipe, "weights", None, f"self.dW = {product}", over, samples)
    slips[Slip("wrong sign", "weights")] = f"self.dW = -({product}){over}"
    back_slips: Slips = {}
    if len(set(recipe.sizes)) == 1:
        turned = say.weight_gradient("self.x", "delta", transposed=True)
        slips[Slip("transposed", "every layer")] = f"self.dW = {turned}{over}"
        wrong = say.input_gradient("delta", "self.W", turned=False)
        back_slips[Slip("weight not transposed", "every layer")] = f"return {wrong}"
    step = Slip("argument written into", "step before use")
    backward: Lines = [Line(f"self.dW = {product}{over}", slips)]
    if bias:
        backward.append(object_bias(recipe, say, over, samples))
    backward += [
        Line(None, {step: "self.W -= 0.1 * self.dW"}),
        Line(f"return {back}", back_slips),
    ]
    return [
        *plain("class Dense:", f"    def __init__(self, W{', b' if bias else ''}):"),
        *plain("        self.W = W", *(["        self.b = b"] if bias else [])),
        *plain("", "    def forward(self, x):", "        self.x = x"),
        *plain(f"        self.z = {say.affine('x', 'self.W')}{say.added_bias('self.b')}"),
        *plain("        return self.z"),
        *plain("", "    def backward(self, delta):"),
        *indented(backward, 2),
    ]


def object_bias(recipe: Recipe, say: Spelling, over: str, samples: str) -> Line:
    summed, mean = say.over_samples("sum", "delta"), say.over_samples("mean", "delta")
    averaged = Slip("bias averaged", "every layer", frozenset({"doubled 1/m"}))
    slips = scale_slips(recipe, "biases", None, f"self.db = {summed}", over, samples)
    slips |= {
        averaged: f"self.db = {mean}{over}",
        Slip("bias not summed", "first sample"): f"self.db = {say.one_sample('delta')}{over}",
        Slip("bias not summed", "as it is"): f"self.db = delta{over}",
        Slip("bias summed over every axis", ""): f"self.db = np.sum(delta){over}",
        Slip("frozen parameter", "biases"): "self.db = np.zeros_like(self.b)",
    }
    return Line(f"self.db = {summed}{over}", slips)


def activation_lines(recipe: Recipe, say: Spelling) -> Lines:
    spelled = say.derivative(recipe.hidden[0], "self.z", "self.a")
    slips: Slips = {Slip(MISSING_DERIVATIVE, "every layer"): "return delta"}
    for number, text in enumerate(spelled.another):
        slips[Slip(ANOTHER, f"{number}")] = f"return delta * {text}"
    if spelled.wrong_quantity:
        slips[Slip(QUANTITY, "z for a")] = f"return delta * {spelled.wrong_quantity}"
    return [
        *plain("class Activation:", "    def forward(self, z):", "        self.z = z"),
        *plain(f"        self.a = {say.activation(recipe.hidden[0], 'z')}"),
        *plain("        return self.a", "", "    def backward(self, delta):"),
        *indented([Line(f"return delta * {spelled.right}", slips)], 2),
    ]
