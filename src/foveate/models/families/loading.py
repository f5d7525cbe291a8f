"""Published checkpoints by the `model_type` of their configuration."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from foveate.core import InputError, WeightsError
from foveate.models.families._base import MixedNetwork
from foveate.models.families.checkpoint import (
    class_names,
    digest,
    is_checkpoint,
    load_theirs,
    read_config,
    read_preprocessor,
)
from foveate.models.families.images import FramePath, Preprocessing, read_preprocessing
from foveate.models.families.pose import PoseEstimator
from foveate.models.families.published import (
    DepthEstimator,
    FeatureExtractor,
    PublishedDetector,
    PublishedModel,
    ScoreRule,
)
from foveate.models.families.sizing import OwnSize
from foveate.models.weights import choose_dtype, choose_torch_device, find_checkpoint

InputSize = Literal["published", "own"]
"""Frames are resized as the preprocessor says, or only rounded to what the network can take."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """How the checkpoints of a family become models."""

    theirs: str
    """Class of transformers."""
    ours: str
    """Class in `foveate.models.families` that runs it, as `module:Class`."""
    task: Literal["detection", "depth", "features", "pose"]
    """What it answers."""
    rule: ScoreRule | None = None
    """How a detector is read."""
    multiple: int = 1
    """To which multiples the family's preprocessor cuts sizes."""
    antialias: bool = True
    """Whether its preprocessor smooths what it makes smaller."""
    pads: bool = False
    """Whether it adds zeros up to one size."""
    own_size: bool = False
    """Whether its preprocessor's size is one of classification crops, of no use for frames."""


FAMILIES: dict[str, Family] = {
    "depth_anything": Family(
        theirs="DepthAnythingForDepthEstimation", ours="depth_anything:MixedDepthAnything", task="depth"
    ),
    "dinov2": Family(theirs="Dinov2Backbone", ours="dinov2:MixedDinov2", task="features", own_size=True),
    "dinov2_with_registers": Family(
        theirs="Dinov2WithRegistersBackbone", ours="dinov2:MixedDinov2", task="features", own_size=True
    ),
    "dinov3_vit": Family(theirs="DINOv3ViTBackbone", ours="dinov3:MixedDinov3", task="features", own_size=True),
    "lw_detr": Family(
        theirs="LwDetrForObjectDetection",
        ours="lw_detr:MixedLwDetr",
        task="detection",
        rule=ScoreRule(no_object=False, most=100),
    ),
    "rf_detr": Family(
        theirs="RfDetrForObjectDetection",
        ours="rf_detr:MixedRfDetr",
        task="detection",
        rule=ScoreRule(no_object=False),
        antialias=False,
    ),
    "sam": Family(theirs="SamModel", ours="sam:MixedSam", task="features", pads=True),
    "vitpose": Family(theirs="VitPoseForPoseEstimation", ours="vitpose:MixedVitPose", task="pose"),
    "yolos": Family(
        theirs="YolosForObjectDetection",
        ours="yolos:MixedYolos",
        task="detection",
        rule=ScoreRule(no_object=True),
        multiple=16,
    ),
}
"""By `model_type`."""

UNSUPPORTED = {
    "sam2": "its backbone halves resolution between stages, so that a coarse token has no place in it",
}
"""Types that one might expect, and why they are missing."""


def load_model(
    folder: str | Path,
    *,
    dtype: str = "auto",
    torch_device: str = "auto",
    input_size: InputSize = "published",
    window_size: int | None = None,
    downsampling_factor: int = 2,
) -> PublishedDetector | PublishedModel[Any] | PoseEstimator:
    """A published model, unmodified, ready to look at frames of mixed resolution.

    `folder`: its path, or its name in `$FOVEATE_HOME/weights`. It holds `config.json`, `preprocessor_config.json` and
    `model.safetensors` (or its shards and index).
    `dtype` is that of the backbone: "float32", "bfloat16", or "auto" (bfloat16 where the processor multiplies it
    fast); heads run in float32. `torch_device`: "cpu", "cuda", or "auto". `input_size`: "published" resizes frames
    as the preprocessor says, "own" keeps their size up to rounding. `window_size`: w of the network's own regions,
    `w * downsampling_factor` patches wide; None = the smallest that the family allows.
    Raises `InputError` for a family that is not known and for settings that it does not allow, `WeightsError` for
    files that are missing, truncated or foreign, `FoveateError` without transformers.
    """
    path = find_checkpoint(folder) or Path(folder)
    if not is_checkpoint(path):
        raise WeightsError(f"{path}: a folder with config.json, preprocessor_config.json and safetensors is required")
    family = _family(path, read_config(path))
    preprocessing = _preprocessing(path, family)
    theirs = load_theirs(path, family.theirs)
    device = choose_torch_device(torch_device)
    network = _network(theirs, family, window_size, downsampling_factor).to(device)
    network.mixed_backbone.to(choose_dtype(dtype, device))
    if input_size == "own" or family.own_size:
        preprocessing = _at_own_size(preprocessing, network)
    frames = FramePath(network=network, preprocessing=preprocessing)
    common: dict[str, Any] = {
        "name": path.resolve().name,
        "weights_hash": digest(path, input_size, window_size, downsampling_factor),
        "downsampling_factor": downsampling_factor,
    }
    if family.rule is not None:
        return PublishedDetector(frames, class_names=class_names(theirs.config), rule=family.rule, **common)
    if family.task == "pose":
        return PoseEstimator(frames, names=class_names(theirs.config), **common)
    return DepthEstimator(frames, **common) if family.task == "depth" else FeatureExtractor(frames, **common)


def _family(path: Path, config: dict[str, Any]) -> Family:
    kind = config["model_type"]
    if kind in UNSUPPORTED:
        raise InputError(f"{path}: no {kind}: {UNSUPPORTED[kind]}")
    if kind not in FAMILIES:
        raise InputError(f"{path}: model_type must be one of {', '.join(FAMILIES)}, got {kind!r}")
    return FAMILIES[kind]


def _preprocessing(path: Path, family: Family) -> Preprocessing:
    settings = read_preprocessor(path)
    if family.own_size:
        settings = settings | {"size": {"shortest_edge": 1}}  # never used: frames keep their size
    try:
        return read_preprocessing(settings, multiple=family.multiple, antialias=family.antialias, pads=family.pads)
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # whatever stands there in place of a number
        raise WeightsError(f"{path}: the preprocessor's settings: {error}") from error


def _network(theirs: Any, family: Family, window_size: int | None, downsampling_factor: int) -> MixedNetwork:
    module, _, name = family.ours.partition(":")
    build: Callable[..., MixedNetwork] = getattr(import_module(f"foveate.models.families.{module}"), name)
    sizes = {} if window_size is None else {"window_size": window_size}
    return build(theirs, downsampling_factor=downsampling_factor, **sizes).eval()


def _at_own_size(preprocessing: Preprocessing, network: MixedNetwork) -> Preprocessing:
    multiple = network.size_multiple
    if multiple is None:
        raise InputError("this model takes images of one size only; use input_size='published'")
    return replace(preprocessing, sizing=OwnSize(multiple=multiple))
