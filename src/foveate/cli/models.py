"""`foveate models`: the detectors that this machine has."""

from pathlib import Path

EXAMPLE = "Example: foveate models"

_COLUMNS = ("name", "parameters", "window", "threshold", "data", "terms", "file")


def models() -> None:
    """List the models found in the package and in $FOVEATE_HOME/weights."""
    from rich.console import Console
    from rich.table import Table

    from foveate.core import InputError, foveate_home
    from foveate.models import known_models

    found = known_models()
    if not found:
        raise InputError(f"no models found in the package or in {foveate_home() / 'weights'}")
    table = Table()
    for column in _COLUMNS:
        table.add_column(column, no_wrap=column == "name", overflow="fold")
    for name, path in sorted(found.items()):
        table.add_row(*_row(name, path))
    Console().print(table)


def _row(name: str, path: Path) -> tuple[str, ...]:
    """The cells of one model; a file that cannot be used says why in place of its figures."""
    from foveate.core import WeightsError
    from foveate.models import load_detector, read_card

    try:
        detector, card = load_detector(path, torch_device="cpu", dtype="float32"), read_card(path)
    except WeightsError as error:
        return name, "unusable", "", "", str(error), "", str(path)
    return (
        name,
        f"{sum(p.numel() for p in detector.parameters()) / 1e6:.1f} M",
        str(detector.config.backbone.window_size),
        f"{detector.score_threshold:.2f}",
        str(card.get("data", "not stated")),
        str(card.get("terms", "not stated")),
        str(path),
    )
