"""`foveate models`: the detectors that this machine has."""

from pathlib import Path

EXAMPLE = "Example: foveate models"

_COLUMNS = ("name", "size", "window", "threshold", "data", "terms", "found in")


def models() -> None:
    """List the models found in the package and in $FOVEATE_HOME/weights."""
    from rich.console import Console
    from rich.table import Column, Table

    from foveate.core import InputError, foveate_home
    from foveate.models import known_models

    found = known_models()
    if not found:
        raise InputError(f"no models found in the package or in {foveate_home() / 'weights'}")
    table = Table(Column(_COLUMNS[0], no_wrap=True), *_COLUMNS[1:])
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
        return name, "unusable", "", "", str(error), "", _place(path)
    return (
        name,
        f"{sum(p.numel() for p in detector.parameters()) / 1e6:.1f} M",
        str(detector.region_grid(1, 1).window_size),
        f"{detector.score_threshold:.2f}",
        str(card.get("data", "not stated")),
        str(card.get("terms", "not stated")),
        _place(path),
    )


def _place(path: Path) -> str:
    from foveate.models import SHIPPED

    return "package" if path.parent == SHIPPED else "home"
