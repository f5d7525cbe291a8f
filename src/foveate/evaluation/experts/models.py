"""The models of one training: generalist, base, experts, and what all of them say about a set of pictures."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.codec import PictureCoding, decode_picture, encode_picture
from foveate.core import ExpertCard, InputError, LabelledImages, WeightsError, foveate_home
from foveate.core.whole_files import whole_file
from foveate.evaluation.experts.answers import SUFFIX, read_answers, write_answers
from foveate.models import Classifier, backbone_flops, load_classifier, read_card
from foveate.models.weights import digest

Logits = NDArray[np.float32]
AS_THEY_WERE = ("generalist", "continued", "large")
"""Models that a table may run on the device, on pictures that nobody has sent."""


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """One file of weights."""

    name: str
    path: Path
    subset: tuple[int, ...] | None
    """Classes that it is for; None = all."""
    parameters: int
    operations: float
    """Floating-point operations of the backbone on one picture."""

    def card(self, classes: int, unit: int) -> ExpertCard:
        """As devices know it, its size in those of a model of `unit` parameters."""
        subset = tuple(range(classes)) if self.subset is None else self.subset
        return ExpertCard(name=self.name, subset=subset, relative_size=self.parameters / unit)

    def load(self) -> Classifier:
        """The model itself. Raises `WeightsError` where only its answers are there."""
        if self.path.suffix == SUFFIX:
            raise WeightsError(f"{self.path} holds what a model said about the pictures of the tables, not its weights")
        return load_classifier(self.path)


def find_models(folder: Path) -> dict[str, TrainedModel]:
    """All finished stages of a training, by name: weights, or answers where there are none.

    Raises `WeightsError` where there is no generalist.
    """
    files = model_files(folder)
    if "generalist" not in files:
        raise WeightsError(f"{folder} holds no generalist: train one with `foveate train experts`")
    return {name: _kept(path) if path.suffix == SUFFIX else _describe(path) for name, path in files.items()}


def model_files(folder: Path) -> dict[str, Path]:
    """The file of each finished stage, by name: weights, or answers where there are none."""
    return {path.stem: path for suffix in (SUFFIX, ".safetensors") for path in sorted(folder.glob(f"*{suffix}"))}


def complete_names(folder: Path) -> set[str]:
    """Names of finished stages; without the experts of a kind of which the recipe wants more than there are."""
    names = set(model_files(folder))
    there = Counter(_kind(name) for name in names)
    recipe = folder / "recipe.json"
    wanted = json.loads(recipe.read_text())["experts"] if recipe.is_file() else max(there.values(), default=0)
    return {name for name in names if not _kind(name) or there[_kind(name)] == wanted}


def _kind(name: str) -> str:
    """Of an expert `KIND-NUMBER`; empty for other models."""
    return name.rpartition("-")[0]


def of_kind(models: dict[str, TrainedModel], kind: str) -> list[TrainedModel]:
    """The experts of a kind in the order of their numbers. Raises `InputError` where there are none."""
    chosen = [model for name, model in models.items() if name.rpartition("-")[0] == kind]
    if not chosen:
        kinds = sorted({name.rpartition("-")[0] for name in models} - {""})
        raise InputError(f"no experts of kind {kind!r} have been trained; there are {', '.join(kinds) or 'none'}")
    return sorted(chosen, key=lambda model: int(model.name.rpartition("-")[2]))


def cards_of(experts: Sequence[TrainedModel], classes: int, *, unit: int | None = None) -> tuple[ExpertCard, ...]:
    """Experts as devices know them, sizes in those of a model of `unit` parameters; None: of the smallest of them."""
    parameters = unit or min(expert.parameters for expert in experts)
    return tuple(expert.card(classes, parameters) for expert in experts)


def _describe(path: Path) -> TrainedModel:
    subset = read_card(path).get("subset")
    model = load_classifier(path, dtype="float32", torch_device="cpu")
    backbone, side = model.config.backbone, model.config.image_size
    return TrainedModel(
        name=path.stem,
        path=path,
        subset=None if subset is None else tuple(subset),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        operations=backbone_flops(backbone, backbone.grid(side, side)),
    )


def _kept(path: Path) -> TrainedModel:
    facts = read_answers(path).facts
    subset = facts["subset"]
    return TrainedModel(
        name=path.stem,
        path=path,
        subset=None if subset is None else tuple(subset),
        parameters=facts["parameters"],
        operations=facts["operations"],
    )


def keep_answers(model: TrainedModel, held_out: "SentPictures", test: "SentPictures") -> Path:
    """Write what a model says about both sets, as they were and as they arrived, beside its weights."""
    path = model.path.with_suffix(SUFFIX)
    classifier, name = model.load(), model.name
    both = (held_out, test)
    sets = [] if name == "generalist" else [sent.arrived for sent in both]
    if name in AS_THEY_WERE:
        sets += [sent.images.pixels for sent in both]
    facts = {"subset": model.subset, "parameters": model.parameters, "operations": model.operations}
    write_answers(
        path, facts | {"card": read_card(model.path)}, [(pixels, classifier.logits(pixels)) for pixels in sets]
    )
    return path


@dataclass(frozen=True, kw_only=True, eq=False)
class SentPictures:
    """Pictures as a device sends them."""

    images: LabelledImages
    """As they were."""
    coding: PictureCoding
    payloads: tuple[bytes, ...]
    arrived: NDArray[np.uint8]
    """As the server decodes them, `(n, H, W, 3)`."""

    @classmethod
    def of(cls, images: LabelledImages, coding: PictureCoding) -> "SentPictures":
        """Compress and decompress all of them."""
        payloads = tuple(encode_picture(pixels, coding) for pixels in images.pixels)
        arrived = np.stack([decode_picture(payload, size=images.image_size) for payload in payloads])
        return cls(images=images, coding=coding, payloads=payloads, arrived=arrived)


class Outputs:
    """Logits of models on pictures, kept under `$FOVEATE_HOME/outcomes/experts` by weights and pixels."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or foveate_home() / "outcomes" / "experts"
        self._held: dict[tuple[Path, int], tuple[NDArray[np.uint8], Logits]] = {}

    def logits(self, model: TrainedModel, pixels: NDArray[np.uint8]) -> Logits:
        """`(n, classes)`; computed once. The pictures must not be changed afterwards."""
        key = (model.path, id(pixels))  # the pixels are held too, so that no other array gets their id
        if key not in self._held:
            self._held[key] = (pixels, self._from_disk(model, pixels))
        return self._held[key][1]

    def _from_disk(self, model: TrainedModel, pixels: NDArray[np.uint8]) -> Logits:
        if model.path.suffix == SUFFIX:
            return read_answers(model.path).logits(pixels)
        name = hashlib.sha256(digest(model.path).encode() + pixels.tobytes()).hexdigest()[:24]
        path = self._folder / f"{name}.npy"
        if path.is_file():
            return np.asarray(np.load(path), np.float32)
        found = model.load().logits(pixels)
        self._folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as draft, draft.open("wb") as file:
            np.save(file, found)
        return found
