"""What the classes of a frame would cost to send: profile, thumbnail and the last offload put together."""

from foveate.core import CLASS_QUALITIES, ClassMap, ClassProfile, OffloadPlan, class_shares
from foveate.estimators import OriginalSize, accuracy_by_class, size_by_class
from foveate.policies.answering import ClassCosts, CostModel

LEAST_RATIO = 0.02
"""No frame of a camera is compressed to a smaller share of its bytes at the top quality."""


class ClassCosting:
    """Expected bytes of a plan by classes, kept right by what offloads really take (Hyperion, equations 3 and 4)."""

    def __init__(self, profile: ClassProfile, model: CostModel) -> None:
        self._sizes = profile.line if model == "line" else profile.table
        self._accuracies = profile.accuracy if model == "line" else profile.accuracy_table
        self._original = OriginalSize(per_thumbnail=profile.original_per_thumbnail, exponent=profile.detail_exponent)

    def costs(self, classes: ClassMap, thumbnail_bytes: int) -> ClassCosts:
        """Of every quality of every class in a frame with these classes."""
        original_bytes = self._original.estimate(thumbnail_bytes)
        size_bytes, fixed_bytes = size_by_class(
            self._sizes,
            original_bytes=original_bytes,
            shares=class_shares(classes),
            qualities=CLASS_QUALITIES,
        )
        return ClassCosts(
            qualities=CLASS_QUALITIES,
            size_bytes=size_bytes,
            accuracy=accuracy_by_class(self._accuracies, CLASS_QUALITIES),
            fixed_bytes=fixed_bytes,
            least_bytes=LEAST_RATIO * original_bytes,
        )

    def sent(self, plan: OffloadPlan, *, size_bytes: int, thumbnail_bytes: int) -> None:
        """A plan took so many bytes. Plans of which nobody said what to expect tell nothing."""
        if plan.expected_bytes is None or thumbnail_bytes <= 0:
            return
        ratio = plan.expected_bytes / self._original.estimate(thumbnail_bytes)
        if ratio <= LEAST_RATIO * (1 + 1e-9):
            return  # at the line's end, where it says nothing: what follows from it would be absurd
        self._original.observe(size_bytes=size_bytes, predicted_ratio=ratio, thumbnail_bytes=thumbnail_bytes)
