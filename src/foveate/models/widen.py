"""A detector as a wider one that gives the same answers, to be trained further (Net2Net: Chen et al. 2016).

Channel c of the wide model repeats channel c % n of the narrow one, so heads are repeated whole. What reads a channel
shares its weight out among the repetitions, in random parts, so that they get different gradients and grow apart.
Pyramid and head may have any larger width: channels beyond the last whole repetition hold the mean of the others, which
the normalisation behind every layer there turns into 0.
"""

from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor, nn

from foveate.core import InputError
from foveate.models.detector import Detector, DetectorConfig

_NORMALISED = ("pyramid.laterals.", "head.")
"""Layers of these names whose width changes are followed by a normalisation over channels."""
_UNEVENNESS = 0.5
"""Before they are made to sum to 1, shares lie so far around 1."""


@torch.no_grad()
def widen(detector: Detector, shape: DetectorConfig, *, seed: int = 0) -> Detector:
    """A new detector with the widths of `shape`: tokens, heads, pyramid; answers are those of `detector`, float32.

    Scores are read as `detector` has it. Raises `InputError` where `shape` differs in more than widths, is no whole
    multiple wide, or has heads of another width.
    """
    _check(detector.config, shape)
    backbone = replace(detector.config.backbone, dim=shape.backbone.dim, heads=shape.backbone.heads)
    config = replace(detector.config, backbone=backbone, pyramid_channels=shape.pyramid_channels)
    made, generator = Detector(config, name=detector.name), torch.Generator().manual_seed(seed)
    for name, module in made.named_modules():
        narrow = detector.get_submodule(name)
        for kind, target in module.named_parameters(recurse=False):
            value = narrow.get_parameter(kind).detach().cpu().float()
            if isinstance(module, nn.LayerNorm):
                target.copy_(_of_norm(kind, value, len(target)))
            elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                swap = kind == "weight" and isinstance(module, nn.ConvTranspose2d)  # it has inputs first
                value, wanted = (x.transpose(0, 1) if swap else x for x in (value, target))
                wanted.copy_(_of_map(name, value, wanted, generator))
            else:
                target.copy_(_repeated(value.movedim(-1, 0), target.shape[-1]).movedim(0, -1))
    return made


def _of_map(name: str, value: Tensor, wanted: Tensor, generator: torch.Generator) -> Tensor:
    """Weight `(outputs, inputs, ...)` or bias `(outputs,)` of a linear map, as large as `wanted`."""
    parts = 3 if name.endswith(".qkv") else 1
    rows = [_outputs(name, part, len(wanted) // parts) for part in value.chunk(parts)]
    value = torch.cat(rows)
    return value if value.ndim == 1 else _inputs(value, wanted.shape[1], generator)


def _outputs(name: str, value: Tensor, width: int) -> Tensor:
    """Rows repeated up to `width`, then their mean; the larger scale keeps the variance over all channels."""
    copies, rest = divmod(width, len(value))
    if copies < 1 or (rest and not name.startswith(_NORMALISED)):
        raise InputError(f"{name} must become wider by a whole factor, got {len(value)} and {width} channels")
    mean = value.mean(dim=0, keepdim=True)
    return torch.cat([value] * copies + [mean] * rest) * _scale(len(value), width)


def _inputs(value: Tensor, width: int, generator: torch.Generator) -> Tensor:
    """Columns shared out among the repetitions; those beyond them read zeros, and may be anything."""
    copies, rest = divmod(width, value.shape[1])
    shares = 1 + _UNEVENNESS * (2 * torch.rand(copies, *value.shape, generator=generator) - 1)
    shares /= shares.sum(dim=0)
    return torch.cat([*(value * shares), value[:, :rest]], dim=1)


def _of_norm(kind: str, value: Tensor, width: int) -> Tensor:
    if kind == "weight":
        return _repeated(value, width) / _scale(len(value), width)
    rest = width % len(value)
    return torch.cat([value] * (width // len(value)) + [value.new_zeros(rest)])


def _repeated(value: Tensor, width: int) -> Tensor:
    return value[torch.arange(width) % len(value)]


def _scale(narrow: int, width: int) -> float:
    """Root of all channels over those that are whole repetitions."""
    return float((width / (width - width % narrow)) ** 0.5)


def _check(narrow: DetectorConfig, wide: DetectorConfig) -> None:
    required, got = _but_widths(narrow), _but_widths(wide)
    for name, value in required.items():
        if got[name] != value:
            raise InputError(f"a wider model must have the same {name}: required {value}, got {got[name]}")
    old, new = narrow.backbone, wide.backbone
    if new.dim % old.dim or new.dim * old.heads != old.dim * new.heads:
        raise InputError(
            f"a wider model must be a multiple of {old.dim} wide, with heads of {old.dim // old.heads}; "
            f"got {new.dim}, with heads of {new.dim // new.heads}"
        )


def _but_widths(config: DetectorConfig) -> dict[str, Any]:
    """What a wider model has in common with a narrow one."""
    values = asdict(config)
    values |= values.pop("backbone")
    widths = ("dim", "heads", "pyramid_channels", "nms_iou", "score_threshold")
    return {name: value for name, value in values.items() if name not in widths}
