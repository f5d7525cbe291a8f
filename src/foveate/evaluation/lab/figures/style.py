"""How figures look, and how they become SVG inside a page of either colour scheme, SVG files and PNG files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from foveate.core import FoveateError

INK, MUTED, LINE = "#18212f", "#5f6b7a", "#d5dbe3"
"""Text, lesser text, lines; a page replaces them by its own."""
COLORS = ("#3f7fd6", "#e0803a", "#2f9e83", "#8e63d6", "#cf4a62", "#8b95a1", "#b58a12", "#5c9f3c")
"""Of contenders, in their order; apart in lightness too, and legible on white and on near black."""
STAGE_COLORS = ("#7fb2e5", "#3f7fd6", "#f0b46a", "#cf4a62", "#a9b4c0")
"""Of encode, uplink, decode, inference, downlink."""
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": 9.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.8,
    "ytick.labelsize": 8.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A figure and what is said of it."""

    name: str
    """Of its files."""
    title: str
    caption: str
    figure: Any
    """A figure of matplotlib."""

    @cached_property
    def svg(self) -> str:
        """A whole SVG document; the same bytes for the same data."""
        text = StringIO()
        with _drawing(self.name):
            self.figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
        return text.getvalue()

    def inline_svg(self) -> str:
        """For a page: its text, colours of text and lines, and fonts are the page's."""
        text = self.svg
        text = text[text.index("<svg") :]
        for color, name in ((INK, "ink"), (MUTED, "muted"), (LINE, "line")):
            text = text.replace(color, f"var(--{name})")
        text = re.sub(r'<g id="[^"]*"', "<g", text)  # the same in every figure
        text = re.sub(r"font: (\w+ )?([\d.]+px) '[^;\"]*", r"font: \1\2 var(--sans)", text)
        text = re.sub(r'<svg ([^>]*?)width="[\d.]+pt" height="[\d.]+pt"', r"<svg \1", text, count=1)
        label = self.title.replace('"', "'").replace("&", "&amp;").replace("<", "&lt;")
        return re.sub(r"<svg ", f'<svg role="img" aria-label="{label}" ', text, count=1)

    def write(self, folder: Path) -> None:
        """`NAME.svg` and `NAME.png`, on white."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.svg").write_text(self.svg, encoding="utf-8")
        picture = BytesIO()
        with _drawing(self.name):
            self.figure.savefig(picture, format="png", dpi=160, facecolor="white", metadata={"Software": None})
        (folder / f"{self.name}.png").write_bytes(picture.getvalue())


@contextmanager
def styled() -> Iterator[Any]:
    """matplotlib with the house style, without a screen. Raises `FoveateError` where it is not installed."""
    try:
        import matplotlib as mpl  # noqa: PLC0415  # only reports need it
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise FoveateError("a report needs matplotlib: pip install 'foveate[lab]'") from error
    with mpl.rc_context(_SETTINGS):
        yield Figure


def colors_of(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each contender."""
    return {label: COLORS[i % len(COLORS)] for i, label in enumerate(labels)}


def legend_above(figure: Any, labels: Sequence[str], colors: dict[str, str]) -> None:
    """One line of names in their colours above all panels."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    handles = [Line2D([], [], color=colors[label], linewidth=3) for label in labels]
    figure.legend(handles, labels, loc="outside upper left", ncols=min(len(labels), 5), handlelength=1.2)


@contextmanager
def _drawing(name: str) -> Iterator[None]:
    """The house style again, for ticks are made when they are drawn; ids depend on the name of the figure."""
    import matplotlib as mpl  # noqa: PLC0415

    with mpl.rc_context(_SETTINGS | {"svg.hashsalt": name}):
        yield
