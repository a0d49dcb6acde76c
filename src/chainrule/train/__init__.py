"""Training: the step as a graph, the loop over epochs, its history and its callbacks."""

from chainrule.train.callbacks import Callback, EarlyStopping, Progress, Snapshots
from chainrule.train.checkpoint import Checkpoint
from chainrule.train.event_files import TensorBoard
from chainrule.train.fit import fit
from chainrule.train.history import History
from chainrule.train.loop import Training
from chainrule.train.populations import Band, Population, fit_many
from chainrule.train.tracking import MLflow

__all__ = [
    "Band",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "MLflow",
    "Population",
    "Progress",
    "Snapshots",
    "TensorBoard",
    "Training",
    "fit",
    "fit_many",
]
