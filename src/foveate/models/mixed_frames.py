"""What a caller hands to a model, checked: frames cut into the model's regions."""

from collections.abc import Callable, Iterable, Sequence
from operator import index

from foveate.core import InputError, Mask, MixedFrame, Pixels, RegionGrid, check_pixels, split_regions


def mixed_frames(
    frames: Sequence[Pixels | MixedFrame],
    masks: Sequence[Mask | None] | None,
    region_grid: Callable[[int, int], RegionGrid],
) -> list[MixedFrame]:
    """Frames cut into the regions of `region_grid(height, width)`.

    `frames`: uint8 `(H, W, 3)` RGB or `MixedFrame`s, which bring their own masks. `masks`: bool
    `(regions_h, regions_w)` or None per frame. Raises `InputError` on wrong types, shapes or grids.
    """
    if masks is not None and not isinstance(masks, Iterable):
        raise InputError(f"need one downsampling mask per frame ({len(frames)}), got {masks!r}")
    chosen = [None] * len(frames) if masks is None else list(masks)
    if len(chosen) != len(frames):
        raise InputError(f"need one downsampling mask per frame ({len(frames)}), got {len(chosen)}")
    return [_mixed_frame(frame, mask, region_grid) for frame, mask in zip(frames, chosen, strict=True)]


def _mixed_frame(
    frame: Pixels | MixedFrame, mask: Mask | None, region_grid: Callable[[int, int], RegionGrid]
) -> MixedFrame:
    if not isinstance(frame, MixedFrame):
        height, width = check_pixels(frame).shape[:2]
        return split_regions(frame, region_grid(height, width), mask)
    if mask is not None:
        raise InputError("a MixedFrame brings its own downsampling mask; pass None for it")
    wanted = region_grid(frame.grid.height, frame.grid.width)
    if frame.grid != wanted:
        raise InputError(f"this model needs frames cut by {wanted}, got {frame.grid}")
    return frame


def check_points(points: Sequence[int], count: int, latest: int) -> list[int]:
    """Restoration points as a list of `count` numbers in 0..`latest`, or `InputError`."""
    try:
        chosen = [index(point) for point in points]
    except TypeError as error:
        raise InputError(f"restoration points must be whole numbers, got {points!r}") from error
    if len(chosen) != count:
        raise InputError(f"need one restoration point per image ({count}), got {len(chosen)}")
    for point in chosen:
        if not 0 <= point <= latest:
            raise InputError(f"a restoration point must lie in 0..{latest}, got {point}")
    return chosen
