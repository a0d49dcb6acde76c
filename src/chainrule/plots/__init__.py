"""Matplotlib figures of nets and of their training.

Every function returns a ``matplotlib.figure.Figure`` and opens no window, so that all of them work
without a screen: save one with ``figure.savefig("curves.png", dpi=120)``. In a notebook, run
``%matplotlib inline`` once, and a figure at the end of a cell is shown. Many functions also take
``ax``, an Axes of your own to draw into.

Matplotlib is imported when the first figure is drawn: ``pip install 'chainrule[plot]'``.
"""

from __future__ import annotations

from chainrule.plots.activations import activation, activations
from chainrule.plots.curves import curves
from chainrule.plots.descent import descent_path
from chainrule.plots.mistakes import confusion_matrix, mistakes
from chainrule.plots.populations import population_curves
from chainrule.plots.regions import decision_regions
from chainrule.plots.weights import first_layer_weights, parameter_histograms

__all__ = [
    "activation",
    "activations",
    "confusion_matrix",
    "curves",
    "decision_regions",
    "descent_path",
    "first_layer_weights",
    "mistakes",
    "parameter_histograms",
    "population_curves",
]
