"""What a run of an answering policy was asked for."""

from dataclasses import dataclass, field

from foveate.core import InputError, PairTimes
from foveate.device import AnswerRules
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.seconds is not None and self.seconds <= 0:
            raise InputError(f"a clip must be played for more than 0 s, got {self.seconds:g}")
        if self.seconds is not None and not self.simulate:
            raise InputError("a live run plays the whole clip; only a simulation can be cut or lengthened")
        if self.pin or self.view or self.view_file is not None:
            raise InputError("runs of answering policies know neither pinned cores nor the viewer")
