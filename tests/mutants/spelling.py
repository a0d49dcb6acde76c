"""How people write it: names, products, activations, each in several spellings."""

from __future__ import annotations

import random
from dataclasses import dataclass

from mutants.recipes import Recipe

#: Functions that a program may define at its top, by name.
HELPERS = {
    "sigmoid": "def sigmoid(z):\n    return 1 / (1 + np.exp(-z))",
    "sigmoid_prime": (
        "def sigmoid_prime(z):\n    s = 1 / (1 + np.exp(-z))\n    return s * (1 - s)"
    ),
    "sigmoid_derivative": "def sigmoid_derivative(a):\n    return a * (1.0 - a)",
    "tanh_prime": "def tanh_prime(z):\n    return 1 - np.tanh(z) ** 2",
    "dtanh": "def dtanh(a):\n    return 1.0 - a * a",
    "relu": "def relu(z):\n    return np.maximum(0, z)",
    "relu_prime": "def relu_prime(z):\n    return np.where(z > 0, 1.0, 0.0)",
    "leaky_relu": "def leaky_relu(z):\n    return np.where(z > 0, z, 0.01 * z)",
    "leaky_prime": "def leaky_prime(z):\n    return np.where(z > 0, 1.0, 0.01)",
}

SPELLED = {
    "sigmoid": ("sigmoid({z})", "1 / (1 + np.exp(-{z}))", "1.0 / (1.0 + np.exp(-{z}))"),
    "tanh": (
        "np.tanh({z})",
        "np.tanh({z})",
        "(np.exp({z}) - np.exp(-{z})) / (np.exp({z}) + np.exp(-{z}))",
    ),
    "relu": (
        "np.maximum(0, {z})",
        "np.maximum({z}, 0)",
        "{z} * ({z} > 0)",
        "np.where({z} > 0, {z}, 0)",
        "relu({z})",
    ),
    "leaky": (
        "leaky_relu({z})",
        "np.where({z} > 0, {z}, 0.01 * {z})",
        "np.maximum(0.01 * {z}, {z})",
    ),
}

# Each derivative in terms of z or of a, as its placeholder says.
DERIVATIVES = {
    "sigmoid": (
        "{a} * (1 - {a})",
        "{a} * (1 - {a})",
        "sigmoid_derivative({a})",
        "sigmoid_prime({z})",
    ),
    "tanh": (
        "(1 - {a} ** 2)",
        "(1 - np.power({a}, 2))",
        "dtanh({a})",
        "tanh_prime({z})",
        "(1 - np.tanh({z}) ** 2)",
    ),
    "relu": (
        "({z} > 0)",
        "({a} > 0)",
        "np.where({z} > 0, 1, 0)",
        "relu_prime({z})",
        "({z} > 0).astype(float)",
    ),
    "leaky": ("leaky_prime({z})", "np.where({z} > 0, 1, 0.01)"),
}

#: What people put under an activation that is not its own.
TAKEN_FOR = {
    "sigmoid": ("(1 - {a} ** 2)", "dtanh({a})"),
    "tanh": ("{a} * (1 - {a})", "sigmoid_derivative({a})"),
    "relu": ("{a} * (1 - {a})", "(1 - {a} ** 2)"),
    "leaky": ("({z} > 0)", "(1 - {a} ** 2)"),
}

WEIGHT_NAMES = (("W{}", "b{}"), ("w{}", "b{}"), ("W{}", "B{}"), ("theta{}", "bias{}"))
TWO_LAYERS = (("W_hidden", "W_out"), ("b_hidden", "b_out"))
STATE_NAMES = (("z{}", "a{}"), ("Z{}", "A{}"), ("net{}", "out{}"), ("u{}", "h{}"))
DELTA_NAMES = (("dz{}", "da{}"), ("dZ{}", "dA{}"), ("delta{}", "error{}"), ("d{}", "e{}"))
GRADIENT_NAMES = ("d{}", "grad_{}", "{}_grad")
DATA_NAMES = (("X", "y"), ("X", "Y"), ("x", "t"), ("X", "T"), ("inputs", "targets"))
LOSS_RETURNS = (
    "return {value}",
    "cost = {value}\nreturn cost",
    "cost = {value}\nreturn float(cost)",
    "cost = {value}\nreturn float(np.squeeze(cost))",
)


@dataclass(frozen=True)
class Derivative:
    """The right text, and texts that people write for it."""

    right: str
    wrong_quantity: str
    another: tuple[str, ...]


class Spelling:
    """The words of one program, drawn once, so that a program is written in one hand."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.rng = rng = random.Random(recipe.seed + 1_000_003)
        self.data, self.targets = rng.choice(DATA_NAMES)
        weight, bias = rng.choice(WEIGHT_NAMES)
        depth = recipe.depth
        self.weight_keys = [weight.format(layer) for layer in range(1, depth + 1)]
        self.bias_keys = [bias.format(layer) for layer in range(1, depth + 1)]
        if depth == 2 and rng.random() < 0.2:
            self.weight_keys, self.bias_keys = (list(keys) for keys in TWO_LAYERS)
        self._z, self._a = rng.choice(STATE_NAMES)
        self._dz, self._da = rng.choice(DELTA_NAMES)
        self._gradient = rng.choice(GRADIENT_NAMES)
        self._prediction = rng.choice(("", "", "y_hat", "pred"))
        self.product_style = rng.choice(("@", "@", "dot", "method", "matmul"))
        self.sum_style = rng.choice(("np", "np", "method", "short"))
        self.forward_spelling = {kind: rng.choice(SPELLED[kind]) for kind in SPELLED}
        self.derivative_spelling = {kind: rng.choice(DERIVATIVES[kind]) for kind in DERIVATIVES}
        self.mean_first = rng.random() < 0.5
        self.steady = rng.random() < 0.6  # softmax takes the maximum away
        self.two_lines = rng.random() < 0.4 or recipe.skip > 0 or recipe.keep < 1
        # Dropout by a seeded generator of its own; arrays handed over would have another mask.
        self.own_generator = rng.random() < 0.6 or recipe.style == "arrays"
        self.long_form = rng.random() < 0.3  # cross-entropy by da, not by a - t
        self.loss_return = rng.choices(LOSS_RETURNS, (16, 4, 1, 1))[0]
        self.fraction_first = rng.random() < 0.25  # (1 / m) * ..., not ... / m
        kinds = {*recipe.hidden, recipe.output} & set(SPELLED)
        self.inline = rng.random() < 0.4 and all(
            self.forward_spelling[kind].count("{z}") == 1
            and "{z}" not in self.derivative_spelling[kind]
            for kind in kinds
        )
        self.backwards = rng.random() < 0.3  # (t - a)² in the loss

    # Names

    def weight(self, layer: int) -> str:
        """How a function body speaks of the weight of a layer."""
        return self._parameter(self.weight_keys[self._owner(layer) - 1])

    def bias(self, layer: int) -> str:
        return self._parameter(self.bias_keys[layer - 1])

    def _owner(self, layer: int) -> int:
        return 2 if self.recipe.tied and layer == 3 else layer

    def _parameter(self, key: str) -> str:
        if self.recipe.style == "class":
            return f"self.{key}"
        return f'p["{key}"]' if self.recipe.style == "direct" else key

    def _state(self, name: str) -> str:
        return f"self.{name}" if self.recipe.style == "class" else name

    def z(self, layer: int) -> str:
        return self._state(self._z.format(layer))

    def a(self, layer: int) -> str:
        """What the activation of a layer gives; layer 0 is the data."""
        if layer == 0:
            return self.data
        if layer == self.recipe.depth and self._prediction:
            return self._state(self._prediction)
        return self._state(self._a.format(layer))

    def fed(self, layer: int) -> str:
        """The input of a layer: its predecessor's activation, after dropout or a carried input."""
        if layer == 2 and self.recipe.keep < 1:
            return self._state("dropped")
        if layer > 1 and self.recipe.skip == layer - 1:
            return self._state(f"carried{layer - 1}")
        return self.a(layer - 1)

    @property
    def mask(self) -> str:
        return self._state("mask")

    @property
    def output(self) -> str:
        return self.a(self.recipe.depth)

    def dz(self, layer: int) -> str:
        return self._dz.format(layer)

    def da(self, layer: int) -> str:
        return self._da.format(layer)

    def gradient(self, key: str) -> str:
        return self._gradient.format(key)

    @property
    def samples(self) -> str:
        """The number of samples, as an expression on the data."""
        if self.recipe.columns:
            return f"{self.data}.shape[1]"
        return f"len({self.data})" if self.mean_first else f"{self.data}.shape[0]"

    # Expressions

    def product(self, left: str, right: str) -> str:
        style = self.product_style
        if style == "dot":
            return f"np.dot({left}, {right})"
        if style == "matmul":
            return f"np.matmul({left}, {right})"
        if style == "method" and left.replace(".", "").isidentifier():
            return f"{left}.dot({right})"
        return f"{left} @ {right}"

    def affine(self, a: str, weight: str) -> str:
        """The product of forward, as the samples lie and the weights stand."""
        turned = f"{weight}.T" if self.recipe.flipped else weight
        return self.product(turned, a) if self.recipe.columns else self.product(a, turned)

    def weight_gradient(self, a: str, dz: str, *, transposed: bool = False) -> str:
        samples_first = not self.recipe.columns  # a.T @ dz
        outputs_first = self.recipe.columns != self.recipe.flipped
        if transposed:
            outputs_first = not outputs_first
        left, right = (dz, a) if outputs_first else (a, dz)
        if samples_first:
            return self.product(f"{left}.T", right)
        return self.product(left, f"{right}.T")

    def input_gradient(self, dz: str, weight: str, *, turned: bool = True) -> str:
        """What reaches the layer below. turned=False: the weight not transposed as it must be."""
        weight = weight if self.recipe.flipped == turned else f"{weight}.T"
        return self.product(weight, dz) if self.recipe.columns else self.product(dz, weight)

    @property
    def axis(self) -> int:
        """The axis of the samples."""
        return 1 if self.recipe.columns else 0

    def over_samples(self, what: str, array: str) -> str:
        """np.sum or np.mean over the samples, shaped like the bias."""
        keep = ", keepdims=True" if self.recipe.bias == "matrix" else ""
        if self.sum_style == "np":
            return f"np.{what}({array}, axis={self.axis}{keep})"
        if self.sum_style == "short" and not keep:
            return f"{array}.{what}({self.axis})"
        if self.sum_style == "short":
            shape = "(-1, 1)" if self.recipe.columns else "(1, -1)"
            return f"{array}.{what}({self.axis}).reshape{shape}"
        return f"{array}.{what}(axis={self.axis}{keep})"

    def one_sample(self, array: str) -> str:
        """The first sample only, shaped like the bias."""
        if self.recipe.bias == "matrix":
            return f"{array}[:, :1]" if self.recipe.columns else f"{array}[:1]"
        return f"{array}[:, 0]" if self.recipe.columns else f"{array}[0]"

    def added_bias(self, bias: str) -> str:
        """The bias as it is added to the product."""
        if self.recipe.bias == "none":
            return ""
        if self.recipe.columns and self.recipe.bias == "vector":
            return f" + {bias}[:, None]" if self.mean_first else f" + {bias}.reshape(-1, 1)"
        return f" + {bias}"

    def returned_loss(self, value: str) -> str:
        """The end of the loss function."""
        return self.loss_return.format(value=value)

    def activation(self, kind: str, z: str) -> str:
        return self.forward_spelling[kind].format(z=z)

    def derivative(self, kind: str, z: str, a: str) -> Derivative:
        """The derivative at (z, a), with what else gets written there."""
        spelling = self.derivative_spelling[kind]
        wrong = spelling.format(z=a, a=z)
        if kind in ("relu", "leaky") or (self.inline and "{a}" in spelling):
            wrong = ""  # of no effect, or z has no name
        others = [text for text in TAKEN_FOR[kind] if not (self.inline and "{z}" in text)]
        another = tuple(text.format(z=z, a=a) for text in others)
        return Derivative(spelling.format(z=z, a=a), wrong, another)


def helpers_used(source: str) -> str:
    """The definitions of those helpers that a program calls."""
    used = [text for name, text in HELPERS.items() if f"{name}(" in source]
    return "".join(f"\n\n{text}\n" for text in used)
