"""Published weights onto this machine: fetched, checked, converted, and kept under `$FOVEATE_HOME/weights`."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from foveate.core import InputError, TransportError, WeightsError, foveate_home
from foveate.models.download import Progress, digest, download
from foveate.models.published import Published, published_models
from foveate.models.rcnn.convert import convert_detectron2
from foveate.models.unpickle import read_checkpoint
from foveate.models.weights import SUFFIX, save_detector

SHOWN_FROM = 0.5
"""Score from which a converted detector shows its objects, unless told otherwise: that of detectron2's own demo."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a fetch has brought."""

    path: Path
    """The weights file."""
    sha256: str
    """Of the checkpoint that it was made from."""
    md5: str
    """The same. Names of detectron2's files end in its first digits."""
    name_says: str
    """What the checkpoint's name ends in."""


def fetch_published(name: str, *, progress: Progress, score_threshold: float = SHOWN_FROM) -> Fetched:
    """Fetch, check and convert the weights of a published model.

    The first checksum that is seen of a file whose checksum is not published is written to `checksums.json` beside
    the weights, once the file has turned out to be the expected model, and required from then on. Raises `InputError`
    for an unknown name, `TransportError` where the file cannot be had, `WeightsError` where it is another model.
    """
    known = published_models()
    if name not in known:
        raise InputError(f"no published model named {name!r}; there are: {', '.join(sorted(known))}")
    target, published = weights_path(name), known[name]
    if target.exists():
        raise InputError(f"{name} is there already: {target}")
    checkpoint = target.parent / "checkpoints" / Path(published.address).name
    try:
        sha256 = download(published.address, checkpoint, progress=progress, sha256=_expected(name, published))
    except TransportError as error:
        hint = f"or put the file at {checkpoint} by other means and run this again"
        raise TransportError(f"{error}; try again, {hint}") from error
    _convert(checkpoint, target, published, sha256, score_threshold)
    _remember(name, sha256)
    md5, name_says = digest(checkpoint, "md5"), checkpoint.stem.rpartition("_")[2]
    checkpoint.unlink()
    return Fetched(path=target, sha256=sha256, md5=md5, name_says=name_says)


def _convert(checkpoint: Path, target: Path, published: Published, sha256: str, score_threshold: float) -> None:
    """A published checkpoint as a weights file with its card; `WeightsError` if it is another model."""
    detector = convert_detectron2(read_checkpoint(checkpoint))
    if detector.config != published.config:
        raise WeightsError(f"{checkpoint}: a model of shape {published.config} is required, got {detector.config}")
    card = {
        "data": "COCO train2017, MAE on ImageNet-1K",
        "terms": published.terms,
        "source": published.address,
        "source_sha256": sha256,
        "published_box_ap": published.box_ap,
        "published_mask_ap": published.mask_ap,
        "score_threshold": "not chosen on data",
    }
    save_detector(detector, target, score_threshold=score_threshold, card=card, dtype=torch.float32)


def weights_path(name: str) -> Path:
    """Where the weights of a published model are kept."""
    return foveate_home() / "weights" / f"{name}{SUFFIX}"


def _expected(name: str, published: Published) -> str | None:
    return published.sha256 or _checksums().get(name)


def _checksums() -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads(_checksums_path().read_text())
    except (OSError, ValueError):
        return {}
    return kept


def _remember(name: str, sha256: str) -> None:
    path = _checksums_path()
    path.write_text(json.dumps(_checksums() | {name: sha256}, indent=1) + "\n")


def _checksums_path() -> Path:
    return foveate_home() / "weights" / "checksums.json"
