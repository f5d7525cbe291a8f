"""What `experts-overall` is made of, and what comes out of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foveate.codec import PictureCoding
from foveate.core import InputError, PowerModel, SampleTimes
from foveate.estimators.power import EDGE_AND_CORE, EDGE_AND_T4
from foveate.estimators.sample_times import ZEN4_CORE
from foveate.evaluation.experts.training import ReadPictures
from foveate.network import LinkSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedLink:
    """A link of the table."""

    group: str
    """`4g`, `5g` or `lan`."""
    link: LinkSettings
    variation: str = ""
    """What differs from the links of the main table: `tcp`, `paper range`; empty: nothing."""
    recording: str = ""
    """Traces that share a recording share this name."""
    start: int = 0
    """Number of the start in the trace; it draws the pictures too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertsExperiment:
    """What `foveate compare experts-overall` runs. Raises `InputError` where two trainings have one name."""

    name: str
    question: str
    expected: str
    models: tuple[Path, ...]
    """Folders of trainings, one a seed; those that are not there yet are left out and named."""
    read: ReadPictures
    links: tuple[NamedLink, ...]
    times: SampleTimes = ZEN4_CORE
    slower_device: float = 10.0
    """Device at so many times the server's time for an expert, in the main tables."""
    power: PowerModel = EDGE_AND_T4
    other_power: PowerModel = EDGE_AND_CORE
    """Of the server that `times` are of: energies by both stand side by side."""
    coding: PictureCoding = field(default_factory=PictureCoding)
    rate_hz: float = 10.0
    samples: int = 500
    """Of each cell."""
    seed: int = 0
    pictures: int = 11_000
    """To choose on and of the table, for plans alone."""

    def __post_init__(self) -> None:
        names = [folder.name for folder in self.models]
        if len(set(names)) < len(names):
            raise InputError(f"the trainings of experiment {self.name} need names of their own, got {names}")


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpertsResults:
    """All that the tables and figures are made of."""

    rows: list[dict[str, Any]]
    """One a cell: row of the table, link, threshold, figures. Tables: `main`; `equal` (ours at a rival's accuracy);
    `map`."""
    specialists: list[dict[str, Any]]
    """Accuracies of kinds of experts, one a kind and seed."""
    choices: list[dict[str, Any]]
    """What was chosen on held-out pictures, one a row of the table and seed."""
    curves: list[dict[str, Any]]
    """Accuracy against share of offloaded samples on all pictures, one a kind of experts, seed and threshold."""
    pooled: list[dict[str, Any]]
    """Accuracies over all trainings, one a figure and row or kind of experts."""
    missing: list[str]
    """Trainings and models that were not there."""
