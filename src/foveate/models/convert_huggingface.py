"""Backbones saved in the layout of Hugging Face's `VitDet` become foveate backbones; no value is changed."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from foveate.core import InputError, WeightsError
from foveate.models.backbone import Backbone, BackboneConfig

_NAMES = {
    "norm1.weight": "norm1.weight",
    "norm1.bias": "norm1.bias",
    "attention.qkv.weight": "attention.qkv.weight",
    "attention.qkv.bias": "attention.qkv.bias",
    "attention.proj.weight": "attention.proj.weight",
    "attention.proj.bias": "attention.proj.bias",
    "attention.rel_pos_h": "attention.relative_rows",
    "attention.rel_pos_w": "attention.relative_columns",
    "norm2.weight": "norm2.weight",
    "norm2.bias": "norm2.bias",
    "mlp.fc1.weight": "fc1.weight",
    "mlp.fc1.bias": "fc1.bias",
    "mlp.fc2.weight": "fc2.weight",
    "mlp.fc2.bias": "fc2.bias",
}
"""Names inside a block: theirs to ours."""

_FIXED = {
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "num_channels": 3,
    "qkv_bias": True,
    "residual_block_indices": [],
}
"""What no weight tells and the backbone here has in one form only."""
_NEEDED = (
    "hidden_size",
    "image_size",
    "num_attention_heads",
    "num_hidden_layers",
    "patch_size",
    "pretrain_image_size",
    "window_block_indices",
    "window_size",
)


def load_huggingface_backbone(folder: Path | str, *, downsampling_factor: int = 2) -> Backbone:
    """The backbone of a folder with `config.json` and `model.safetensors`, as `save_pretrained` writes it.

    Raises `WeightsError` for files that are missing, truncated or no configuration, and the errors of
    `convert_huggingface`.
    """
    path = Path(folder)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        state = load_file(path / "model.safetensors")
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise WeightsError(f"{path}: config.json and model.safetensors are required ({error})") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{path / 'config.json'}: a JSON object is required, got {type(config).__name__}")
    return convert_huggingface(state, config, downsampling_factor=downsampling_factor)


def convert_huggingface(
    state: Mapping[str, Tensor], config: Mapping[str, Any], *, downsampling_factor: int = 2
) -> Backbone:
    """A `VitDetBackbone` or `VitDetModel` state dict and its configuration -> the same backbone here.

    `config`: the dictionary of a `VitDetConfig`. Raises `InputError` where it is not one, or for a form that the
    mixed-resolution backbone does not have, and `WeightsError` naming keys that are missing or unexpected.
    """
    try:
        shape = _read_config(config, downsampling_factor)
    except InputError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise InputError(f"the configuration of a VitDet is required ({error})") from error
    backbone = Backbone(shape)
    ours = {_our_name(key): value for key, value in _without_prefix(state).items()}
    if "positions" in ours:
        ours["positions"] = square_table(ours["positions"])
    wanted = backbone.state_dict()
    missing, unexpected = sorted(wanted.keys() - ours.keys()), sorted(ours.keys() - wanted.keys())
    wrong = sorted(k for k in wanted.keys() & ours.keys() if wanted[k].shape != ours[k].shape)
    if missing or unexpected or wrong:
        raise WeightsError(
            f"not the weights of this VitDet configuration; missing: {listed(missing)}; "
            f"unexpected: {listed(unexpected)}; of another shape: {listed(wrong)}"
        )
    backbone.load_state_dict(ours)
    return backbone.eval()


def _read_config(config: Mapping[str, Any], downsampling_factor: int) -> BackboneConfig:
    if missing := [key for key in _NEEDED if key not in config]:
        raise InputError(f"the configuration of a VitDet is required; missing: {listed(missing)}")
    for key, wanted in _FIXED.items():
        if config.get(key, wanted) != wanted:
            raise InputError(f"{key} must be {wanted!r} for a mixed-resolution backbone, got {config[key]!r}")
    depth, patch = int(config["num_hidden_layers"]), _square(config, "patch_size")
    height, width = _sides(config["image_size"])
    relative, absolute = config.get("use_relative_position_embeddings"), config.get("use_absolute_position_embeddings")
    return BackboneConfig(
        dim=int(config["hidden_size"]),
        depth=depth,
        heads=int(config["num_attention_heads"]),
        subsets=count_subsets(depth, [int(i) for i in config["window_block_indices"]]),
        patch_size=patch,
        window_size=int(config["window_size"]),
        downsampling_factor=downsampling_factor,
        mlp_ratio=float(config.get("mlp_ratio", 4)),
        positions="stretched" if absolute in (True, None) else "none",
        position_size=_square(config, "pretrain_image_size") // patch,
        relative_size=(height // patch, width // patch) if relative else None,
    )


def _sides(size: Any) -> tuple[int, int]:
    """Height and width that a configuration gives as one number or two."""
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _square(config: Mapping[str, Any], key: str) -> int:
    height, width = _sides(config[key])
    if height != width:
        raise InputError(f"{key} must be square, got {height} x {width}")
    return height


def count_subsets(depth: int, window_blocks: list[int]) -> int:
    """N, if the blocks are N equal subsets that each end in their only global block; else `InputError`."""
    global_blocks = sorted(set(range(depth)) - set(window_blocks))
    count = len(global_blocks)
    if not count or depth % count or global_blocks != list(range(depth // count - 1, depth, depth // count)):
        raise InputError(f"global blocks must end equal subsets of the {depth} blocks, got global {global_blocks}")
    return count


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Cut what stands before `embeddings.` and `encoder.`, if all keys share it."""
    start = next((key.index("embeddings.") for key in state if "embeddings.projection" in key), 0)
    prefix = next((key[:start] for key in state if "embeddings.projection" in key), "")
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _our_name(key: str) -> str:
    direct = {
        "embeddings.position_embeddings": "positions",
        "embeddings.projection.weight": "embed.projection.weight",
        "embeddings.projection.bias": "embed.projection.bias",
    }
    if key.startswith("encoder.layer."):
        number, _, rest = key.removeprefix("encoder.layer.").partition(".")
        return f"blocks.{number}.{_NAMES.get(rest, rest)}"
    return direct.get(key, key)


def square_table(table: Tensor) -> Tensor:
    """`(1, n, C)` -> `(1, size, size, C)`; a class token before the n patches is left out.

    Raises `WeightsError` where n is no square of patches, or one more.
    """
    size = math.isqrt(table.shape[1]) if table.ndim == 3 and len(table) == 1 else 0
    if not size or table.shape[1] - size * size > 1:
        raise WeightsError(
            "positions must be a table (1, n, C) of a square of patches, with or without a class token, "
            f"got shape {tuple(table.shape)}"
        )
    return torch.reshape(table[:, table.shape[1] - size * size :], (1, size, size, table.shape[2]))


def listed(keys: list[str]) -> str:
    """The first of the names, and how many more there are."""
    shown = ", ".join(keys[:5]) or "none"
    return f"{shown} and {len(keys) - 5} more" if len(keys) > 5 else shown
