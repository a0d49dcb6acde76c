"""Repairs in the words of the library whose model is diagnosed: what its user can type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chainrule.doctor.adapters.sklearn_mlp import strict_rules
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.doctor.finding import Finding

#: A pattern in the text of a repair of ours, and what stands in its place.
Table = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]

_EPOCHS = r"epochs=(\d+), or callbacks=\[cr\.EarlyStopping\(\)\], which keeps the best"
_ANOTHER_START = r"fit\(\.\.\., seed=(\d+)\), or restarts=10 to have it done"
_PREDICTIONS = r"predictions are net\.predict\(X\)"
_HIDDEN = r"Dense\(units, '(\w+)'\) for the hidden layers"
_WIDER = r"(\d+) times as many units in the hidden layers, at least (\d+)"
_LAST = r"Dense\(units, (?:'(\w+)'|None)\) as the last layer"
_BEHIND = r", and no activation behind it"
_AXIS = r": it divides by the sum of each row"
_INIT = r"leave out (?:weight_init=|bias_init=)[^;]*"


def in_words_of(model: Any, options: dict[str, Any], found: Diagnosis) -> Diagnosis:
    """The diagnosis, with repairs as the library of ``model`` has them; else as it is.

    Args:
        options: those given to ``diagnose``, whose loss is meant by repairs of the outputs.
    """
    library = type(model).__module__.split(".")[0]
    if library == "sklearn":
        stops = model.solver != "lbfgs" and model.n_iter_no_change < model.max_iter
        if stops and not strict_rules(model):
            note = "where tol ends the training: max_iter epochs are trained"
            found = replace(found, not_judged=(*found.not_judged, note))
        words = _of_sklearn(model)
    elif library == "torch":
        words = _of_torch(type(options.get("loss")).__name__)
    else:
        return found
    return replace(found, findings=tuple(_reworded(finding, words) for finding in found.findings))


def _reworded(finding: Finding, words: Table) -> Finding:
    proof, cure = finding.experiment, finding.prescription
    return replace(
        finding,
        repair=_told(finding.repair, words),
        prescription=cure and replace(cure, text=_told(cure.text, words)),
        experiment=proof and replace(proof, changed=_told(proof.changed, words)),
    )


def _told(text: str, words: Table) -> str:
    for pattern, told in words:
        text = re.sub(pattern, told, text)
    return text


def _of_sklearn(model: Any) -> Table:
    sizes = model.hidden_layer_sizes
    units = tuple(sizes) if hasattr(sizes, "__iter__") else (sizes,)
    penalty = float(model.alpha)

    def wider(match: re.Match[str]) -> str:
        more = tuple(max(int(match[2]), int(match[1]) * int(size)) for size in units)
        return f"hidden_layer_sizes={more}"

    def epochs(match: re.Match[str]) -> str:
        rules = strict_rules(model)
        more = int(match[1]) * int(model.n_iter_ if rules else model.max_iter)
        kept = f", tol=0, n_iter_no_change={more}, early_stopping=False"
        return f"max_iter={more}{kept if rules else ''}"

    def decay(match: re.Match[str]) -> str:
        return "alpha=0.0" if float(match[1]) == 0 else f"alpha={penalty / 100:.3g}"

    return (
        (r"\blearning_rate=", "learning_rate_init="),
        (r"\bweight_decay=([\d.e+-]+\d|\d)", decay),
        (_EPOCHS, r"max_iter=\1, or early_stopping=True"),
        (r"(\d+) times the epochs", epochs),
        (_ANOTHER_START, "another random_state: try some"),
        (_PREDICTIONS, "predictions are model.predict(X)"),
        (_HIDDEN, r"activation='\1'"),
        (r"activation='sigmoid'", "activation='logistic'"),
        (_WIDER, wider),
        (
            r"Dense\((\d+), 'tanh'\) before the last layer",
            r"hidden_layer_sizes=(\1,), activation='tanh'",
        ),
        (r"shuffle the rows in every epoch \(fit does it\)", "shuffle=True"),
        (r"leave out schedule=", "learning_rate='constant'"),
        (_INIT, "fit it anew, with the weights that it draws itself"),
    )


def _of_torch(loss: str) -> Table:
    """The table for a model that is trained with the loss of this class."""
    is_inside = {"CrossEntropyLoss": "softmax", "BCEWithLogitsLoss": "sigmoid"}
    modules = {
        "tanh": "nn.Tanh()", "relu": "nn.ReLU()", "sigmoid": "nn.Sigmoid()", "gelu": "nn.GELU()",
        "leaky_relu": "nn.LeakyReLU()", "softmax": "nn.Softmax(dim=1)", "silu": "nn.SiLU()",
        "elu": "nn.ELU()", "softplus": "nn.Softplus()",
    }  # fmt: skip
    losses = {
        "cross_entropy": "nn.CrossEntropyLoss(), with no nn.Softmax before it",
        "binary_cross_entropy": "nn.BCEWithLogitsLoss(), with no nn.Sigmoid before it",
    }

    def measured(match: re.Match[str]) -> str:
        # A loss of values is replaced only where it broadcasts.
        if loss in ("MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss"):
            return "y = y.reshape(-1, 1), the shape of the outputs"
        return f"loss={losses.get(match[1], match[1])}"

    def last(match: re.Match[str]) -> str:
        name = match[1]
        if name is None or is_inside.get(loss) == name:
            own = f": {loss} applies {name} itself" if name is not None else ""
            return f"nn.Linear as the last module, with no activation behind it{own}"
        return f"{modules.get(name, name)} behind the last nn.Linear, and nothing else"

    def hidden(match: re.Match[str]) -> str:
        return f"{modules.get(match[1], match[1])} behind each hidden nn.Linear"

    return (
        (r"\blearning_rate=", "lr="),
        (r"Dense\(units, '(?:softmax|sigmoid)'\) as the last layer, and loss='(\w+)'",
         lambda match: f"loss={losses[match[1]]}"),
        (_BEHIND, ""),
        (_AXIS, ""),
        (_LAST, last),
        (r"loss='(\w+)'", measured),
        (_EPOCHS, r"\1 epochs, keeping the state_dict of the best"),
        (_ANOTHER_START, "torch.manual_seed(...) with another seed, before the model is made"),
        (_PREDICTIONS, "predictions are model(X)"),
        (_HIDDEN, hidden),
        (r"Dense\((\d+), 'tanh'\) before the last layer",
         r"nn.Linear(..., \1), nn.Tanh() before the last nn.Linear"),
        (r"cr\.Dropout\(", "nn.Dropout("),
        (r"shuffle the rows in every epoch \(fit does it\)", "DataLoader(..., shuffle=True)"),
        (_INIT, "leave out your own nn.init: nn.Linear then starts as suits it"),
        # For arrays and tensors alike.
        (r"np\.where\(spread > 0, spread, 1\)", "(spread + (spread == 0))"),
    )  # fmt: skip
