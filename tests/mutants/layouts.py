"""Whole programs around one forward and one backward pass: functions on a dict, a list, a class."""

from __future__ import annotations

from mutants.backward import backward_lines
from mutants.forward import forward_lines, loss_lines, own_weights, softmax_source
from mutants.recipes import Recipe
from mutants.spelling import Spelling, helpers_used
from mutants.text import Line, Lines, Slip, Slips, indented, plain, written

STALE = Slip("stale cache", "forward on other data")
GATES = "[[0, 0], [0, 1], [1, 0], [1, 1]]"


def write(recipe: Recipe, say: Spelling) -> Lines:
    """The program's lines in the recipe's style, for styles that name every layer."""
    body = class_lines(recipe, say) if recipe.style == "class" else function_lines(recipe, say)
    return with_top(recipe, say, body)


def with_top(recipe: Recipe, say: Spelling, body: Lines) -> Lines:
    """Import and helper functions above the rest."""
    # A mistake may call a helper that the right program does not: all texts are looked at.
    source = written(body) + "".join(text or "" for line in body for text in line.slips.values())
    top = "import numpy as np" + helpers_used(source).rstrip("\n")
    if "softmax(" in source:
        top += "\n\n\n" + softmax_source(recipe, say)
    return plain(top, "", "") + body


# Data and parameters


def data_lines(recipe: Recipe, say: Spelling) -> Lines:
    """Data at random from a seed; XOR's four rows where exact zeros are wanted."""
    inputs, outputs, m = recipe.sizes[0], recipe.sizes[-1], recipe.m
    shape = f"{inputs}, {m}" if recipe.columns else f"{m}, {inputs}"
    data = f"np.random.randn({shape}){recipe.stretch}"
    if recipe.zeros and inputs == 2 and m == 4:
        data = f"np.array({GATES})" + (".T" if recipe.columns else "")
    elif recipe.zeros:
        data = f"np.random.randint(0, 2, ({shape})) * 1.0"
    lines = [f"np.random.seed({recipe.seed % 1000})", f"{say.data} = {data}"]
    target_shape = f"{outputs}, {m}" if recipe.columns else f"{m}, {outputs}"
    if recipe.output == "softmax":
        targets = f"np.random.randint(0, {outputs}, {m})"
        if not recipe.labels:
            targets = f"np.eye({outputs})[{targets}]" + (".T" if recipe.columns else "")
    elif recipe.output == "linear":
        targets = f"np.random.randn({target_shape})"
    elif recipe.output == "tanh":
        targets = f"np.random.uniform(-0.9, 0.9, ({target_shape}))"
    elif recipe.loss == "squared" and say.mean_first:
        targets = f"np.random.rand({target_shape})"
    else:
        targets = f"(np.random.rand({target_shape}) > 0.5).astype(float)"
    lines.append(f"{say.targets} = {targets}")
    if recipe.dtype == "float32":
        lines.append(f"{say.data} = {say.data}.astype(np.float32)")
        if not recipe.labels:
            lines.append(f"{say.targets} = {say.targets}.astype(np.float32)")
    return plain(*lines)


def weight_source(recipe: Recipe, say: Spelling, layer: int) -> str:
    inputs, outputs = recipe.sizes[layer - 1], recipe.sizes[layer]
    outputs_first = recipe.columns != recipe.flipped
    first, second = (outputs, inputs) if outputs_first else (inputs, outputs)
    scale = ("1.0", "0.5", f"np.sqrt(1 / {inputs})", f"np.sqrt(2 / {inputs})")[recipe.seed % 4]
    if layer == 1 and recipe.stretch.startswith(" * 10"):
        scale = "0.01"  # a sigmoid on large numbers would be as good as constant
    return as_dtype(recipe, f"np.random.randn({first}, {second}) * {scale}")


def bias_source(recipe: Recipe, layer: int) -> str:
    size = recipe.sizes[layer]
    shape = f"{size}"
    if recipe.bias == "matrix":
        shape = f"{size}, 1" if recipe.columns else f"1, {size}"
    if recipe.zeros or recipe.seed % 5 < 2:
        source = f"np.zeros(({shape}))" if "," in shape else f"np.zeros({shape})"
    else:
        source = f"np.random.randn({shape}) * 0.3"
    if recipe.dead and layer == 1:
        source = f"{source} - np.eye({size})[0]{dead_shape(recipe)} * 40"
    return as_dtype(recipe, source)


def dead_shape(recipe: Recipe) -> str:
    return ".reshape(-1, 1)" if recipe.bias == "matrix" and recipe.columns else ""


def as_dtype(recipe: Recipe, source: str) -> str:
    return f"({source}).astype(np.float32)" if recipe.dtype == "float32" else source


def own_parameters(recipe: Recipe, say: Spelling) -> list[tuple[str, str]]:
    """Each parameter's key with the source of its start, layer by layer."""
    found = []
    for layer in range(1, recipe.depth + 1):
        if layer in own_weights(recipe):
            found.append((say.weight_keys[layer - 1], weight_source(recipe, say, layer)))
        if recipe.bias != "none":
            found.append((say.bias_keys[layer - 1], bias_source(recipe, layer)))
    return found


def swapped(recipe: Recipe, say: Spelling, key: str) -> str | None:
    """The bias of the next layer, where it has this one's size: an index mistyped."""
    if key not in say.bias_keys or (layer := say.bias_keys.index(key) + 1) == recipe.depth:
        return None
    return say.bias_keys[layer] if recipe.sizes[layer] == recipe.sizes[layer + 1] else None


def returned(recipe: Recipe, say: Spelling, keys: list[str]) -> Lines:
    """The gradients handed out, in the order of the parameters."""
    gradients = [say.gradient(key) for key in keys]
    if recipe.style == "list":
        start, end, entry = "return [", "]", "{gradient}"
    else:
        start, end, entry = "return {", "}", '"{key}": {gradient}'

    def text(names: list[str]) -> str:
        pairs = zip(keys, names, strict=True)
        entries = (entry.format(key=key, gradient=name) for key, name in pairs)
        return start + ", ".join(entries) + end

    slips: Slips = {}
    for index, key in enumerate(keys):
        other = swapped(recipe, say, key)
        if other is not None:
            names = list(gradients)
            names[index] = say.gradient(other)
            slips[Slip("bias of another layer", f"{key} returned")] = text(names)
    return [Line(text(gradients), slips)]


# Functions


def function_lines(recipe: Recipe, say: Spelling) -> Lines:
    """forward(p), loss(p) and gradients(p) with the parameters in a dict or a list."""
    own = own_parameters(recipe, say)
    keys = [key for key, _ in own]
    lines = data_lines(recipe, say)
    if recipe.style == "list":
        lines += plain(*(f"{key} = {source}" for key, source in own))
        lines += plain(f"parameters = [{', '.join(keys)}]")
    else:
        entries = "".join(f'\n    "{key}": {source},' for key, source in own)
        lines += plain(f"parameters = {{{entries}\n}}")
    unpack = unpacked(recipe, keys)

    states = [say.z(layer) for layer in range(1, recipe.depth + 1) if not say.inline]
    states += [say.a(layer) for layer in range(1, recipe.depth + 1)]
    if recipe.keep < 1:
        states += [say.mask, say.fed(2)]
    if recipe.skip:
        states.append(say.fed(recipe.skip + 1))
    cache = ", ".join(states)
    forward = unpack + forward_lines(recipe, say)
    loss, backward = loss_lines(recipe, say), backward_lines(recipe, say)
    whole = say.rng.random() < 0.3  # the forward pass written in both functions
    if whole:
        before, before_backward = list(forward), list(forward)
    else:
        lines += plain("", "", "def forward(p):")
        lines += indented([*forward, *plain(f"return {cache}")])
        before = plain(f"{cache} = forward(p)") + (unpack if recipe.penalty else [])
        before_backward = plain(f"{cache} = forward(p)") + unpack
    lines += plain("", "", "def loss(p):") + indented(before + loss)
    name = "backward" if recipe.style == "arrays" else "gradients"
    lines += plain("", "", f"def {name}(p):")
    lines += indented(before_backward + backward + returned(recipe, say, keys))
    if recipe.style == "arrays":
        lines += plain("", "", "gradients = backward(parameters)")
    return lines


def unpacked(recipe: Recipe, keys: list[str]) -> Lines:
    if recipe.style == "direct":
        return []
    names = ", ".join(keys) + ("," if len(keys) == 1 else "")
    if recipe.style == "list":
        return plain(f"{names} = p")
    values = ", ".join(f'p["{key}"]' for key in keys)
    return plain(f"{', '.join(keys)} = {values}")


# A class


def class_lines(recipe: Recipe, say: Spelling) -> Lines:
    """A class with self.W1, forward and backward, and two functions that put parameters in."""
    own = own_parameters(recipe, say)
    keys = [key for key, _ in own]
    data, targets = say.data, say.targets
    lines = data_lines(recipe, say)
    shuffled = f"{data}[:, ::-1]" if recipe.columns else f"{data}[::-1]"
    lines += plain(f"{data}_test = {shuffled} * 0.5 + 0.25", "", "")
    body: Lines = plain("def __init__(self):")
    body += indented(plain(*(f"self.{key} = {source}" for key, source in own)))
    body += plain("", f"def forward(self, {data}):")
    body += indented([*forward_lines(recipe, say), *plain(f"return {say.output}")])
    body += plain("", f"def loss(self, {data}, {targets}):")
    body += indented(plain(f"self.forward({data})") + loss_lines(recipe, say))
    body += plain("", f"def backward(self, {data}, {targets}):")
    body += indented(backward_lines(recipe, say) + returned(recipe, say, keys))
    lines += plain("class Network:") + indented(body)

    entries = ", ".join(f'"{key}": net.{key}' for key in keys)
    put = [f'net.{key} = p["{key}"]' for key in keys]
    lines += plain("", "", "net = Network()", f"parameters = {{{entries}}}")
    lines += plain("", "", "def loss(p):")
    lines += indented(plain(*put, f"return net.loss({data}, {targets})"))
    lines += plain("", "", "def gradients(p):")
    lines += indented(
        [
            *plain(*put, f"net.forward({data})"),
            Line(None, {STALE: f"net.forward({data}_test)"}),
            *plain(f"return net.backward({data}, {targets})"),
        ]
    )
    return lines
