"""Published weights onto this machine: fetched, checked, converted, and kept under `$FOVEATE_HOME/weights`."""

import json
from pathlib import Path

from foveate.core import InputError, TransportError, WeightsError, foveate_home
from foveate.models.download import Progress, download
from foveate.models.published import Published, published_models
from foveate.models.rcnn.convert import convert_detectron2
from foveate.models.unpickle import read_checkpoint
from foveate.models.weights import SUFFIX, save_detector

SHOWN_FROM = 0.5
"""Score from which a converted detector shows its objects, unless told otherwise: that of detectron2's own demo."""


def fetch_published(name: str, *, progress: Progress, score_threshold: float = SHOWN_FROM) -> tuple[Path, str]:
    """The weights file of a published model, and the SHA-256 of the checkpoint that it was made from.

    The first checksum that is seen of a file whose checksum is not published is written to `checksums.json` beside
    the weights and required from then on. Raises `InputError` for an unknown name, `TransportError` where the file
    cannot be had, and `WeightsError` where it is not what was expected.
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
    _remember(name, sha256)
    convert_file(checkpoint, target, published=published, score_threshold=score_threshold, sha256=sha256)
    checkpoint.unlink()
    return target, sha256


def convert_file(
    checkpoint: Path,
    target: Path,
    *,
    published: Published,
    score_threshold: float,
    sha256: str,
) -> None:
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
    save_detector(detector, target, score_threshold=score_threshold, card=card)


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
