"""Populations: many networks trained side by side, each as ``fit`` alone would train it."""

from chainrule.train.populations.many import fit_many
from chainrule.train.populations.population import Band, Population

__all__ = ["Band", "Population", "fit_many"]
