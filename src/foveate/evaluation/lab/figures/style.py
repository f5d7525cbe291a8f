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
COLORS = ("#4593e8", "#d98a1c", "#12806f", "#6a3fd0", "#c8392b", "#a8329a", "#a59669", "#9696b4")
"""Of contenders, in their order and in every figure; apart also for colour-blind eyes, on white and on near black."""
STAGE_COLORS = ("#f2c14e", "#4b5d78", "#d8c8a0", "#9a7b4f", "#a9b6c8")
"""Of encode, uplink, decode, inference, downlink: duller than contenders, light and dark in turn."""
RAMP = ("#dbe4ee", "#35506f")
"""From the least to the greatest of values that have an order."""
_ON_LIGHT, _ON_DARK = "#101820", "#ffffff"
"""Text on a coloured ground, in either colour scheme."""
_LEGEND_CHARACTERS = 124
"""That fit above a figure, with the line before each name and the space after it counted as eight."""
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
        text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
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


def lines_of(labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and dashes of each contender's line: dashed where all colours are taken."""
    return {
        label: {"color": color, "linestyle": "-" if i < len(COLORS) else (0, (3, 1.2))}
        for i, (label, color) in enumerate(colors_of(labels).items())
    }


def ramp_of(count: int) -> list[str]:
    """Colours of values in their order."""
    ends = [[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in RAMP]
    steps = [i / max(count - 1, 1) for i in range(count)]
    return ["#" + "".join(f"{round(a + step * (b - a)):02x}" for a, b in zip(*ends, strict=True)) for step in steps]


def text_on(color: str) -> str:
    """Dark or light, whichever is read more easily on a ground of this colour."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return _ON_LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _ON_DARK


def legend_above(figure: Any, labels: Sequence[str], among: Sequence[str]) -> None:
    """Names in their colours above all panels, read line by line. `among`: all that have a colour, in their order."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    lines, columns = lines_of(among), _columns(labels)
    order = [label for column in range(columns) for label in labels[column::columns]]  # matplotlib fills columns first
    handles = [Line2D([], [], linewidth=3, **lines[label]) for label in order]
    figure.legend(handles, order, loc="outside upper left", ncols=columns, handlelength=1.6)


def _columns(labels: Sequence[str]) -> int:
    """As many as fit."""
    widths = (
        (count, sum(8 + max(map(len, labels[column::count])) for column in range(count)))
        for count in range(len(labels), 1, -1)
    )
    return next((count for count, width in widths if width <= _LEGEND_CHARACTERS), 1)


@contextmanager
def _drawing(name: str) -> Iterator[None]:
    """The house style again, for ticks are made when they are drawn; ids depend on the name of the figure."""
    import matplotlib as mpl  # noqa: PLC0415

    with mpl.rc_context(_SETTINGS | {"svg.hashsalt": name}):
        yield
