"""What an experiment is made of: everything that is crossed with everything else."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from foveate.core import InferenceModel, InputError, Profile
from foveate.policies import by_name

Kind = Literal["rendered", "real"]
"""Of a video; the two are never put into one table."""
Figure = Literal["overall", "delays", "codec", "overhead", "restoration", "objects", "choices", "timeline"]
"""What a report can draw."""
ALL_FIGURES: tuple[Figure, ...] = ("overall", "delays", "codec", "choices", "objects", "timeline")


@dataclass(frozen=True, kw_only=True)
class Video:
    """A clip and the model that sees it. Raises `InputError` on an unknown kind or less than a frame."""

    path: Path
    """Exact truth (`NAME.json`) and pseudo boxes (`NAME.pseudo.json`) lie beside it."""
    model: str
    """Name or path of the server's model."""
    kind: Kind
    frames: int | None = None
    """How many from its beginning count; None: all. A clip ends where its camera was cut."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or (self.frames is not None and self.frames < 1):
            raise InputError(
                f"a video is one of {', '.join(get_args(Kind))} and has a frame at least, "
                f"got {self.kind!r} and {self.frames}"
            )

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.path.stem


@dataclass(frozen=True, kw_only=True)
class Uplink:
    """A trace, as recorded or scaled. Raises `InputError` on a scale of 0 or less."""

    path: Path
    scale: float = 1.0
    """Factor on every rate."""
    group: str = "recorded"
    """Tables never mix groups: `recorded`, `paper range`."""
    runs: tuple[str, ...] = ()
    """The recordings that it was cut from; traces that share one are no independent samples."""

    def __post_init__(self) -> None:
        if not 0 < self.scale < float("inf"):
            raise InputError(f"a trace must be scaled by more than 0, got {self.scale:g}")

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.path.parent.name}/{self.path.stem}"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A policy under a name of its own. Raises `InputError` on a policy that does not exist."""

    label: str
    """What tables and figures call it."""
    policy: str
    """`NAME[:parameter=value,...]`."""
    tells: str = ""
    """What a reader learns from it, in a sentence; empty: nothing is said."""

    def __post_init__(self) -> None:
        by_name(self.policy)


@dataclass(frozen=True, kw_only=True)
class BestOf:
    """A row that no contender could know: of its members the one that showed most on each video, told afterwards.

    Members run like contenders; the report shows this row alone.
    """

    label: str
    members: tuple[Contender, ...]
    """At least one, with labels of their own."""
    tells: str = ""
    """As of a contender."""


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What if the durations of a profile were others: a verdict that flips says so (docs/lab.md)."""

    mixed_gain: float = 1.0
    """Factor on the time that downsampling saves in inference."""
    codec: float = 1.0
    """Factor on encoding and decoding."""
    tracker: float = 1.0
    """Factor on tracking."""

    @property
    def label(self) -> str:
        """In words; empty if nothing is changed."""
        named = (("mixed gain", self.mixed_gain), ("codec", self.codec), ("tracker", self.tracker))
        return ", ".join(f"{name} x{factor:g}" for name, factor in named if factor != 1)

    def apply(self, profile: Profile) -> Profile:
        """The profile with these factors. T(N) of a restoration point becomes full - gain (full - T(N))."""
        codec, server, device = profile.codec, profile.server, profile.device
        return replace(
            profile,
            codec=replace(
                codec,
                encode_s=tuple(tuple(s * self.codec for s in row) for row in codec.encode_s),
                decode_s=tuple(s * self.codec for s in codec.decode_s),
            ),
            server=replace(
                server,
                inference={beta: self._gained(model, server.full_s) for beta, model in server.inference.items()},
                lines={beta: self._gained(model, server.full_s) for beta, model in server.lines.items()},
                late=None if server.late is None else self._gained(server.late, server.full_s),
            ),
            device=replace(
                device,
                tracker_frame_s=device.tracker_frame_s * self.tracker,
                tracker_object_s=device.tracker_object_s * self.tracker,
            ),
        )

    def _gained(self, model: InferenceModel, full_s: float) -> InferenceModel:
        first, *rest = (c * self.mixed_gain for c in model.coefficients)
        return replace(model, coefficients=(first + (1 - self.mixed_gain) * full_s, *rest))


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Whose durations: a profile, as it is or varied."""

    profile: str
    """Name or path."""
    variation: Variation = field(default_factory=Variation)

    @property
    def label(self) -> str:
        """What tables call it."""
        name = Path(self.profile).stem
        return f"{name} ({self.variation.label})" if self.variation.label else name


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What the cells of one table share."""

    group: str
    """Of uplinks."""
    transport: str
    machine: Machine
    offsets: int
    """How many starts in each trace."""


def check_names(experiment: str, videos: Sequence[Video], uplinks: Sequence[Uplink]) -> None:
    """Tables tell clips by their names, and traces within a group too: two of one name would be taken for one.

    Raises `InputError` that names them.
    """
    named = [f"video {video.name}" for video in videos]
    named += [f"trace {uplink.name} ({uplink.group})" for uplink in uplinks]
    if twice := [name for name, count in Counter(named).items() if count > 1]:
        raise InputError(f"videos and traces of experiment {experiment} need names of their own, got {twice} twice")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Videos x uplinks x contenders x offsets, and what that depends on.

    Raises `InputError` where one is missing, or where two have one name.

    The first group of uplinks, the first transport and the first machine make the main tables. Each other group,
    transport and machine is tried with the first ones of the rest: one thing is varied at a time. Cells last `seconds`
    each: a shorter clip is played forward and backward, a longer one is cut.
    """

    name: str
    question: str
    """What it asks, in one sentence."""
    expected: str
    """What should come out, and why."""
    videos: tuple[Video, ...]
    uplinks: tuple[Uplink, ...]
    contenders: tuple[Contender, ...]
    """In the order of tables and figures."""
    machines: tuple[Machine, ...]
    """Whose durations."""
    best_of: tuple[BestOf, ...] = ()
    """Rows that are told afterwards."""
    transports: tuple[str, ...] = ("ideal",)
    """Names of the network's senders."""
    seconds: float = 20.0
    offsets: int = 2
    """How many starts in each trace."""
    offsets_varied: int | None = None
    """How many outside the main tables; None: as many."""
    seed: int = 0
    """The first start is drawn from it, the next from the number after it."""
    figures: tuple[Figure, ...] = ALL_FIGURES
    focus: str = ""
    """Label of the contender that the others are compared with; empty: the first."""
    published: dict[str, float] = field(default_factory=dict)
    """Median rendering F1 by label, where a publication prints one; only ever shown beside ours."""

    def __post_init__(self) -> None:
        for what in ("videos", "uplinks", "contenders", "machines", "transports"):
            if not getattr(self, what):
                raise InputError(f"experiment {self.name} needs {what}, got none")
        everyone = [contender.label for contender in self.everyone] + [best.label for best in self.best_of]
        labels = [contender.label for contender in self.contenders]
        if len(set(everyone)) < len(everyone):
            raise InputError(f"the contenders of experiment {self.name} need labels of their own, got {everyone}")
        if self.focus and self.focus not in labels:
            raise InputError(f"the focus of experiment {self.name} must be one of {labels}, got {self.focus!r}")
        check_names(self.name, self.videos, self.uplinks)
        if not 0 < self.seconds < float("inf") or self.offsets < 1:
            raise InputError(
                f"cells last more than 0 s and start at 1 offset or more, got {self.seconds:g} s and {self.offsets}"
            )

    @property
    def conditions(self) -> list["Condition"]:
        """The main one first, then the variations."""
        groups = list(dict.fromkeys(uplink.group for uplink in self.uplinks))
        main = Condition(group=groups[0], transport=self.transports[0], machine=self.machines[0], offsets=self.offsets)
        varied = replace(main, offsets=self.offsets if self.offsets_varied is None else self.offsets_varied)
        return [
            main,
            *(replace(varied, group=group) for group in groups[1:]),
            *(replace(varied, transport=transport) for transport in self.transports[1:]),
            *(replace(varied, machine=machine) for machine in self.machines[1:]),
        ]

    @property
    def everyone(self) -> list[Contender]:
        """All that run: the contenders, and the members of rows that are told afterwards."""
        return [*self.contenders, *(member for best in self.best_of for member in best.members)]

    @property
    def rows(self) -> list["Contender | BestOf"]:
        """What tables and figures show, in their order."""
        return [*self.contenders, *self.best_of]

    @property
    def compared_with(self) -> str:
        """Label of the contender that the others are compared with."""
        return self.focus or self.contenders[0].label
