"""Weights of classifiers on disk, in the same kind of file as those of detectors."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from foveate.core import WeightsError
from foveate.models.backbone import BackboneConfig
from foveate.models.classifier import Classifier, ClassifierConfig
from foveate.models.fitting import filled
from foveate.models.weights import (
    SUFFIX,
    choose_dtype,
    choose_torch_device,
    digest,
    find_weights,
    read_weights,
    write_weights,
)

FORMAT = "foveate-classifier-1"


def save_classifier(
    classifier: Classifier, path: Path | str, *, card: dict[str, Any] | None = None, dtype: torch.dtype = torch.float16
) -> None:
    """Write a classifier to `path`, in half precision unless told otherwise; at once or not at all."""
    write_weights(classifier, path, form=FORMAT, config=asdict(classifier.config), card=card, dtype=dtype)


def load_classifier(name_or_path: str | Path, *, dtype: str = "auto", torch_device: str = "auto") -> Classifier:
    """A classifier ready for inference, by name or path; arguments and errors as `load_detector`."""
    path = find_weights(name_or_path)
    metadata, tensors = read_weights(path)
    config, name, hashed = _config(path, metadata), path.name.removesuffix(SUFFIX), digest(path)
    classifier = filled(lambda: Classifier(config, name=name, weights_hash=hashed), tensors, path)
    device = choose_torch_device(torch_device)
    return classifier.eval().requires_grad_(requires_grad=False).to(device, choose_dtype(dtype, device))


def _config(path: Path, metadata: dict[str, str]) -> ClassifierConfig:
    if metadata.get("format") != FORMAT:
        got = metadata.get("format", "no format at all")
        raise WeightsError(f"{path}: weights of format {FORMAT!r} are required, got {got!r}")
    try:
        values = dict(json.loads(metadata["config"]))
        backbone, names = BackboneConfig(**values.pop("backbone")), tuple(values.pop("class_names"))
        return ClassifierConfig(backbone=backbone, class_names=names, **values)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: the header does not describe a classifier ({error})") from error
