"""What an experiment on answering policies is made of."""

from dataclasses import dataclass, field, replace

from foveate.core import InputError, PairTimes
from foveate.device import AnswerRules
from foveate.evaluation.lab.experiment import Kind, Uplink, Video, check_names
from foveate.policies.answering import answer_policy


@dataclass(frozen=True, kw_only=True)
class AnswerContender:
    """An answering policy under a name of its own. Raises `InputError` on a policy that does not exist."""

    label: str
    """What tables call it."""
    policy: str
    """`NAME[:parameter=value,...]`."""
    profile: str = ""
    """Name or path of one of its own, for what classes cost depends on how they are made; empty = the experiment's."""
    models: dict[str, str] = field(default_factory=dict)
    """Its own networks: names or paths of models in place of the experiment's, by theirs."""
    kinds: tuple[Kind, ...] = ("rendered", "real")
    """On which videos it is tried: networks that know rendered scenes alone say nothing on real ones."""
    ablation: bool = False
    """Whether it is compared under the main condition alone."""

    def __post_init__(self) -> None:
        answer_policy(self.policy)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How fast device and cloud are, in one word or two."""

    times: PairTimes
    origin: str = "assumed"
    """Where the times come from."""

    @property
    def label(self) -> str:
        """What tables call it."""
        return f"device {1000 * self.times.look_s:g} ms, cloud {1000 * self.times.cloud_s:g} ms"


@dataclass(frozen=True, kw_only=True)
class AnswerCondition:
    """What the cells of one table share."""

    group: str
    """Of uplinks."""
    transport: str
    pair: Pair
    rules: AnswerRules
    offsets: int
    """How many starts in each trace."""
    main: bool = False

    @property
    def label(self) -> str:
        """What tables call it."""
        rules = self.rules
        words = [f"deadline {1000 * rules.deadline_s:g} ms", f"late: {rules.late}", self.pair.label, self.transport]
        return ", ".join([*words, self.group, *(["pipelined"] if rules.pipelined else [])])


@dataclass(frozen=True, kw_only=True)
class AnswerExperiment:
    """Videos x uplinks x contenders x offsets, and what that depends on.

    Raises `InputError` where one is missing, or where two have one name.

    The first of groups, transports, pairs and rules makes the main tables; each other one is tried with the first ones
    of the rest, as in `Experiment`.
    """

    name: str
    question: str
    expected: str
    """What should come out, and why."""
    videos: tuple[Video, ...]
    """`model` is the cloud's."""
    uplinks: tuple[Uplink, ...]
    contenders: tuple[AnswerContender, ...]
    pairs: tuple[Pair, ...]
    rules: tuple[AnswerRules, ...] = field(default_factory=lambda: (AnswerRules(),))
    transports: tuple[str, ...] = ("ideal",)
    device_model: str = ""
    """Name or path; empty = the video's."""
    profile: str
    """Name or path of the profile that says what importance classes cost."""
    seconds: float = 20.0
    offsets: int = 2
    """How many starts in each trace."""
    seed: int = 0
    focus: str = ""
    """Label of the contender that the others are compared with; empty: the first."""
    published: dict[str, dict[str, float]] = field(default_factory=dict)
    """Figures of a publication by label; only ever shown beside ours."""

    def __post_init__(self) -> None:
        for what in ("videos", "uplinks", "contenders", "pairs", "rules", "transports"):
            if not getattr(self, what):
                raise InputError(f"experiment {self.name} needs {what}, got none")
        labels = [contender.label for contender in self.contenders]
        if len(set(labels)) < len(labels):
            raise InputError(f"the contenders of experiment {self.name} need labels of their own, got {labels}")
        if self.focus and self.focus not in labels:
            raise InputError(f"the focus of experiment {self.name} must be one of {labels}, got {self.focus!r}")
        check_names(self.name, self.videos, self.uplinks)
        if not 0 < self.seconds < float("inf") or self.offsets < 1:
            raise InputError(
                f"cells last more than 0 s and start at 1 offset or more, got {self.seconds:g} s and {self.offsets}"
            )

    def models_of(self, contender: AnswerContender, video: Video) -> tuple[str, str]:
        """Names or paths of the cloud's model and of the device's."""
        names = (video.model, self.device_model or video.model)
        cloud, device = (contender.models.get(name, name) for name in names)
        return cloud, device

    @property
    def conditions(self) -> list[AnswerCondition]:
        """The main one first, then the variations."""
        groups = list(dict.fromkeys(uplink.group for uplink in self.uplinks))
        main = AnswerCondition(
            group=groups[0],
            transport=self.transports[0],
            pair=self.pairs[0],
            rules=self.rules[0],
            offsets=self.offsets,
            main=True,
        )
        varied = replace(main, main=False)
        return [
            main,
            *(replace(varied, group=group) for group in groups[1:]),
            *(replace(varied, transport=transport) for transport in self.transports[1:]),
            *(replace(varied, rules=rules) for rules in self.rules[1:]),
            *(replace(varied, pair=pair) for pair in self.pairs[1:]),
        ]

    @property
    def compared_with(self) -> str:
        """Label of the contender that the others are compared with."""
        return self.focus or self.contenders[0].label
