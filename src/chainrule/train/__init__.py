"""Training: the step as a graph, the loop over epochs, its history and its callbacks."""

from chainrule.train.callbacks import Callback, EarlyStopping, Progress, Snapshots
from chainrule.train.fit import fit
from chainrule.train.history import History
from chainrule.train.loop import Training

__all__ = ["Callback", "EarlyStopping", "History", "Progress", "Snapshots", "Training", "fit"]
