"""A model run at another attention window than the one that its relative tables were made for, without training.

Small windows make small regions: a published ViTDet has windows of 14 tokens, hence regions of 448 pixels; run at 9
they are 288 pixels. The tables of window blocks are cut to their centre or interpolated; neither is what the model
was trained with, so the choice must be named and shows in the model's name.
"""

from dataclasses import replace

from foveate.core import InputError
from foveate.models.backbone import BackboneConfig


def run_at_window(
    config: BackboneConfig, window_size: int | None = None, window_table: str | None = None
) -> BackboneConfig:
    """The same backbone at `window_size`; None = as it is. No weight changes.

    `window_table`: "cut" or "interpolate", required where a table was made for another window. Raises `InputError`
    where it is missing or unknown, and for windows that the model cannot have.
    """
    if window_size is None and window_table is None:
        return config
    size, trained = config.window_size if window_size is None else window_size, trained_window(config)
    if size < 1:
        raise InputError(f"a window must be at least 1 token wide, got {size}")
    if size != config.window_size and config.positions == "tiled":
        raise InputError(
            f"this model's positions repeat in every region of its window of {config.window_size} tokens; another "
            "window needs training: foveate train detector --finetune-window"
        )
    if window_table not in (None, "cut", "interpolate"):
        raise InputError(f"window_table must be 'cut' or 'interpolate', got {window_table!r}")
    changed = bool(config.relative_size) and size != trained
    if changed and window_table is None:
        raise InputError(
            f"the relative tables of this model were made for windows of {trained} tokens; for {size}, say how they "
            "are used: window_table='cut' or 'interpolate'"
        )
    if changed and window_table == "cut" and size > trained:
        raise InputError(f"tables made for windows of {trained} tokens cannot be cut for {size}; use 'interpolate'")
    table = config.window_table if window_table is None else window_table
    return replace(config, window_size=size, window_table=table, window_table_size=trained)  # type: ignore[arg-type]


def trained_window(config: BackboneConfig) -> int:
    """The window that the relative tables of window blocks were made for."""
    return config.window_table_size or config.window_size


def window_note(config: BackboneConfig) -> str:
    """What to add to a model's name: "" at its own window, else such as "-w9-cut"."""
    if not config.relative_size or config.window_size == trained_window(config):
        return ""
    return f"-w{config.window_size}-{config.window_table}"
