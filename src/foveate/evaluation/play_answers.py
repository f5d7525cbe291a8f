"""A simulated run of an answering policy: real frames, bytes and results, virtual time."""

from collections.abc import Callable
from contextlib import ExitStack

from foveate.core import ClassProfile
from foveate.device import Answered, Clip, Displayed, Looking, OffloadDone, Recorder
from foveate.evaluation.answer_log import AnswerLog, Given
from foveate.evaluation.answer_outcomes import AnswerOutcomes, Looks
from foveate.evaluation.answer_settings import AnswerSettings
from foveate.evaluation.answer_tables import AnswerTable, answer_tables
from foveate.evaluation.glances import DeviceModel
from foveate.evaluation.lab.segment import FramesByPosition
from foveate.evaluation.link_truth import LINK_COLUMNS, NO_ROW, LinkTruth
from foveate.evaluation.outputs import Late, Outputs
from foveate.evaluation.simulate_answers import AnswerSimulation
from foveate.evaluation.truth import truth_key
from foveate.network import LinkSettings
from foveate.policies.answering import AnswerPolicy
from foveate.server import DetectorLike, welcome_of


def simulate_answers(
    log: AnswerLog,
    *,
    clip: Clip,
    policy: AnswerPolicy,
    link: LinkSettings,
    settings: AnswerSettings,
    profile: ClassProfile | None,
    cloud: DetectorLike,
    device: DeviceModel,
    outputs: Outputs | None,
    progress: Callable[[int], None],
) -> None:
    """Play the clip once; what happens is added to `log`, and to the tables in `outputs` as it happens.

    Raises `InputError` if the device's model cannot tell what the policy asks, `TransportError` if no answer passes the
    link.
    """
    welcome = welcome_of(cloud)
    log.welcome = welcome
    sha256 = truth_key(clip.path, welcome).video_sha256
    looks = Looks(
        clip_sha256=sha256,
        model_key=device.weights_hash,
        class_names=device.class_names,
        load=lambda: Looking(device),
    )
    outcomes = AnswerOutcomes(
        clip_sha256=sha256,
        weights_hash=welcome.weights_hash,
        class_names=tuple(welcome.class_names),
        score_threshold=settings.rules.score_threshold,
        load=lambda: cloud,
    )
    with ExitStack() as stack:
        stack.enter_context(looks)
        stack.enter_context(outcomes)
        frames = stack.enter_context(FramesByPosition(clip.path))
        tell = _Telling(log, None if outputs is None else _tables(stack, outputs), progress)
        simulation = AnswerSimulation(
            clip=clip,
            frames=frames.at,
            looks=looks,
            outcomes=outcomes,
            welcome=welcome,
            policy=policy,
            rules=settings.rules,
            times=settings.times,
            profile=profile,
            link=link,
            on_frame=tell.displayed,
            on_answer=tell.answered,
            on_offload=tell.offloaded,
            frame_count=_frame_count(clip),
            seed=settings.seed or 0,
        )
        simulation.run()
    log.probe_bytes, log.computed = simulation.probe_bytes, looks.computed + outcomes.computed


def _frame_count(clip: Clip) -> int:
    """How many frames are played: those that can be decoded, which may be more or fewer than a file announces."""
    return sum(1 for _ in clip) if clip.order is None else len(clip.order)


def _tables(stack: ExitStack, outputs: Outputs) -> Late[tuple[Recorder, AnswerTable]]:
    return stack.enter_context(Late(lambda: answer_tables(outputs.begin(), more_offload_columns=LINK_COLUMNS)))


class _Telling:
    """Log and tables hear of everything."""

    def __init__(
        self, log: AnswerLog, tables: Late[tuple[Recorder, AnswerTable]] | None, progress: Callable[[int], None]
    ) -> None:
        self._log, self._tables, self._progress = log, tables, progress

    def displayed(self, event: Displayed) -> None:
        self._log.displayed(event)
        if self._tables is not None:
            self._tables()[0].displayed(event)
        self._progress(event.frame.index + 1)

    def answered(self, event: Answered) -> None:
        self._log.answered(event)
        if self._tables is not None:
            self._tables()[1].answered(Given.of(event))

    def offloaded(self, event: OffloadDone, truth: LinkTruth | None) -> None:
        self._log.offloads.append(event)
        if self._tables is not None:
            self._tables()[0].offloaded(event, NO_ROW if truth is None else truth.row)
