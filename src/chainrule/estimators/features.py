"""A trained network as a transformer: what its last hidden layer says is a set of features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin

from chainrule.estimators.build import dense_names
from chainrule.graph.op import Array
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential


class HiddenFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin):  # type: ignore[misc]
    """Gives estimators ``transform`` and ``fit_transform``, and with them ``set_output``."""

    nets_: list[Sequential]
    engine: str

    def transform(self, X: Any) -> Array:
        """What the last Dense layer takes in: the features that the network has learnt.

        Args:
            X: (n, features).

        Returns:
            (n, units of the last hidden layer); of an ensemble, those of one network after the
            other. After ``set_output(transform="pandas")`` a table, with the columns of
            ``get_feature_names_out()``.
        """
        return self._mapped(X, self._hidden)

    def _mapped(self, X: Any, function: Callable[[Array], Array]) -> Array:
        """``function`` of the rows of ``X``, checked, perhaps some of them at a time."""
        raise NotImplementedError

    def _hidden(self, X: Array) -> Array:
        return np.concatenate([_hidden_of(net, X, self.engine) for net in self.nets_], axis=1)

    @property
    def _n_features_out(self) -> int:
        """How many features there are, as scikit-learn's mixin asks it."""
        return sum(net.parameters[dense_names(net)[-1][0]].shape[0] for net in self.nets_)


def _hidden_of(net: Sequential, X: Array, engine: str) -> Array:
    """The outputs of what stands before the last Dense: the same layers, the same arrays."""
    before = max(i for i, layer in enumerate(net.layers) if isinstance(layer, Dense))
    if not before:
        return X
    hidden = Sequential(*net.layers[:before], dtype=net.dtype).build(X.shape[1:])
    hidden.parameters = {name: net.parameters[name] for name in hidden.parameters}
    hidden.statistics = {name: net.statistics[name] for name in hidden.statistics}
    return hidden.predict(X, engine=engine)
