"""F1 of what the user saw and of what the server answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from foveate.core import Detections
from foveate.device import Clip
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.truth import model_truth, truth_key
from foveate.metrics import F1Counter, Truth, with_ignore_rules
from foveate.network.messages import Welcome
from foveate.server import DetectorLike

NO_SCORES: dict[str, Any] = {"truth_model": None, "rendering_f1": None, "inference_f1": None}
"""What a summary says of a run that was not scored."""


def score(
    log: LiveLog,
    *,
    clip: Clip,
    welcome: Welcome,
    exact: Mapping[int, Truth] | None,
    load: Callable[[], DetectorLike],
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """The scores of a run against the model's own results, and against `exact` truth by file position, if there is any.

    The ceiling is full-resolution inference on every frame: no policy can show more, but for luck. A figure for which
    no frame could be compared is None.
    """
    results = model_truth(clip.path, truth_key(clip.path, welcome), load, progress)
    own = _by_position(results, clip.size[0])
    scores: dict[str, Any] = {
        "truth_model": welcome.model,
        "rendering_f1": _f1(rendering_f1(log, own, clip.file_position)),
        "inference_f1": _f1(inference_f1(log, own, clip.file_position)),
    }
    if exact is not None:
        scores["rendering_f1_exact"] = _by_class(rendering_f1(log, exact, clip.file_position))
        scores["inference_f1_exact"] = _by_class(inference_f1(log, exact, clip.file_position))
        scores["ceiling_f1_exact"] = _by_class(_count(enumerate(results), exact, lambda position: position))
    return scores


def rendering_f1(log: LiveLog, truth: Mapping[int, Truth], file_position: Callable[[int], int]) -> F1Counter:
    """Every displayed frame against the truth of that very frame."""
    return _count(((shown.frame, shown.detections) for shown in log.shown), truth, file_position)


def inference_f1(log: LiveLog, truth: Mapping[int, Truth], file_position: Callable[[int], int]) -> F1Counter:
    """Every result of the server against the truth of the frame that was sent."""
    results = ((done.record.frame_index, done.result) for done in log.offloads if done.result is not None)
    return _count(results, truth, file_position)


def _by_class(counter: F1Counter) -> dict[str, Any]:
    classes = {name: counts.f1 for name, counts in counter.per_class.items() if counts.tp + counts.fp + counts.fn}
    return {"all": _f1(counter), "classes": classes}


def _f1(counter: F1Counter) -> float | None:
    """None without frames: the F1 of nothing is 1, and would read as a perfect score."""
    return counter.f1 if counter.frames else None


def _by_position(results: Sequence[Detections], frame_height: int) -> dict[int, Truth]:
    truths = (with_ignore_rules(Truth(detections=result), frame_height=frame_height) for result in results)
    return dict(enumerate(truths))


def _count(
    frames: Iterable[tuple[int, Detections]], truth: Mapping[int, Truth], file_position: Callable[[int], int]
) -> F1Counter:
    """Frames without truth are left out: an annotation file may cover part of a clip."""
    counter = F1Counter()
    for index, detections in frames:
        true = truth.get(file_position(index))
        if true is not None:
            counter.add(detections, true.detections, ignore=true.ignore, ignore_class=true.ignore_class)
    return counter
