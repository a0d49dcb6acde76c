"""What every figure must satisfy, whatever it shows."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread


def _is_colour_bar(ax) -> bool:
    return hasattr(ax, "_colorbar")


def _is_tile(ax) -> bool:
    return bool(ax.images) and not len(ax.get_xticks()) and not len(ax.get_yticks())


@pytest.fixture
def check_figure(tmp_path, monkeypatch) -> Callable[[Figure], np.ndarray]:
    """Check labels, titles and arrangement, save without a screen, and return the pixels."""
    monkeypatch.delenv("DISPLAY", raising=False)

    def check(figure: Figure, *, own: bool = True) -> np.ndarray:
        assert type(figure) is Figure
        assert figure.axes
        for ax in figure.axes:
            if _is_colour_bar(ax):
                assert ax.get_ylabel() or ax.get_xlabel()
            elif _is_tile(ax):
                assert figure.get_supxlabel()
                assert figure.get_supylabel()
                assert ax.get_title()
            else:
                assert ax.get_xlabel()
                assert ax.get_ylabel()
                assert ax.get_title()
        if own:
            assert figure.get_layout_engine().__class__.__name__ == "ConstrainedLayoutEngine"
        return save(figure)

    def save(figure: Figure) -> np.ndarray:
        path = tmp_path / "figure.png"
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=60)
        pixels = imread(io.BytesIO(path.read_bytes()))
        assert pixels[..., :3].var() > 0
        return pixels

    return check


@pytest.fixture
def texts() -> Callable[[Figure], str]:
    """All the words of a figure, but tick labels, in one string."""
    from matplotlib.text import Text

    return lambda figure: " | ".join(t.get_text() for t in figure.findobj(Text) if t.get_text())
