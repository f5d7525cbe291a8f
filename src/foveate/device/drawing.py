"""Draws what a detector saw and where the picture was downsampled."""

import cv2
import numpy as np

from foveate.core import Detections, Mask, Pixels, RegionGrid

_PALETTE = (
    (255, 176, 0),
    (100, 143, 255),
    (254, 97, 0),
    (0, 190, 140),
    (220, 38, 127),
    (150, 110, 255),
    (60, 200, 240),
    (190, 210, 60),
)
"""RGB; neighbours differ in lightness as well, for those who see few colours."""
_INK = (255, 255, 255)
_TINT = (36, 76, 160)
_TINT_SHARE = 0.42
_GRID_SHARE = 0.28
_FONT = cv2.FONT_HERSHEY_DUPLEX


def draw(
    pixels: Pixels,
    detections: Detections,
    *,
    grid: RegionGrid | None = None,
    mask: Mask | None = None,
    status: str = "",
) -> Pixels:
    """A copy of the frame with boxes, the region map (if a grid is given) and a status line (if there is one).

    `mask`: bool `(regions_h, regions_w)`; downsampled regions (True) are tinted.
    """
    picture = np.array(pixels)
    if grid is not None:
        _draw_regions(picture, grid, grid.check_mask(mask))
    for index in np.argsort(detections.scores, kind="stable"):  # the surest on top
        _draw_object(picture, detections, int(index))
    if status:
        _draw_status(picture, status)
    return picture


def _draw_regions(picture: Pixels, grid: RegionGrid, mask: Mask) -> None:
    layer = picture.copy()
    for row, column in np.argwhere(mask):
        top, left, bottom, right = grid.box(int(row), int(column))
        layer[top:bottom, left:right] = _TINT
    cv2.addWeighted(layer, _TINT_SHARE, picture, 1 - _TINT_SHARE, 0, dst=picture)
    lines = picture.copy()
    side = grid.region_pixels
    lines[side::side, :] = _INK
    lines[:, side::side] = _INK
    cv2.addWeighted(lines, _GRID_SHARE, picture, 1 - _GRID_SHARE, 0, dst=picture)


def _draw_object(picture: Pixels, detections: Detections, index: int) -> None:
    class_id = int(detections.class_id[index])
    color = _PALETTE[class_id % len(_PALETTE)]
    beyond = max(picture.shape)  # what lies farther out cannot be seen, and OpenCV counts in 32 bits
    limits = np.array(picture.shape[1::-1] * 2) + beyond
    x1, y1, x2, y2 = (round(float(side)) for side in np.clip(detections.boxes[index], -beyond, limits))
    cv2.rectangle(picture, (x1, y1), (x2, y2), color, _line_width(picture), cv2.LINE_AA)
    label = f"{detections.class_names[class_id]} {detections.scores[index]:.2f}"
    _draw_label(picture, label, x1, y1, color)


def _draw_label(picture: Pixels, label: str, x: int, y: int, color: tuple[int, int, int]) -> None:
    """A chip that sits on the box's upper edge, or inside it at the frame's border."""
    scale = 0.6 * _text_scale(picture)
    (width, height), baseline = cv2.getTextSize(label, _FONT, scale, 1)
    pad = max(2, height // 4)
    tall = height + baseline // 2 + 2 * pad
    left = int(np.clip(x - _line_width(picture) // 2, 0, max(0, picture.shape[1] - width - 2 * pad)))
    top = y - tall if y >= tall else y
    cv2.rectangle(picture, (left, top), (left + width + 2 * pad, top + tall), color, -1)
    ink = (0, 0, 0) if np.dot(color, (0.299, 0.587, 0.114)) > 120 else _INK
    cv2.putText(picture, label, (left + pad, top + pad + height), _FONT, scale, ink, 1, cv2.LINE_AA)


def _draw_status(picture: Pixels, status: str) -> None:
    """A dark strip along the lower edge."""
    scale = 0.8 * _text_scale(picture)
    (_, height), baseline = cv2.getTextSize(status, _FONT, scale, 1)
    pad = max(3, height // 2)
    strip = picture[max(0, picture.shape[0] - height - baseline - 2 * pad) :]
    strip[:] = strip // 4
    origin = (2 * pad, picture.shape[0] - baseline - pad)
    cv2.putText(picture, status, origin, _FONT, scale, _INK, 1, cv2.LINE_AA)


def _line_width(picture: Pixels) -> int:
    return max(1, round(len(picture) / 360))


def _text_scale(picture: Pixels) -> float:
    return max(0.4, len(picture) / 900)
