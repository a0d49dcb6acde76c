"""A recurrent network: the same weights in every step, so their gradients are sums."""

from __future__ import annotations

from mutants.backward import ANOTHER, MISSING_DERIVATIVE, QUANTITY
from mutants.recipes import Recipe
from mutants.spelling import Spelling
from mutants.text import Line, Lines, Slip, plain

REUSED = "reused node overwritten"


def write_recurrent(recipe: Recipe, say: Spelling) -> Lines:
    """h = tanh(x Wx + h Wh + b) over three steps, and a linear output from the last h."""
    inputs, hidden, outputs = recipe.sizes
    m, half = recipe.m, recipe.factor == 1
    scale = "" if half else "2 * "
    wrong_scale = "2 * " if half else ""
    averaged = Slip("bias averaged", "by", frozenset({"doubled 1/m"}))
    last = Slip(REUSED, "first step's only")

    def summed(name: str, right: str) -> Line:
        own = Slip(REUSED, f"{name} of the first step only")
        overwritten = f"        {name} = {right}"
        return Line(f"        {name} += {right}", {last: overwritten, own: overwritten})

    return [
        *plain("import numpy as np", "", f"np.random.seed({recipe.seed % 1000})"),
        *plain("steps = 3", f"X = np.random.randn(steps, {m}, {inputs})"),
        *plain(f"y = np.random.randn({m}, {outputs})", "parameters = {"),
        *plain(f'    "Wx": np.random.randn({inputs}, {hidden}) * 0.5,'),
        *plain(f'    "Wh": np.random.randn({hidden}, {hidden}) * 0.5,'),
        *plain(f'    "bh": np.zeros({hidden}),'),
        *plain(f'    "Wy": np.random.randn({hidden}, {outputs}),'),
        *plain(f'    "by": np.zeros({outputs}),', "}"),
        *plain("", "", "def forward(p):", f"    h = [np.zeros(({m}, {hidden}))]"),
        *plain("    for s in range(steps):"),
        *plain('        h.append(np.tanh(X[s] @ p["Wx"] + h[-1] @ p["Wh"] + p["bh"]))'),
        *plain('    return h, h[-1] @ p["Wy"] + p["by"]'),
        *plain("", "", "def loss(p):", "    h, out = forward(p)"),
        *plain(f"    return {'0.5 * ' if half else ''}np.sum((out - y) ** 2) / {m}"),
        *plain("", "", "def gradients(p):", "    h, out = forward(p)"),
        Line(
            f"    dout = {scale}(out - y) / {m}",
            {
                Slip("missing 1/m", "everywhere"): f"    dout = {scale}(out - y)",
                Slip("wrong sign", "everywhere"): f"    dout = {scale}(y - out) / {m}",
                Slip("factor 2" if half else "factor 1/2"): (
                    f"    dout = {wrong_scale}(out - y) / {m}"
                ),
            },
        ),
        *plain("    dWy = h[-1].T @ dout"),
        Line(
            "    dby = dout.sum(axis=0)",
            {averaged: "    dby = dout.mean(axis=0)"},
        ),
        *plain('    dWx, dWh = np.zeros_like(p["Wx"]), np.zeros_like(p["Wh"])'),
        *plain('    dbh = np.zeros_like(p["bh"])', '    dh = dout @ p["Wy"].T'),
        *plain("    for s in reversed(range(steps)):"),
        Line(
            "        dz = dh * (1 - h[s + 1] ** 2)",
            {
                Slip(MISSING_DERIVATIVE, "every step"): "        dz = dh",
                Slip(QUANTITY, "an earlier step"): "        dz = dh * (1 - h[s] ** 2)",
                Slip(ANOTHER, "sigmoid's"): "        dz = dh * h[s + 1] * (1 - h[s + 1])",
            },
        ),
        summed("dWx", "X[s].T @ dz"),
        summed("dWh", "h[s].T @ dz"),
        summed("dbh", "dz.sum(axis=0)"),
        Line(
            '        dh = dz @ p["Wh"].T',
            {Slip("weight not transposed", "Wh"): '        dh = dz @ p["Wh"]'},
        ),
        *plain('    return {"Wx": dWx, "Wh": dWh, "bh": dbh, "Wy": dWy, "by": dby}'),
    ]
