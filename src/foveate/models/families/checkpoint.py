"""Folders in the layout of the Hugging Face hub: `config.json`, `preprocessor_config.json`, safetensors.

Nothing is downloaded, no code of a checkpoint is run, and no pickle is read.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foveate.core import FoveateError, InputError, WeightsError

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"


def is_checkpoint(path: Path) -> bool:
    """Whether `path` is a folder with a `config.json`."""
    return (path / CONFIG).is_file()


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a checkpoint. Raises `WeightsError` if there is none that can be read."""
    config = _read_json(folder / CONFIG)
    if not isinstance(config.get("model_type"), str):
        raise WeightsError(f"{folder / CONFIG}: a model_type is required, got {config.get('model_type')!r}")
    return config


def read_preprocessor(folder: Path) -> dict[str, Any]:
    """The settings of a checkpoint's image preprocessor. Raises `WeightsError` if there are none."""
    whole = folder / "processor_config.json"
    if not (folder / PREPROCESSOR).is_file() and whole.is_file():
        settings = _read_json(whole).get("image_processor", {})
        if not isinstance(settings, dict):
            raise WeightsError(f"{whole}: image_processor must be a JSON object, got {type(settings).__name__}")
        return settings
    return _read_json(folder / PREPROCESSOR)


def load_theirs(folder: Path, class_name: str) -> Any:
    """The model of a checkpoint as the class of transformers called `class_name`, in float32, ready for inference.

    Raises `WeightsError` for files that are missing, truncated or of another model, and `FoveateError` without
    transformers.
    """
    transformers = _import_transformers()
    if not any(folder.glob("*.safetensors")):
        raise WeightsError(f"{folder}: model.safetensors is required (weights in other forms are not read)")
    with quiet():
        try:
            model, report = getattr(transformers, class_name).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype="float32", output_loading_info=True
            )
        except Exception as error:  # whatever a file that is not what it should be provokes in there
            raise WeightsError(f"{folder}: not a whole checkpoint for {class_name} ({_first_line(error)})") from error
    missing = sorted(key for key in report["missing_keys"] if not key.endswith("mask_token"))
    wrong = sorted(str(key) for key in report["mismatched_keys"])
    if missing or wrong:
        raise WeightsError(
            f"{folder}: not weights for {class_name}; missing: {_listed(missing)}; of another shape: {_listed(wrong)}"
        )
    return model.eval().requires_grad_(requires_grad=False)


def digest(folder: Path, *settings: object) -> str:
    """16 hexadecimal digits that change with any file of the checkpoint that matters, and with `settings`."""
    total = hashlib.sha256(repr(settings).encode())
    names = [CONFIG, PREPROCESSOR, "processor_config.json"]
    for file in [folder / name for name in names] + sorted(folder.glob("*.safetensors*")):
        if file.is_file():
            total.update(file.name.encode())
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()[:16]


def class_names(config: Any) -> tuple[str, ...]:
    """Names of the classes in the order of their numbers, from `id2label`. Raises `InputError` on gaps."""
    labels = {int(number): str(name) for number, name in config.id2label.items()}
    if sorted(labels) != list(range(len(labels))):
        raise InputError(f"id2label must number its {len(labels)} classes from 0, got {sorted(labels)}")
    return tuple(labels[number] for number in range(len(labels)))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: a readable JSON file is required ({_first_line(error)})") from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path}: a JSON object is required, got {type(values).__name__}")
    return values


def _import_transformers() -> Any:
    try:
        import transformers  # noqa: PLC0415  # heavy, and only for published models
    except ImportError as error:
        raise FoveateError("published models need transformers: pip install 'foveate[transformers]'") from error
    return transformers


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice from transformers meanwhile; what matters is in its report."""
    logging = _import_transformers().utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:3]) or "none"
    return f"{shown} and {len(keys) - 3} more" if len(keys) > 3 else shown
