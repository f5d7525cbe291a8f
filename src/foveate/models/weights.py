"""Weights on disk: one safetensors file that carries the model's shape and card figures in its header."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from foveate.core import InputError, WeightsError, foveate_home
from foveate.core.whole_files import whole_file
from foveate.models.backbone import BackboneConfig
from foveate.models.convolutional import ConvDetector, ConvDetectorConfig
from foveate.models.detector import Detector, DetectorConfig
from foveate.models.fitting import filled
from foveate.models.mixed_detector import MixedDetector
from foveate.models.published import published_models
from foveate.models.rcnn import RcnnConfig, RcnnDetector
from foveate.models.run_window import run_at_window, window_note

SUFFIX = ".safetensors"
SHIPPED = Path(__file__).parent / "shipped"
"""Weights inside the wheel."""


OwnDetector = Detector | RcnnDetector | ConvDetector
"""Detectors whose shape and weights a file of ours holds."""
OwnConfig = DetectorConfig | RcnnConfig | ConvDetectorConfig


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a weights file may hold."""

    model: Callable[..., OwnDetector]
    read_config: Callable[[dict[str, Any]], Any]
    """The configuration of `model` from what the header holds; raises `KeyError`, `TypeError` or `ValueError`."""


def save_detector(
    detector: OwnDetector,
    path: Path | str,
    *,
    score_threshold: float | None = None,
    card: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a detector to `path`, in half precision unless told otherwise; replaces the file at once or not at all.

    `card`: figures and facts for the model card, anything JSON can hold. Raises `FoveateError` where the disk refuses,
    `InputError` for a subclass of ours, which no file would bring back.
    """
    form, config = format_of(detector), detector.config
    if score_threshold is not None:
        config = replace(config, score_threshold=score_threshold)
    write_weights(detector, path, form=form, config=asdict(config), card=card, dtype=dtype)


def format_of(detector: object) -> str:
    """The format of a file that holds such a detector; raises `InputError` where there is none."""
    for name, kind in FORMATS.items():
        if type(detector) is kind.model:
            return name
    known = " or ".join(getattr(kind.model, "__name__", "") for kind in FORMATS.values())
    raise InputError(f"weights files hold a {known}, got a {type(detector).__name__}")


def write_weights(
    model: torch.nn.Module,
    path: Path | str,
    *,
    form: str,
    config: dict[str, Any],
    card: dict[str, Any] | None,
    dtype: torch.dtype,
) -> None:
    """Write parameters to a safetensors file whose header holds format, shape and card; at once or not at all."""
    tensors = {k: v.detach().to("cpu", dtype).contiguous() for k, v in model.state_dict().items()}
    metadata = {"format": form, "config": json.dumps(config), "card": json.dumps(card or {})}
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _save(tensors, target, metadata)


def load_detector(
    name_or_path: str | Path,
    *,
    dtype: str = "auto",
    torch_device: str = "auto",
    window_size: int | None = None,
    window_table: str | None = None,
) -> MixedDetector:
    """A detector ready for inference, by name (shipped, then `$FOVEATE_HOME/weights`) or by path.

    `dtype`: "float32", "bfloat16", or "auto" (bfloat16 where the processor multiplies it fast).
    `torch_device`: "cpu", "cuda", or "auto". `window_size` and `window_table` ("cut" or "interpolate") run it at
    another attention window than it was made for (`run_at_window`); the detector's name and hash then say so.
    A folder with `config.json`, as on the Hugging Face hub, is a published detector (`foveate.models.load_model`).
    Raises `InputError` for an unknown name or a window that cannot be, and `WeightsError` for a file that is truncated
    or not a foveate detector.
    """
    folder = find_checkpoint(name_or_path)
    if folder is not None:
        if window_size is not None or window_table is not None:
            raise InputError(f"{folder}: a published model keeps its windows; leave out window_size and window_table")
        return _load_published(folder, dtype, torch_device)
    path = find_weights(name_or_path)
    metadata, tensors = read_weights(path)
    kind = _format(path, metadata)
    config, note = _at_window(_config(path, metadata, kind), window_size, window_table)
    name, hashed = path.name.removesuffix(SUFFIX), digest(path)
    detector = filled(lambda: kind.model(config, name=name + note, weights_hash=hashed + note), tensors, path)
    device = choose_torch_device(torch_device)
    return for_inference(detector, device, choose_dtype(dtype, device))


def _at_window(config: OwnConfig, window_size: int | None, window_table: str | None) -> tuple[OwnConfig, str]:
    """The configuration at another window, and what that adds to the detector's name."""
    if isinstance(config, ConvDetectorConfig):
        if window_size is not None or window_table is not None:
            raise InputError("a convolutional detector has no windows; leave out window_size and window_table")
        return config, ""
    backbone = run_at_window(config.backbone, window_size, window_table)
    return replace(config, backbone=backbone), "" if backbone == config.backbone else window_note(backbone)


def for_inference(detector: MixedDetector, torch_device: torch.device, dtype: torch.dtype) -> MixedDetector:
    """The same detector without gradients, in `dtype` on `torch_device`, laid out as convolutions run fastest."""
    detector.eval().requires_grad_(requires_grad=False).to(torch_device, dtype)
    for module in detector.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return detector


def _load_published(folder: Path, dtype: str, torch_device: str) -> MixedDetector:
    from foveate.models.families import load_model  # noqa: PLC0415  # families use this file

    model = load_model(folder, dtype=dtype, torch_device=torch_device)
    if not isinstance(model, MixedDetector):
        raise InputError(f"{folder}: a detector is required, got a {type(model).__name__}; use foveate.load_model")
    return model


def known_models() -> dict[str, Path]:
    """Names that `load_detector` finds on this machine, with their files."""
    folders = (foveate_home() / "weights", SHIPPED)
    return {p.name.removesuffix(SUFFIX): p for folder in folders for p in sorted(folder.glob(f"*{SUFFIX}"))}


def known_checkpoints() -> dict[str, Path]:
    """Names of published models on this machine (folders with a `config.json`), with their folders."""
    return {p.parent.name: p.parent for p in sorted((foveate_home() / "weights").glob("*/config.json"))}


def find_checkpoint(name_or_path: str | Path) -> Path | None:
    """The folder of a published model by its name or path, or None if it names something else."""
    known = known_checkpoints()
    if str(name_or_path) in known_models():
        return None
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    return Path(name_or_path) if (Path(name_or_path) / "config.json").is_file() else None


def find_weights(name_or_path: str | Path) -> Path:
    """The weights file of a name or path, or `InputError` listing the known names; published models have none."""
    known = known_models()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    if (folder := find_checkpoint(name_or_path)) is not None:
        raise InputError(f"{folder} is the folder of a published model; a weights file of foveate is required")
    path = Path(name_or_path)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"{path} is a folder without the config.json of a published model; a weights file is required")
    if str(name_or_path) in published_models():
        raise InputError(f"{name_or_path} is published, but not on this machine; foveate models fetch {name_or_path}")
    names = ", ".join(sorted([*known, *known_checkpoints()])) or "none"
    raise InputError(f"no model or weights file named {str(name_or_path)!r}; models on this machine: {names}")


def read_config(path: Path) -> tuple[OwnConfig, int]:
    """The configuration that a weights file holds, and how many numbers its tensors have; `WeightsError` if damaged."""
    metadata = _read_metadata(path)
    config: OwnConfig = _config(path, metadata, _format(path, metadata))
    with safe_open(path, framework="pt") as file:
        shapes = [file.get_slice(key).get_shape() for key in file.keys()]  # noqa: SIM118 - not a dict
    return config, sum(math.prod(shape) for shape in shapes)


def read_card(path: Path) -> dict[str, Any]:
    """The card figures stored in a weights file. Raises `WeightsError` where it is damaged."""
    try:
        return dict(json.loads(_read_metadata(path).get("card", "{}")))
    except (TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the header holds no card ({error})") from error


def describe_weights(path: Path, facts: dict[str, Any], *, score_threshold: float | None = None) -> dict[str, Any]:
    """Put facts into the card of a weights file, tensors untouched, and return the card; at once or not at all.

    `score_threshold`: the file's new one. Raises `InputError` for a threshold outside 0..1, `WeightsError` for a file
    that is not a whole detector.
    """
    if score_threshold is not None and not 0 <= score_threshold <= 1:
        raise InputError(f"score_threshold must lie in 0..1, got {score_threshold}")
    metadata, tensors = read_weights(path)
    config, card = _config_values(path, metadata), read_card(path) | facts
    if score_threshold is not None:
        config["score_threshold"] = card["score_threshold"] = score_threshold
    _save(tensors, path, metadata | {"config": json.dumps(config), "card": json.dumps(card)})
    return card


def _save(tensors: dict[str, torch.Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a file at once or not at all; whoever may read a new file here may read it, which safetensors forbids."""
    with whole_file(path) as draft:
        draft.touch()
        mode = (path if path.exists() else draft).stat().st_mode
        try:
            save_file(tensors, draft, metadata=metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        draft.chmod(mode)


def choose_torch_device(wanted: str) -> torch.device:
    """`wanted`, or for "auto" a CUDA device if there is one. Raises `InputError` for one that is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen: torch.device | None = torch.device(wanted)
    except RuntimeError:
        chosen = None
    if chosen is None or chosen.type not in ("cpu", "cuda"):
        raise InputError(f"torch_device must be 'auto', 'cpu' or 'cuda[:N]', got {wanted!r}")
    found = torch.cuda.device_count() if chosen.type == "cuda" else 0
    if chosen.type == "cuda" and (chosen.index or 0) >= found:
        raise InputError(f"torch_device is {wanted!r}, but torch finds {found} CUDA devices on this machine")
    return chosen


def choose_dtype(wanted: str, torch_device: torch.device) -> torch.dtype:
    """`wanted`, or for "auto" bfloat16 where matrix products in it are faster than in float32."""
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if wanted in known:
        return known[wanted]
    if wanted != "auto":
        raise InputError(f"dtype must be one of auto, {', '.join(known)}, got {wanted!r}")
    return torch.bfloat16 if _multiplies_bfloat16(torch_device) else torch.float32


def _multiplies_bfloat16(torch_device: torch.device) -> bool:
    if torch_device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())  # noqa: SLF001


def _read_metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: not a whole safetensors file ({error})") from error


def read_weights(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and tensors of a safetensors file; raises `WeightsError`."""
    metadata = _read_metadata(path)
    with safe_open(path, framework="pt") as file:
        return metadata, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict


def _format(path: Path, metadata: dict[str, str]) -> Format:
    got = metadata.get("format", "no format at all")
    if got not in FORMATS:
        known = " or ".join(repr(name) for name in FORMATS)
        raise WeightsError(f"{path}: weights of format {known} are required, got {got!r}")
    return FORMATS[got]


def _config_values(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """The shape in a file's header as plain values, which describe a detector."""
    _config(path, metadata, _format(path, metadata))
    values: dict[str, Any] = json.loads(metadata["config"])
    return values


def _config(path: Path, metadata: dict[str, str], kind: Format) -> Any:
    try:
        return kind.read_config(json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: the header does not describe a detector ({error})") from error


def _dense_config(values: dict[str, Any]) -> DetectorConfig:
    values |= {key: tuple(values[key]) for key in ("class_names", "strides")}
    return DetectorConfig(**values | {"backbone": _backbone(values["backbone"])})


def _rcnn_config(values: dict[str, Any]) -> RcnnConfig:
    values |= {key: tuple(values[key]) for key in ("class_names", "strides", "anchor_sizes", "anchor_ratios")}
    stages = tuple(tuple(weights) for weights in values["stages"])
    return RcnnConfig(**values | {"backbone": _backbone(values["backbone"]), "stages": stages})


def _convolutional_config(values: dict[str, Any]) -> ConvDetectorConfig:
    values |= {key: tuple(values[key]) for key in ("channels", "blocks", "class_names", "strides")}
    return ConvDetectorConfig(**values)


def _backbone(values: dict[str, Any]) -> BackboneConfig:
    size = values["relative_size"]
    return BackboneConfig(**values | {"relative_size": tuple(size) if size else None})


FORMATS = {
    "foveate-detector-1": Format(model=Detector, read_config=_dense_config),
    "foveate-rcnn-1": Format(model=RcnnDetector, read_config=_rcnn_config),
    "foveate-convolutional-1": Format(model=ConvDetector, read_config=_convolutional_config),
}
"""By what `format` in a file's header says."""


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256: names caches of this model's outputs."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def content_digest(path: Path) -> str:
    """`digest` of shape, threshold and tensors alone: it stays when only the facts in the card change."""
    config = _read_metadata(path).get("config", "")
    with path.open("rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        return hashlib.sha256(config.encode() + file.read()).hexdigest()[:16]
