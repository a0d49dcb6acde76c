"""Charts: round ticks, nothing lost, nothing outside, and odd values survived."""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
import zlib

import matplotlib.image
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.report.charts.bars import Bar, bars, intervals
from chainrule.report.charts.cells import cells
from chainrule.report.charts.frame import Axis, Frame, around, decades, steps, tick_text
from chainrule.report.charts.lines import MOST_POINTS, Line, _thinned, lines
from chainrule.report.charts.pixels import png
from chainrule.report.charts.points import Point, against, histogram, scatter

finite = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(finite, finite)
def test_ticks_are_round_inside_and_not_too_many(a, b):
    low, high = sorted((a, b))
    assume(high - low > 1e-9 * max(abs(low), abs(high), 1e-6))
    found = steps(low, high)
    assert 1 <= len(found) <= 7
    gap = (high - low) * 1e-6
    assert low - gap <= found[0] <= found[-1] <= high + gap


def test_ticks_of_known_ranges():
    assert steps(0, 100) == [0, 20, 40, 60, 80, 100]
    assert [tick_text(v) for v in steps(-0.3, 0.3)] == [
        "−0.3",
        "−0.2",
        "−0.1",
        "0",
        "0.1",
        "0.2",
        "0.3",
    ]
    assert decades(0.0005, 30) == pytest.approx([0.001, 0.01, 0.1, 1, 10])
    assert len(decades(1e-30, 1e30)) <= 7
    assert decades(2.0, 3.0) == pytest.approx([2, math.sqrt(6), 3])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1234567.0, "1.23e6"), (-0.00001, "−1e-5"), (12345, "12,345"), (0.25, "0.25")],
)
def test_ticks_are_short(value, text):
    assert tick_text(value) == text


@given(st.lists(finite, min_size=1, max_size=5), st.booleans())
def test_an_axis_holds_its_values(values, zero):
    low, high = around(values, zero=zero)
    assert low < high
    assert low <= min(values)
    assert max(values) <= high
    assert not zero or low <= 0 <= high


def coordinates(svg, kind):
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    return [e for e in root.iter() if kind in (e.get("class") or "").split()]


@given(st.lists(st.one_of(finite, st.just(math.nan), st.just(math.inf)), min_size=1, max_size=40))
def test_any_curve_is_drawn_inside_of_its_frame(values):
    points = [(float(k), value) for k, value in enumerate(values)]
    svg = lines([Line("loss", points)], "epoch", "loss", "a curve")
    if not np.isfinite(values).any():
        assert svg == ""
        return
    # The other one is the legend's.
    (path,) = [e for e in coordinates(svg, "line") if "h26" not in e.get("d", "")]
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d") or "")]
    assert all(0 <= n <= 600 for n in numbers)
    drawn = len(numbers) // 2 + len(coordinates(svg, "dot"))
    assert drawn == np.isfinite(values).sum()


def test_a_long_curve_is_thinned_and_keeps_its_spikes():
    values = np.zeros(5000)
    values[[1234, 4321]] = 9, -7
    kept = _thinned([(float(k), v) for k, v in enumerate(values)])
    assert len(kept) <= MOST_POINTS + 2
    assert {(1234.0, 9.0), (4321.0, -7.0), (0.0, 0.0), (4999.0, 0.0)} <= set(kept)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


def test_a_loss_of_many_sizes_is_drawn_on_a_log_scale():
    points = [(float(k), 10.0**-k) for k in range(6)]
    assert "loss (log scale)" in lines([Line("a", points)], "epoch", "loss", "alt")
    assert "log scale" not in lines([Line("a", points[:2])], "epoch", "loss", "alt")


def test_bars_begin_at_zero_and_reach_their_values():
    svg = bars([Bar("a", 4.0, "4"), Bar("b", -2.0, "−2", (-3.0, -1.0))], "value", "name", "alt")
    up, down = coordinates(svg, "bar")
    begin = {float(up.get("x")), float(down.get("x")) + float(down.get("width"))}
    assert max(begin) - min(begin) < 0.2
    assert float(up.get("width")) == pytest.approx(2 * float(down.get("width")), abs=0.3)
    assert len(coordinates(svg, "whisker")) == 1


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-12])
def test_bars_and_points_that_are_all_alike(value):
    for svg in (
        bars([Bar("a", value)], "v", "n", "alt"),
        intervals([Bar("a", value, "w", (value, value))], "v", "n", "alt"),
        histogram(np.array([value] * 4), "v", "row", "alt"),
        scatter([Point(value, value)], "x", "y", "alt"),
        against([Point(value, value)], "x", "y", "alt"),
        cells(np.full((2, 3), value), "column", "row", "value", "alt"),
    ):
        assert ET.fromstring(svg) is not None
        assert "nan" not in svg
        assert "inf" not in svg


def test_a_histogram_counts_every_value():
    values = np.random.default_rng(0).normal(size=321)
    svg = histogram(values, "value", "row", "alt")
    counts = [int(n.replace(",", "")) for n in re.findall(r": ([\d,]+) rows?</title>", svg)]
    assert sum(counts) == 321


def test_names_are_escaped_and_long_ones_cut():
    svg = bars([Bar("<b>&" + "x" * 40, 1.0)], "v", "n", 'an "alt" <text>')
    root = ET.fromstring(svg)
    assert root.get("aria-label") == 'an "alt" <text>'
    assert any((e.text or "").endswith("x…") for e in root.iter())
    assert any(
        (e.text or "").startswith("<b>&xxx") and "x" * 40 in (e.text or "") for e in root.iter()
    )


def test_a_scale_is_linear_or_logarithmic():
    frame = Frame(Axis("x", 0, 10), Axis("y", 1, 100, is_log=True))
    assert frame.across(5) == pytest.approx((frame.across(0) + frame.across(10)) / 2)
    assert frame.up(10) == pytest.approx((frame.up(1) + frame.up(100)) / 2)


@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3)])
def test_png_holds_the_pixels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    data = png(pixels)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    start = data.index(b"IDAT")
    size = int.from_bytes(data[start - 4 : start], "big")
    rows = zlib.decompress(data[start + 4 : start + 4 + size])
    wanted = pixels.reshape(shape[0], -1)
    found = np.frombuffer(rows, np.uint8).reshape(shape[0], -1)
    assert (found[:, 0] == 0).all()
    assert np.array_equal(found[:, 1:], wanted)
    read = matplotlib.image.imread(io.BytesIO(data), format="png")
    assert np.array_equal((255 * read).round(), pixels)
