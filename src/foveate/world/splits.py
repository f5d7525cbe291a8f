"""The standard sets: which scenario, seeds and length serve training, profiling and evaluation.

Seeds of clips lie below `STILLS_SEED` and in hundreds: 100s for profiling, 200s for evaluation. Evaluation shows object
families and textures that no other set shows (`unseen`), and rain, a weather that no training picture shows. Seed 13 of
`walk-sunny` is the sample clip of the package and stays out of every set.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from foveate.world.errors import OrderError

STILLS_SEED = 1_000_000
"""Scene seeds of stills start here; a clip takes its seed as given, below this, so none shares their streets."""
SEEDS_PER_SET = 100_000
"""Distance between the scene seeds of stills sets with neighbouring seeds."""
SAMPLE = ("walk-sunny", 13)
"""Scenario and seed of the sample clip."""
HELD_OUT_WEATHER = ("walk-rain",)
"""Scenarios whose weather no training picture shows."""

Size = tuple[int, int]
"""`(height, width)`, pixels."""


@dataclass(frozen=True, kw_only=True)
class ClipSet:
    """A clip at 30 frames a second."""

    name: str
    scenario: str
    seed: int
    seconds: float
    size: Size
    purpose: str
    """`profiling` or `evaluation`."""
    unseen: bool
    fps: int = 30

    @property
    def frames(self) -> int:
        """How many frames that makes."""
        return round(self.seconds * self.fps)

    @property
    def pixels(self) -> int:
        """In all frames."""
        return self.frames * self.size[0] * self.size[1]

    @property
    def scenes(self) -> Iterator[tuple[str, int]]:
        """Scenario and seed of every scene that is built."""
        yield self.scenario, self.seed


@dataclass(frozen=True, kw_only=True)
class StillsSet:
    """Stills of scenarios in turn, each scene seen from several places."""

    name: str
    scenarios: tuple[str, ...]
    seed: int
    """Of the set, see `SEEDS_PER_SET`."""
    count: int
    sizes: tuple[Size, ...]
    """Scenes take them in turn."""
    frames_per_scene: int
    purpose: str
    """`training`, `validation` or `evaluation`."""
    unseen: bool
    quality: int = 92
    """JPEG quality."""

    @property
    def pixels(self) -> int:
        """In all pictures."""
        mean = sum(height * width for height, width in self.sizes) / len(self.sizes)
        return round(self.count * mean)

    @property
    def scenes(self) -> Iterator[tuple[str, int]]:
        """Scenario and seed of every scene that is built."""
        for scene in range(-(-self.count // self.frames_per_scene)):
            yield self.scenarios[scene % len(self.scenarios)], scene_seed(self.seed, scene)


Set = ClipSet | StillsSet


def scene_seed(seed: int, scene: int) -> int:
    """Seed of scene number `scene` of the stills set `seed`."""
    return STILLS_SEED + seed * SEEDS_PER_SET + scene


HD, UHD, SMALL = (1080, 1920), (2160, 3840), (720, 1280)
MIXED = ("walk-sunny", "cycle-sunny", "drive-night", "walk-indoor", "walk-sunny", "plaza-crowd")
"""Scenarios of training stills, in turn: no rain among them."""


def _stills(name: str, scenarios: tuple[str, ...], *, seed: int, count: int, purpose: str, unseen: bool) -> StillsSet:
    sizes = (SMALL, SMALL, SMALL, HD, SMALL)
    return StillsSet(
        name=name,
        scenarios=scenarios,
        seed=seed,
        count=count,
        sizes=sizes,
        frames_per_scene=12 if purpose == "training" else 4,
        purpose=purpose,
        unseen=unseen,
    )


def _pair(scenario: str, *, number: int, size: Size = HD, seconds: float = 60.0) -> tuple[ClipSet, ClipSet]:
    """The profiling clip and the evaluation clip of a scenario."""
    profiling = ClipSet(
        name=f"{scenario}-profile",
        scenario=scenario,
        seed=100 + number,
        seconds=seconds,
        size=size,
        purpose="profiling",
        unseen=False,
    )
    evaluation = replace(profiling, name=f"{scenario}-eval", seed=200 + number, purpose="evaluation", unseen=True)
    return profiling, evaluation


SETS: Mapping[str, Set] = {
    entry.name: entry
    for entry in (
        _stills("train-mixed", MIXED, seed=11, count=12_000, purpose="training", unseen=False),
        _stills("val-mixed", MIXED, seed=12, count=400, purpose="validation", unseen=False),
        _stills("test-mixed", (*MIXED, *HELD_OUT_WEATHER), seed=13, count=420, purpose="evaluation", unseen=True),
        *_pair("walk-sunny", number=1),
        *_pair("walk-rain", number=2),
        *_pair("walk-indoor", number=3),
        *_pair("cycle-sunny", number=4),
        *_pair("drive-night", number=5),
        *_pair("plaza-crowd", number=6, size=UHD, seconds=20.0),
    )
}
"""Every standard set by name. The stills seeds 1 and 2 belong to `train-stills` and `val-stills` of earlier weights."""


def standard_set(name: str) -> Set:
    """The set of that name; raises `OrderError` for an unknown one."""
    if name not in SETS:
        raise OrderError(f"unknown set {name!r}; known: {', '.join(SETS)}")
    return SETS[name]
