"""The doctor: why a network does not learn, proved by an experiment; silent about the healthy."""

from chainrule.doctor.case import Case, case_of
from chainrule.doctor.diagnose import diagnose, diagnose_case
from chainrule.doctor.diagnosis import Diagnosis
from chainrule.doctor.finding import Experiment, Finding, Prescription
from chainrule.doctor.watching import Doctor

__all__ = [
    "Case",
    "Diagnosis",
    "Doctor",
    "Experiment",
    "Finding",
    "Prescription",
    "case_of",
    "diagnose",
    "diagnose_case",
]
