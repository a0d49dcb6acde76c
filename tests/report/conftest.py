"""A report of each kind, made once: of classes, of two classes, of numbers, of pictures."""

from __future__ import annotations

import pytest
from report_pages import Page, classifier, pictures, plane, regressor

from chainrule.report import Report


@pytest.fixture(scope="session")
def reports() -> dict[str, Report]:
    """A report of each kind."""
    return {
        "classes": classifier(3, class_names=["red", "green", "blue"], command="python train.py"),
        "two": classifier(2, class_names=["no", "yes"]),
        "plane": plane(),
        "numbers": regressor(),
        "pictures": pictures(title="Digits"),
    }


@pytest.fixture(scope="session")
def pages(reports: dict[str, Report]) -> dict[str, Page]:
    """The same, taken apart."""
    return {kind: Page(report.html) for kind, report in reports.items()}
