"""Probes: what is computed about a case, each at most once and only when it is asked for."""

from chainrule.doctor.probes.probes import Probes

__all__ = ["Probes"]
