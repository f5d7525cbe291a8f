"""From a trained state to a weights file with its card."""

import json
from pathlib import Path
from typing import Any

from foveate.core import InputError
from foveate.models import ConvDetector, DenseDetector, Detector, load_detector, save_detector, with_window
from foveate.training.dataset import ImageSet
from foveate.training.evaluate import choose_threshold, evaluate
from foveate.training.trainer import Trainer


def finish(
    trainer: Trainer,
    out: Path,
    *,
    validation: tuple[ImageSet, ...],
    evaluation: dict[str, ImageSet],
    long_side: int | None = None,
) -> dict[str, Any]:
    """Write the averaged weights to `out` with threshold and figures in the card, and the card to `out`.json.

    `validation`: sets that the threshold is chosen on. `evaluation`: sets to report figures on. All figures are of
    the file as it is used: half precision, the inference path. Returns the card.
    """
    card = _origin(trainer)
    with trainer.average.applied():
        save_detector(trainer.model, out, card=card)
    detector = load_detector(out)
    threshold, f1 = choose_threshold(detector, validation)
    card |= {"score_threshold": threshold, "validation_f1": round(f1, 4)}
    card["evaluation"] = {name: evaluate(detector, images, long_side=long_side) for name, images in evaluation.items()}
    with trainer.average.applied():
        save_detector(trainer.model, out, score_threshold=threshold, card=card)
    out.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def start_from(path: str, class_names: tuple[str, ...], *, window: int | None = None) -> DenseDetector:
    """A detector to train further; raises `InputError` if it knows other classes or is no dense detector.

    `window`: the attention window that it shall have (see `with_window`); None = its own.
    """
    detector = load_detector(path, dtype="float32")
    if not isinstance(detector, Detector | ConvDetector):
        raise InputError(
            f"{path}: only detectors with a dense head can be trained further, got {type(detector).__name__}"
        )
    if detector.class_names != class_names:
        raise InputError(f"{path} knows the classes {detector.class_names}, required {class_names}")
    if window is None:
        return detector
    if isinstance(detector, ConvDetector):
        raise InputError(f"{path} is a convolutional detector, which has no windows")
    return with_window(detector, window)


def _origin(trainer: Trainer) -> dict[str, Any]:
    """What the card says about the training; where its commands gave different things, one stage after the other."""
    progress = trainer.progress
    stages = [stage | {"minutes": round(stage["minutes"], 1)} for stage in trainer.stages]
    return (stages[0] if len(stages) == 1 else {"stages": stages}) | {
        "steps": progress.step,
        "crops": progress.crops,
        "minutes": round(progress.elapsed_s / 60, 1),
        "seed": trainer.config.seed,
    }
