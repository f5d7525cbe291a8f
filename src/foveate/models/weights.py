"""Weights on disk: one safetensors file that carries the model's shape and card figures in its header."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from foveate.core import InputError, WeightsError, foveate_home
from foveate.models.backbone import BackboneConfig
from foveate.models.detector import Detector, DetectorConfig

FORMAT = "foveate-detector-1"
SUFFIX = ".safetensors"
SHIPPED = Path(__file__).parent / "shipped"
"""Weights inside the wheel."""


def save_detector(
    detector: Detector,
    path: Path | str,
    *,
    score_threshold: float | None = None,
    card: dict[str, Any] | None = None,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a detector to `path`, in half precision unless told otherwise; replaces the file at once or not at all.

    `card`: figures and facts for the model card, anything JSON can hold.
    """
    config = detector.config
    if score_threshold is not None:
        config = replace(config, score_threshold=score_threshold)
    write_weights(detector, path, form=FORMAT, config=asdict(config), card=card, dtype=dtype)


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
    partial = target.with_suffix(".part")
    save_file(tensors, partial, metadata=metadata)
    partial.replace(target)


def load_detector(name_or_path: str | Path, *, dtype: str = "auto", torch_device: str = "auto") -> Detector:
    """A detector ready for inference, by name (shipped, then `$FOVEATE_HOME/weights`) or by path.

    `dtype`: "float32", "bfloat16", or "auto" (bfloat16 where the processor multiplies it fast).
    `torch_device`: "cpu", "cuda", or "auto". Raises `InputError` for an unknown name and `WeightsError` for a file
    that is truncated or not a foveate detector.
    """
    path = find_weights(name_or_path)
    metadata, tensors = read_weights(path)
    detector = Detector(_config(path, metadata), name=path.name.removesuffix(SUFFIX), weights_hash=digest(path))
    fill(detector, tensors, path)
    device = choose_torch_device(torch_device)
    detector.eval().requires_grad_(requires_grad=False).to(device, choose_dtype(dtype, device))
    for module in detector.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return detector


def known_models() -> dict[str, Path]:
    """Names that `load_detector` finds on this machine, with their files."""
    folders = (foveate_home() / "weights", SHIPPED)
    return {p.name.removesuffix(SUFFIX): p for folder in folders for p in sorted(folder.glob(f"*{SUFFIX}"))}


def find_weights(name_or_path: str | Path) -> Path:
    """The weights file of a name or path, or `InputError` listing the known names."""
    known = known_models()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = ", ".join(sorted(known)) or "none"
    raise InputError(f"no model or weights file named {str(name_or_path)!r}; models on this machine: {names}")


def read_card(path: Path) -> dict[str, Any]:
    """The card figures stored in a weights file."""
    card: dict[str, Any] = json.loads(_read_metadata(path).get("card", "{}"))
    return card


def choose_torch_device(wanted: str) -> torch.device:
    """`wanted`, or for "auto" a CUDA device if there is one."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(wanted)
    except RuntimeError as error:
        raise InputError(f"torch_device must be 'auto', 'cpu' or 'cuda[:N]', got {wanted!r}") from error


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


def _config(path: Path, metadata: dict[str, str]) -> DetectorConfig:
    if metadata.get("format") != FORMAT:
        got = metadata.get("format", "no format at all")
        raise WeightsError(f"{path}: weights of format {FORMAT!r} are required, got {got!r}")
    try:
        values = json.loads(metadata["config"])
        backbone = values.pop("backbone")
        if backbone["relative_size"]:
            backbone["relative_size"] = tuple(backbone["relative_size"])
        values |= {key: tuple(values[key]) for key in ("class_names", "strides")}
        return DetectorConfig(backbone=BackboneConfig(**backbone), **values)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: the header does not describe a detector ({error})") from error


def fill(model: torch.nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Give a model the tensors of a file, as float32; raises `WeightsError` where they are not those it has."""
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    got = {key: tuple(value.shape) for key, value in tensors.items()}
    wrong = [key for key in sorted(wanted | got) if wanted.get(key) != got.get(key)]
    if wrong:
        key = wrong[0]
        raise WeightsError(
            f"{path}: {len(wrong)} tensors do not fit, first {key}: required {wanted.get(key)}, got {got.get(key)}"
        )
    model.load_state_dict({key: value.float() for key, value in tensors.items()})


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256: names caches of this model's outputs."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
