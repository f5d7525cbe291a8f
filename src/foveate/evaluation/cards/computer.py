"""What a card's figures are computed on."""

import torch

from foveate.evaluation.summary import machine


def accelerator() -> str | None:
    """Name of the accelerator that detectors are loaded onto; None where the processor computes."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def computer() -> str:
    """Processor, cores, system and, if there is one, accelerator."""
    name = accelerator()
    return machine() if name is None else f"{machine()}, {name}"
