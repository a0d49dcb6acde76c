"""Adapters: models of other libraries as equal networks of ours, to be diagnosed like those."""

from __future__ import annotations

from typing import Any

from chainrule.errors import OptionError
from chainrule.nn.sequential import Sequential

__all__ = ["adapted"]


def adapted(
    model: Any, X: Any, y: Any, options: dict[str, Any]
) -> tuple[Sequential, Any, Any, dict[str, Any]]:
    """The network, data and options of ``diagnose`` that are equal to what was given.

    A scikit-learn ``MLPClassifier`` or ``MLPRegressor`` brings its own rate, batch and epochs; a
    ``torch.nn.Sequential`` its weights, and takes ``loss=`` and ``optimizer=`` of PyTorch. Nothing
    of either is changed, and neither library is imported by this.

    Raises:
        OptionError: it is neither a network nor a model that can be made one.
    """
    if isinstance(model, Sequential):
        return model, X, y, options
    library = type(model).__module__.split(".")[0]
    if library in ("sklearn", "torch") and (X is None or y is None):
        raise OptionError("diagnose needs the data too: cr.diagnose(model, X, y, ...).")
    if hasattr(X, "toarray") or hasattr(y, "toarray"):
        raise OptionError("diagnose takes arrays, got a sparse matrix: write X.toarray().")
    if library == "sklearn" and hasattr(model, "hidden_layer_sizes"):
        from chainrule.doctor.adapters.sklearn_mlp import of_mlp

        return of_mlp(model, X, y, options)
    if library == "torch" and type(model).__name__ == "Sequential":
        from chainrule.doctor.adapters.torch_sequential import of_torch

        return of_torch(model, X, y, options)
    raise OptionError(
        f"diagnose takes a network, cr.Sequential(...), got {type(model).__name__}. An "
        "MLPClassifier or MLPRegressor of scikit-learn and a torch.nn.Sequential are taken too. "
        "For a program of your own give step=, forward=, parameters= and data=."
    )
