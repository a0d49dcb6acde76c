"""The report of a run: one HTML page that needs no network, no script and no other file."""

from chainrule.report.report import Report
from chainrule.report.writing import write_report

__all__ = ["Report", "write_report"]
