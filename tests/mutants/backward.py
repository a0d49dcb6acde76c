"""The backward pass by hand, as lines of a function body, each with the ways to mistype it."""

from __future__ import annotations

import re

from mutants.forward import penalty_gradient
from mutants.recipes import Recipe
from mutants.spelling import Spelling
from mutants.text import Line, Lines, Slip, Slips, plain

MISSING_DERIVATIVE = "activation derivative missing"
PAIRED = "softmax and loss paired wrongly"
TWICE = "output derivative counted twice"
ANOTHER = "derivative of another activation"
QUANTITY = "activation derivative of the wrong quantity"
#: Nonsense that no kind describes: the judge must say that it does not recognise it.
OTHER = "something else"


def backward_lines(recipe: Recipe, say: Spelling) -> Lines:
    """From the output to the gradients of every layer, the last layer first."""
    lines = plain(f"m = {say.samples}") + output_delta(recipe, say)
    for layer in range(recipe.depth, 0, -1):
        lines += weight_lines(recipe, say, layer)
        lines += bias_lines(recipe, say, layer)
        if layer > 1:
            lines.append(early_update(recipe, say, layer))
            lines += hidden_delta(recipe, say, layer - 1)
    return lines


# The output


class Scaled:
    """factor·(core)/norm as the loss has it, and mistyped."""

    def __init__(self, recipe: Recipe, say: Spelling) -> None:
        self.factor = "2 * " if recipe.factor == 2 else ""
        outputs = f"{say.output}.shape[{1 - say.axis}]"
        at_once = {"1": "", "m": " / m", "size": f" / {say.output}.size"}
        for_each = {"1": "", "m": "", "size": f" / {outputs}"}
        self.recipe = recipe
        self.here = recipe.norm_at == "delta"
        self.over = (at_once if self.here else for_each)[recipe.norm]

    def text(self, core: str, factor: str | None = None, over: str | None = None) -> str:
        factor = self.factor if factor is None else factor
        over = self.over if over is None else over
        return f"{factor}({core}){over}" if factor or over else core

    def slips(self, core: str, opposite: str) -> dict[Slip, str]:
        """Every wrong scale of ``core``; ``opposite`` is minus the core as people write it."""
        found = {Slip("wrong sign", "everywhere"): self.text(opposite)}
        if self.here and self.recipe.norm != "1":
            found[Slip("missing 1/m", "everywhere")] = self.text(core, over="")
            if self.recipe.norm == "size" and self.recipe.sizes[-1] > 1:
                forgotten = Slip("scaled", "1/outputs forgotten", frozenset({"missing 1/m"}))
                found[forgotten] = self.text(core, over=" / m")
        if not self.here:
            found[Slip("doubled 1/m", "everywhere")] = self.text(core, over=f"{self.over} / m")
        if self.recipe.factor == 2:
            found[Slip("factor 1/2", "everywhere")] = self.text(core, factor="")
        else:
            found[Slip("factor 2", "everywhere")] = self.text(core, factor="2 * ")
            found[Slip("factor 1/2", "everywhere")] = self.text(core, factor="0.5 * ")
        found[Slip("scaled", "rate in it")] = self.text(core, factor=f"0.01 * {self.factor}")
        return found


def output_delta(recipe: Recipe, say: Spelling) -> Lines:
    """The cotangent of the last layer's z."""
    scaled, t, a = Scaled(recipe, say), say.targets, say.output
    dz, da = say.dz(recipe.depth), say.da(recipe.depth)
    if recipe.labels:
        t = f"np.eye({recipe.sizes[-1]})[{t}]" + (".T" if recipe.columns else "")
    core, opposite = f"{a} - {t}", f"{t} - {a}"
    if recipe.output == "linear":
        slips: Slips = {s: f"{dz} = {text}" for s, text in scaled.slips(core, opposite).items()}
        return [Line(f"{dz} = {scaled.text(core)}", slips)]
    if recipe.loss == "cross_entropy":
        if recipe.output == "sigmoid" and say.long_form:
            return long_cross_entropy(recipe, say, scaled)
        return short_cross_entropy(recipe, say, scaled, core, opposite)

    if recipe.output == "softmax":
        times = f"{a} * ({da} - np.sum({da} * {a}, axis={1 - say.axis}, keepdims=True))"
        derivatives: Slips = {}
    else:
        spelled = say.derivative(recipe.output, say.z(recipe.depth), a)
        times = f"{da} * {spelled.right}"
        derivatives = {Slip(ANOTHER, "output"): f"{da} * {spelled.another[0]}"}
        if spelled.wrong_quantity:
            derivatives[Slip(QUANTITY, "output")] = f"{da} * {spelled.wrong_quantity}"
    left_out = Slip(MISSING_DERIVATIVE, "output", frozenset({PAIRED}))
    pair = Slip(PAIRED, "y - t", frozenset({MISSING_DERIVATIVE}))
    one_line = recipe.output != "softmax" and not say.two_lines
    if one_line:
        # With a scale in front, the parentheses are needed only around the difference.
        right = times.replace(f"{da} ", f"{bracketed(scaled.text(core))} ", 1)
        slips = {
            s: f"{dz} = {times.replace(f'{da} ', f'{bracketed(text)} ', 1)}"
            for s, text in scaled.slips(core, opposite).items()
        }
        slips |= {
            s: f"{dz} = {str(text).replace(f'{da} ', f'{bracketed(scaled.text(core))} ', 1)}"
            for s, text in derivatives.items()
        }
        slips[left_out] = f"{dz} = {scaled.text(core)}"
        slips[pair] = f"{dz} = {scaled.text(core, factor='')}"
        return [Line(f"{dz} = {right}", slips)]
    first: Slips = {s: f"{da} = {text}" for s, text in scaled.slips(core, opposite).items()}
    first[pair] = f"{da} = {scaled.text(core, factor='')}"
    second: Slips = {s: f"{dz} = {text}" for s, text in derivatives.items()}
    second[left_out] = second[pair] = f"{dz} = {da}"
    return [
        Line(f"{da} = {scaled.text(core)}", first),
        Line(f"{dz} = {times}", second),
    ]


def bracketed(text: str) -> str:
    """In parentheses, where a product would tear it apart."""
    return f"({text})" if re.fullmatch(r"[^()]* - [^()]*", text) else text


def short_cross_entropy(
    recipe: Recipe, say: Spelling, scaled: Scaled, core: str, opposite: str
) -> Lines:
    """Softmax or sigmoid with its own loss: y - t."""
    dz, a = say.dz(recipe.depth), say.output
    slips: Slips = {s: f"{dz} = {text}" for s, text in scaled.slips(core, opposite).items()}
    right = scaled.text(core)
    diagonal = f"{bracketed(right)} * {a} * (1 - {a})"
    slips[Slip(TWICE, "a * (1 - a)", frozenset({PAIRED}))] = f"{dz} = {diagonal}"
    squared = scaled.text(core, factor="2 * ")
    if recipe.output == "sigmoid":
        slips[Slip(PAIRED, "squared error's", frozenset({TWICE}))] = (
            f"{dz} = {squared} * {a} * (1 - {a})"
        )
    else:
        whole = f"{a} * ({dz} - np.sum({dz} * {a}, axis={1 - say.axis}, keepdims=True))"
        slips[Slip(TWICE, "whole", frozenset({PAIRED}))] = f"{dz} = {right}\n{dz} = {whole}"
        slips[Slip(PAIRED, "squared error's", frozenset({TWICE}))] = (
            f"{dz} = {squared}\n{dz} = {whole}"
        )
    return [Line(f"{dz} = {right}", slips)]


def long_cross_entropy(recipe: Recipe, say: Spelling, scaled: Scaled) -> Lines:
    """Binary cross-entropy by way of da, as many courses have it."""
    t, a = say.targets, say.output
    dz, da = say.dz(recipe.depth), say.da(recipe.depth)
    core = f"-({t} / {a}) + (1 - {t}) / (1 - {a})"
    opposite = f"{t} / {a} - (1 - {t}) / (1 - {a})"
    first: Slips = {s: f"{da} = {text}" for s, text in scaled.slips(core, opposite).items()}
    short = scaled.text(f"{a} - {t}")
    first[Slip(TWICE, "da = a - t", frozenset({PAIRED}))] = f"{da} = {short}"
    spelled = say.derivative("sigmoid", say.z(recipe.depth), a)
    second: Slips = {
        Slip(MISSING_DERIVATIVE, "output"): f"{dz} = {da}",
        Slip(ANOTHER, "output"): f"{dz} = {da} * {spelled.another[0]}",
    }
    return [
        Line(f"{da} = {scaled.text(core)}", first),
        Line(f"{dz} = {da} * {spelled.right}", second),
    ]


# Weights and biases


def over_m(recipe: Recipe) -> str:
    """What divides every dW and db, where the output's cotangent is not divided yet."""
    return " / m" if recipe.norm_at == "each" and recipe.norm != "1" else ""


def scale_slips(
    recipe: Recipe, what: str, layer: int | None, text: str, over: str, samples: str = "m"
) -> Slips:
    """1/m forgotten or written once more: in every line, in all of weights or biases, in a layer.

    ``text`` is without ``over``, which is what divides it, or nothing. layer=None: it stands for
    all of them.
    """
    wheres = ["everywhere"] if layer is None else ["everywhere", f"layer {layer}"]
    if over:
        return {Slip("missing 1/m", where): text for where in [*wheres, what]}
    if recipe.norm == "1":
        wheres = ["everywhere"]
    elif what == "weights":  # a bias that is divided twice is a bias averaged
        wheres.append(what)
    return {Slip("doubled 1/m", where): f"{text} / {samples}" for where in wheres}


def weight_lines(recipe: Recipe, say: Spelling, layer: int) -> Lines:
    """The line for dW, or the two for a weight that is used twice."""
    if recipe.tied and layer == 3:
        return []  # told where the other use is
    key = say.weight_keys[layer - 1]
    name = say.gradient(key)
    fed, dz, over = say.fed(layer), say.dz(layer), over_m(recipe)
    penalty = penalty_gradient(recipe, say.weight(layer))

    def line(product: str, scale: str = over, more: str = penalty) -> str:
        return f"{name} = {product}{scale}{more}"

    right = say.weight_gradient(fed, dz)
    if recipe.tied and layer == 2:
        other = say.weight_gradient(say.fed(3), say.dz(3))
        first, last = (
            Slip("reused node overwritten", "first"),
            Slip("reused node overwritten", "last"),
        )
        both = f"({right} + {other})"
        return [Line(line(both), {first: line(right), last: line(other)})]
    slips: Slips = {
        slip: (text or "") + penalty
        for slip, text in scale_slips(recipe, "weights", layer, line(right, "", ""), over).items()
    }
    slips[Slip("wrong sign", key)] = f"{name} = -({right}){over}{penalty}"
    slips[Slip("frozen parameter", key)] = f"{name} = np.zeros_like({say.weight(layer)})"
    slips[Slip(OTHER, f"{key} absolute")] = f"{name} = np.abs({right}){over}{penalty}"
    slips[Slip(OTHER, f"{key} squared")] = f"{name} = ({right}) ** 2{over}{penalty}"
    if penalty:
        slips[Slip("penalty only in the loss", "everywhere")] = line(right, over, "")
        slips[Slip("penalty only in the loss", key)] = line(right, over, "")
    else:
        wrongly = f" + 0.1 * {say.weight(layer)}"
        slips[Slip("penalty only in the gradient", "everywhere")] = line(right, over, wrongly)
    if not penalty or recipe.sizes[layer - 1] == recipe.sizes[layer]:
        slips[Slip("transposed", key)] = line(say.weight_gradient(fed, dz, transposed=True))
    for other_layer in (layer - 1, layer + 1):
        exists = 1 <= other_layer <= recipe.depth
        if exists and recipe.sizes[other_layer - 1] == recipe.sizes[layer - 1]:
            wrong = say.weight_gradient(say.fed(other_layer), dz)
            slips[Slip("input of another layer", f"{key} by layer {other_layer}")] = line(wrong)
    return [Line(line(right), slips)]


def bias_lines(recipe: Recipe, say: Spelling, layer: int) -> Lines:
    if recipe.bias == "none":
        return []
    key = say.bias_keys[layer - 1]
    name, dz, over = say.gradient(key), say.dz(layer), over_m(recipe)
    by_mean = bool(over) and say.mean_first  # np.mean is the sum and 1/m at once
    summed, mean = say.over_samples("sum", dz), say.over_samples("mean", dz)
    right = f"{name} = {mean}" if by_mean else f"{name} = {summed}{over}"
    slips = scale_slips(recipe, "biases", layer, f"{name} = {summed}", over)
    slips[Slip("bias averaged", key, frozenset({"doubled 1/m"}))] = f"{name} = {mean}{over}"
    slips[Slip(OTHER, f"{key} spread")] = f"{name} = {say.over_samples('std', dz)}{over}"
    for where, text in (
        ("first sample", say.one_sample(dz)),
        ("as it is", dz),
    ):
        slips[Slip("bias not summed", f"{key} {where}")] = f"{name} = {text}{over}"
    every = f"np.mean({dz})" if by_mean else f"np.sum({dz}){over}"
    slips[Slip("bias summed over every axis", key)] = f"{name} = {every}"
    slips[Slip("frozen parameter", key)] = f"{name} = np.zeros_like({say.bias(layer)})"
    for other in range(layer + 1, recipe.depth + 1):
        if recipe.sizes[other] == recipe.sizes[layer]:
            wrong = right.replace(dz, say.dz(other))
            slips[Slip("bias of another layer", f"{key} by layer {other}")] = wrong
    return [Line(right, slips)]


def early_update(recipe: Recipe, say: Spelling, layer: int) -> Line:
    """A step in place, before the weight is used for the layer below."""
    weight = say.weight(layer)
    if recipe.tied and layer == 3:
        return Line(None)
    step = f"{weight} -= 0.1 * {say.gradient(say.weight_keys[layer - 1])}"
    return Line(None, {Slip("argument written into", f"step before use {layer}"): step})


# The hidden layers


def hidden_delta(recipe: Recipe, say: Spelling, layer: int) -> Lines:
    """The cotangent of z of ``layer`` from that of the layer above."""
    above, below, da = say.dz(layer + 1), say.dz(layer), say.da(layer)
    weight = say.weight(layer + 1)
    back = say.input_gradient(above, weight)
    wrong_back = say.input_gradient(above, weight, turned=False)
    spelled = say.derivative(recipe.hidden[layer - 1], say.z(layer), say.a(layer))
    square = recipe.sizes[layer] == recipe.sizes[layer + 1]
    not_turned = Slip("weight not transposed", str(weight))
    missing, quantity = Slip(MISSING_DERIVATIVE, str(layer)), Slip(QUANTITY, str(layer))
    minus = Slip("wrong sign", f"from layer {layer}")
    another = [Slip(ANOTHER, f"{layer}: {n}") for n in range(len(spelled.another))]
    wrongs: dict[Slip, str] = dict(zip(another, spelled.another, strict=True))
    if spelled.wrong_quantity:
        wrongs[quantity] = spelled.wrong_quantity
    other = layer + 1 if layer + 1 < recipe.depth else layer - 1
    if other >= 1 and recipe.sizes[other] == recipe.sizes[layer]:
        of_other = say.derivative(recipe.hidden[layer - 1], say.z(other), say.a(other))
        wrongs[Slip(QUANTITY, f"{layer} by layer {other}")] = of_other.right
    if not say.two_lines:
        slips: Slips = {s: f"{below} = ({back}) * {text}" for s, text in wrongs.items()}
        slips[missing] = f"{below} = {back}"
        if square:
            slips[not_turned] = f"{below} = ({wrong_back}) * {spelled.right}"
        slips[minus] = f"{below} = -({back}) * {spelled.right}"
        return [Line(f"{below} = ({back}) * {spelled.right}", slips)]

    first: Slips = {minus: f"{da} = -({back})"}
    if square:
        first[not_turned] = f"{da} = {wrong_back}"
    lines: Lines = [Line(f"{da} = {back}", first)]
    if recipe.skip == layer + 1:
        # The input of the layer above went on past it.
        past = say.da(layer + 1)
        lines = [
            Line(
                f"{da} = {back} + {past}",
                {
                    Slip("reused node overwritten", "the product only"): f"{da} = {back}",
                    Slip("reused node overwritten", "the sum only"): f"{da} = {past}",
                    not_turned: f"{da} = {wrong_back} + {past}",
                },
            )
        ]
    if recipe.keep < 1 and layer == 1:
        lines.append(mask_line(recipe, say, da))
    wrongs[Slip(OTHER, f"derivative {layer}")] = f"np.exp(-{say.a(layer)})"
    second: Slips = {s: f"{below} = {da} * {text}" for s, text in wrongs.items()}
    second[missing] = f"{below} = {da}"
    return [*lines, Line(f"{below} = {da} * {spelled.right}", second)]


def mask_line(recipe: Recipe, say: Spelling, da: str) -> Line:
    """Dropout's backward pass: the forward pass's own mask."""
    drawn = f"(np.random.default_rng(8).random({da}.shape) < {recipe.keep}) / {recipe.keep}"
    kind = "mask or noise differs"
    return Line(
        f"{da} = {da} * {say.mask}",
        {
            Slip(kind, "drawn again"): f"{da} = {da} * ({drawn})",
            Slip(kind, "left out"): None,
        },
    )
