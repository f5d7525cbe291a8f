"""Sizes of pictures on the command line."""

from foveate.core import InputError

_LONGEST_SIDE = 8192
"""Of a frame on the wire (docs/serving.md); what is larger would only fill the memory."""


def read_size(text: str) -> tuple[int, int]:
    """`720x1280` -> `(720, 1280)`: height and width in pixels, 1..8192 each. Raises `InputError`."""
    sides = text.split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() for side in sides):
        raise InputError(f"a size is HEIGHTxWIDTH in pixels, such as 720x1280, got {text!r}")
    height, width = (int(side) for side in sides)
    if not (1 <= height <= _LONGEST_SIDE and 1 <= width <= _LONGEST_SIDE):
        raise InputError(f"sides have 1 to {_LONGEST_SIDE} pixels, got {text!r}")
    return height, width
