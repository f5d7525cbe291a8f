"""What the device makes of its own model: views in, objects and importance classes of the frame out. No torch."""

from collections.abc import Callable

from foveate.codec import crop, thumbnail_bytes
from foveate.core import (
    Detections,
    ImportanceLayers,
    ImportanceMap,
    ImportanceWish,
    InputError,
    Look,
    LookPlan,
    Pixels,
    View,
    box_importance,
    carry_importance,
    join_detections,
)
from foveate.estimators import classify_patches
from foveate.metrics import suppress

Glance = Callable[[Pixels, ImportanceLayers | None], tuple[Detections, ImportanceMap | None]]
"""The device's model: a picture `(H, W, 3)`, and whose attention is wanted, if any -> objects in its pixels, and the
importance of its patches. Injected by whoever runs the device."""
MERGE_IOU = 0.5
"""Of boxes from views that overlap."""


class Looking:
    """Carries out a `LookPlan` with the device's model; a `core.Looker`."""

    def __init__(self, glance: Glance) -> None:
        self._glance = glance

    def __call__(self, pixels: Pixels, plan: LookPlan) -> Look:
        """Raises `InputError` if importance is wanted of anything but one view of the whole frame."""
        if not plan.views:
            raise InputError("a look needs at least one view")
        if plan.importance is not None:
            return self._with_classes(pixels, plan, plan.importance)
        parts = [view.in_frame(self._glance(crop(pixels, view), None)[0]) for view in plan.views]
        return Look(detections=parts[0] if len(parts) == 1 else suppress(join_detections(parts), MERGE_IOU))

    def _with_classes(self, pixels: Pixels, plan: LookPlan, wish: ImportanceWish) -> Look:
        size = pixels.shape[0], pixels.shape[1]
        view = plan.views[0]
        if len(plan.views) > 1 or (view.top, view.left, view.bottom, view.right) != (0, 0, *size):
            raise InputError("importance is read from one view of the whole frame")
        found, importance = self._suspect(pixels, view) if wish.source == "boxes" else self._attend(pixels, view, wish)
        return Look(
            detections=found,
            importance_class=classify_patches(importance, scale=wish.scale),
            thumbnail_bytes=thumbnail_bytes(pixels),
        )

    def _suspect(self, pixels: Pixels, view: View) -> tuple[Detections, ImportanceMap]:
        """Objects in the frame, and importance by all of them, however faint."""
        found = view.in_frame(self._glance(crop(pixels, view), None)[0])
        return found, box_importance(found, frame_size=pixels.shape[:2])

    def _attend(self, pixels: Pixels, view: View, wish: ImportanceWish) -> tuple[Detections, ImportanceMap]:
        """Objects in the frame, and the attention that its patches receive."""
        found, importance = self._glance(crop(pixels, view), wish.layers)
        if importance is None:
            raise InputError("this device's model tells no importance of patches")
        carried = carry_importance(importance, seen_size=view.size, frame_size=pixels.shape[:2])
        return view.in_frame(found), carried
