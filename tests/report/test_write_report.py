"""write_report: what it takes, what it writes, and what it says of what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from report_pages import Page

import chainrule as cr
from chainrule.errors import DataError, OptionError, ShapeError

X = np.random.default_rng(0).normal(size=(30, 2))
LABELS = np.arange(30) % 3


def three():
    return cr.Sequential(cr.Dense(3, "softmax")).build(2)


def two():
    return cr.Sequential(cr.Dense(1, "sigmoid")).build(2)


def number():
    return cr.Sequential(cr.Dense(1)).build(2)


def test_it_writes_a_file_and_gives_the_page(tmp_path):
    report = cr.write_report(three(), X, LABELS, tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == report.html
    assert repr(report).startswith("<Report: accuracy 0.")
    report.save(tmp_path / "b.html")
    assert (tmp_path / "b.html").read_bytes() == (tmp_path / "a.html").read_bytes()


def test_the_default_is_report_html_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cr.write_report(two(), X, LABELS == 1)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("net", "y"),
    [
        (three(), LABELS),
        (three(), LABELS[:, None]),
        (three(), np.eye(3)[LABELS]),
        (three(), LABELS.astype(float)),
        (two(), LABELS == 1),
        (two(), (LABELS == 1)[:, None].astype(float)),
        (number(), X[:, 0]),
        (number(), X[:, :1]),
    ],
)
def test_labels_and_numbers_come_as_evaluate_takes_them(net, y):
    found = cr.write_report(net, X, y, None).judgement.network.chief.value
    metric = "r2" if net.last_activation is None else "accuracy"
    assert found == pytest.approx(net.evaluate(X, y, metrics=metric)[metric], abs=1e-6)


def test_several_outputs_have_their_own_charts():
    net = cr.Sequential(cr.Dense(6)).build(2)
    y = X @ np.random.default_rng(1).normal(size=(2, 6))
    page = Page(cr.write_report(net, X, y, None, target="shift").html)
    told = page.section("residuals")
    assert "predicted shift 4" in told
    assert "The first 4 of 6 outputs are shown." in told


def test_very_many_classes_are_told_of_in_part():
    net = cr.Sequential(cr.Dense(300, "softmax")).build(2)
    y = np.arange(600) % 300
    rows = np.random.default_rng(0).normal(size=(600, 2))
    report = cr.write_report(net, rows, y, None, training=(rows, y))
    told = Page(report.html).section("confusion")
    assert "Of 300 classes these 50 have the lowest F₁." in told
    assert "diagonal" not in told
    assert len(report.html) < 150_000


def test_an_image_network_takes_images():
    rng = np.random.default_rng(0)
    images = rng.random((40, 6, 5))
    net = cr.Sequential(cr.Flatten(), cr.Dense(2, "softmax")).build((6, 5))
    report = cr.write_report(net, images, np.arange(40) % 2, None, image_shape=(6, 5))
    assert len(Page(report.html).all("img")) == 12


def test_few_and_constant_rows_are_no_trouble():
    for net, y in ((number(), [3.0, 3.0, 3.0]), (three(), [0, 0, 0]), (two(), [1, 1, 1])):
        for rows in (1, 2, 3):
            data = (X[:rows], np.array(y[:rows]))
            report = cr.write_report(net, *data, None, training=data)
            assert Page(report.html).open == []


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"path": "report.pdf"}, OptionError, "must end with .html, and this is 'report.pdf'"),
        ({"path": "nowhere/a.html"}, OptionError, "there is no folder"),
        ({"X": X[:, :1]}, ShapeError, r"the network takes samples of shape \(2,\)"),
        ({"y": LABELS[:4]}, ShapeError, r"X has 30 rows and y has shape \(4,\)"),
        ({"y": LABELS + 1}, DataError, "labels from 0 to 2; given were 1, 2, 3"),
        ({"y": np.array(["a", "b", "c"] * 10)}, DataError, "np.unique.* class_names=labels"),
        ({"class_names": ["a", "b"]}, OptionError, "class_names has 2 names for 3 classes"),
        ({"feature_names": "x"}, OptionError, "feature_names has 1 names for 2 numbers a row"),
        ({"image_shape": (3, 3)}, OptionError, r"image_shape \(3, 3\) has not the 2 numbers"),
        ({"history": "history.csv"}, OptionError, "history is what net.fit returned.* got str"),
        ({"training": (X, LABELS[:3])}, ShapeError, "X has 30 rows"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, monkeypatch, change, error, text):
    monkeypatch.chdir(tmp_path)
    given = {"X": X, "y": LABELS} | change
    with pytest.raises(error, match=text):
        cr.write_report(three(), given.pop("X"), given.pop("y"), **given)
    assert list(tmp_path.iterdir()) == []


def test_names_of_classes_need_classes():
    with pytest.raises(
        OptionError, match="class_names are given, and the network predicts numbers"
    ):
        cr.write_report(number(), X, X[:, 0], None, class_names=["a", "b"])


def test_a_network_without_parameters_is_told():
    with pytest.raises(ShapeError, match="the network has no parameters yet"):
        cr.write_report(cr.Sequential(cr.Dense(1)), X, X[:, 0], None)


def test_names_of_metrics_keep_their_letters():
    def my_MAPE(predictions, targets):  # noqa: N802 - its capitals are the point
        return float(np.abs(predictions - targets).mean())

    net = number()
    history = net.fit(X, X[:, 0], epochs=2, validation=0.3, metrics=my_MAPE)
    html = cr.write_report(net, X, X[:, 0], None, history=history).html
    assert "My MAPE by epoch. On the validation rows" in html
    assert "My MAPE by epoch, training from" in html
