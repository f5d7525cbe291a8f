"""A live device that owes frames answers: its session, with codec and the device's own model."""

import secrets
from collections.abc import Callable
from functools import partial

from foveate.codec import EncodedFrame, EncodedParts, encode_plan
from foveate.core import ClassProfile, Frame, Look, Looker, PairTimes
from foveate.device.answering import AnsweringSession
from foveate.device.backoff import Backoff
from foveate.device.events import DecideWork, DeviceEvent, Displayed, EncodeWork, LookWork, OffloadDone
from foveate.device.live_shell import LiveShell, ignore, never
from foveate.device.owed import Answered, AnswerRules
from foveate.device.sources import FrameSource
from foveate.network.transports import Channel
from foveate.policies.answering import AnswerPolicy


class LiveAnswering(LiveShell[AnsweringSession]):
    """Runs an `AnsweringSession` on the wall clock. Use as a context manager: `connect`, then `play`.

    `looker`: the device's model, called in a thread of its own. `times`: what work is expected to take at first.
    """

    def __init__(
        self,
        *,
        source: FrameSource,
        channel: Channel,
        policy: AnswerPolicy,
        looker: Looker,
        rules: AnswerRules,
        times: PairTimes,
        profile: ClassProfile | None = None,
        on_frame: Callable[[Displayed], None] = ignore,
        on_answer: Callable[[Answered], None] = ignore,
        on_offload: Callable[[OffloadDone], None] = ignore,
        stop: Callable[[], bool] = never,
    ) -> None:
        def session(frame_interval_s: float) -> AnsweringSession:
            return AnsweringSession(
                policy=policy,
                frame_interval_s=frame_interval_s,
                rules=rules,
                times=times,
                profile=profile,
                backoff=Backoff(secrets.randbits(64)),
            )

        super().__init__(
            source=source,
            channel=channel,
            session=session,
            workers=("codec", "model"),
            on_frame=on_frame,
            on_offload=on_offload,
            stop=stop,
        )
        self._looker, self._on_answer = looker, on_answer

    @property
    def probe_bytes(self) -> int:
        """Sum of all probes so far."""
        return self._session.probe_bytes

    def _capture_one(self, frame: Frame, now: float) -> list[DeviceEvent]:
        return self._session.capture(frame, now)

    def _hand_on(self, event: DeviceEvent) -> None:
        """Work for another thread, a decision, or an answer."""
        match event:
            case Answered():
                self._on_answer(event)
            case DecideWork():
                self._carry_out(self._session.decide(self._clock.now()))
            case LookWork(number=number):
                self._work("model", self._look, event, partial(self._session.looked, number))
            case EncodeWork(offload_id=offload_id):
                self._work("codec", _encode, event, partial(self._session.encoded, offload_id))

    def _look(self, work: LookWork) -> Look:
        return self._looker(work.frame.pixels, work.plan)


def _encode(work: EncodeWork) -> EncodedFrame | EncodedParts:
    return encode_plan(work.frame.pixels, grid=work.grid, plan=work.plan)
