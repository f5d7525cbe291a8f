"""What a run of an answering policy was asked for."""

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, cast, get_args

from foveate.core import InputError, PairTimes
from foveate.device import AnswerRules
from foveate.device.owed import Late
from foveate.evaluation.settings import RunSettings


@dataclass(frozen=True, kw_only=True)
class AnswerSettings(RunSettings):
    """One run. `policy` is an answering one, `model` the cloud's. Raises `InputError` on numbers out of range."""

    device_model: str
    """Name or path of the device's model."""
    rules: AnswerRules = field(default_factory=AnswerRules)
    times: PairTimes = field(default_factory=PairTimes)
    """Durations of a simulation; a live run begins its expectations with them."""
    seconds: float | None = None
    """How long the clip is played, forward and backward where it is shorter; None: once, as it is."""

    @classmethod
    def of(cls, settings: RunSettings, **more: Any) -> Self:
        """The settings of any run, with what is asked of this kind alone."""
        return cls(**{field.name: getattr(settings, field.name) for field in fields(RunSettings)}, **more)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """As of any run, and the device's model."""
        return (*super().inputs, Path(self.device_model))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise InputError(f"a clip must be played for more than 0 s, got {self.seconds:g}")
        if self.seconds is not None and not self.simulate:
            raise InputError("a live run plays the whole clip; only a simulation can be cut or lengthened")
        if self.pin or self.view or self.view_file is not None:
            raise InputError("runs of answering policies know neither pinned cores nor the viewer")


def answer_rules(*, deadline_s: float, late: str, pipelined: bool) -> AnswerRules:
    """Rules as a user names them. Raises `InputError` on an unknown word for what happens at the deadline, or on a
    deadline that leaves no time before the device must answer.

    An offload is waited for twice as long as its frame, and 5 s at least.
    """
    if late not in get_args(Late):
        raise InputError(f"what happens at the deadline is one of {', '.join(get_args(Late))}, got {late!r}")
    guard_s = AnswerRules().guard_s
    if not guard_s < deadline_s < math.inf:
        asked = f"above {1e3 * guard_s:g}, got {1e3 * deadline_s:g}"
        raise InputError(f"the deadline (--deadline-ms) must be a number of milliseconds {asked}")
    return AnswerRules(
        deadline_s=deadline_s,
        late=cast("Late", late),
        pipelined=pipelined,
        offload_timeout_s=max(AnswerRules().offload_timeout_s, 2 * deadline_s),
    )
