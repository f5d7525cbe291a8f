"""A contact sheet: one rendered frame of each scenario with its truth drawn; hidden and tiny objects look different."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from foveate.world.errors import OrderError
from foveate.world.files import appearing
from foveate.world.realism import Shot, shots
from foveate.world.scenarios import SCENARIOS, builder, usual_size
from foveate.world.splits import standard_set
from foveate.world.textures import Picture
from foveate.world.truth import LEAST_VISIBLE, Seen

PANEL = (405, 720)
"""`(height, width)` of one picture of the sheet."""
COLOURS: Mapping[str, tuple[int, int, int]] = {
    "person": (255, 210, 40),
    "bicycle": (90, 230, 120),
    "car": (70, 190, 255),
    "motorcycle": (255, 120, 60),
    "bus": (240, 90, 200),
    "truck": (180, 140, 255),
}
"""RGB by category."""
HIDDEN, TINY = (160, 160, 160), (255, 60, 60)
"""RGB of boxes to be ignored: hidden ones are dashed, tiny ones are marked by a tick."""


def contact_sheet(
    out: Path, *, scenarios: Sequence[str] = (), seeds: Mapping[str, int] | None = None, time: float = 4.0
) -> Path:
    """Writes the JPEG file `out` with two pictures a row and returns it.

    `scenarios`: all of them by default; `seeds`: those of the profiling clips by default; `time`: seconds.
    Raises `OrderError` for an unknown scenario or a file that is not a `.jpg`, and `RendererError`.
    """
    if Path(out).suffix.lower() not in (".jpg", ".jpeg"):
        raise OrderError(f"a contact sheet is a .jpg file, got {Path(out).name!r}")
    names, chosen = list(scenarios) or sorted(SCENARIOS), seeds or {}
    for name in names:
        builder(name)
    panels = [panel(name, seed=chosen.get(name, standard_set(f"{name}-profile").seed), time=time) for name in names]
    panels += [np.full((*PANEL, 3), 24, np.uint8)] * (len(panels) % 2)
    rows = [np.concatenate(panels[k : k + 2], axis=1) for k in range(0, len(panels), 2)]
    _, encoded = cv2.imencode(".jpg", np.concatenate(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    with appearing(Path(out)) as draft:
        draft.write_bytes(encoded.tobytes())
    return Path(out)


def panel(scenario: str, *, seed: int, time: float) -> Picture:
    """One frame at the size of its scenario, made small, with its truth and its name."""
    size = usual_size(scenario)
    (shot,) = shots(scenario, seed=seed, times=(time,), size=size)
    picture = drawn(shot, PANEL)
    cv2.rectangle(picture, (0, 0), (12 + 9 * len(scenario), 20), (0, 0, 0), -1)
    cv2.putText(picture, scenario, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (255, 255, 255), 1, cv2.LINE_AA)
    return picture


def drawn(shot: Shot, size: tuple[int, int]) -> Picture:
    """The picture of `shot` at `size` `(height, width)` with its boxes, small ones first."""
    picture = np.ascontiguousarray(cv2.resize(shot.picture, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    scale = size[0] / shot.picture.shape[0]
    for seen, category in sorted(zip(shot.seen, shot.categories, strict=True), key=lambda pair: _tall(pair[0])):
        _mark(picture, seen, category, scale)
    return picture


def _tall(seen: Seen) -> float:
    return seen.box[3] - seen.box[1]


def _mark(picture: Picture, seen: Seen, category: str, scale: float) -> None:
    left, top, right, bottom = (round(scale * side) for side in seen.box)
    if seen.ignore and seen.visible >= LEAST_VISIBLE:
        cv2.line(picture, (left, bottom + 1), (right, bottom + 1), TINY, 1)
    elif seen.ignore:
        _dashed(picture, (left, top), (right, bottom))
    else:
        cv2.rectangle(picture, (left, top), (right, bottom), COLOURS[category], 1)


def _dashed(picture: Picture, low: tuple[int, int], high: tuple[int, int]) -> None:
    for x in range(low[0], high[0], 6):
        for y in (low[1], high[1]):
            cv2.line(picture, (x, y), (min(x + 2, high[0]), y), HIDDEN, 1)
    for y in range(low[1], high[1], 6):
        for x in (low[0], high[0]):
            cv2.line(picture, (x, y), (x, min(y + 2, high[1])), HIDDEN, 1)
