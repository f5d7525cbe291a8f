"""The live part of a run of an answering policy: this process is the device with its model."""

import os
from contextlib import ExitStack

import numpy as np

from foveate.core import ClassProfile
from foveate.device import Answered, Clip, Displayed, LiveAnswering, Looking, OffloadDone
from foveate.device.live import SOCKET_BUFFER_BYTES
from foveate.evaluation.answer_log import AnswerLog, Given
from foveate.evaluation.answer_settings import AnswerSettings
from foveate.evaluation.answer_tables import answer_tables
from foveate.evaluation.glances import DeviceModel, DeviceModelLoader
from foveate.evaluation.outputs import Late, Outputs
from foveate.evaluation.processes import HOST, ModelLoader, start_relay, start_server
from foveate.evaluation.progress import Steps
from foveate.network import LinkSettings, ZmqChannel
from foveate.policies.answering import AnswerPolicy


def play_live_answers(
    log: AnswerLog,
    *,
    clip: Clip,
    policy: AnswerPolicy,
    link: LinkSettings,
    settings: AnswerSettings,
    profile: ClassProfile | None,
    load: ModelLoader,
    load_device: DeviceModelLoader,
    outputs: Outputs,
    steps: Steps,
) -> None:
    """Play the clip once; what happens is added to `log` and to the tables as it happens.

    Raises `FoveateError` if a child cannot start, `TransportError` if the server does not answer at the start. A child
    that is lost later is named in `log.lost`.
    """
    loaded = steps.begin("load", 2)
    with ExitStack() as children:
        server = children.enter_context(start_server(load, frame_size=_warm_size(settings, clip), core=None))
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: the other cores are the server's
        model = load_device()
        model(_reduced(clip, settings), "last")  # the first pass allocates and tunes
        loaded(1)
        relay = children.enter_context(start_relay(link, server_port=server.wait_for_port()))
        address = f"{HOST}:{relay.wait_for_port()}"
        loaded(2)
        _play(
            log,
            clip=clip,
            policy=policy,
            settings=settings,
            profile=profile,
            model=model,
            address=address,
            outputs=outputs,
            steps=steps,
        )
        gone = [child for child in (server, relay) if not child.alive]
        log.lost = " and ".join(f"the {child.name} ended ({child.ending})" for child in gone)


def _play(
    log: AnswerLog,
    *,
    clip: Clip,
    policy: AnswerPolicy,
    settings: AnswerSettings,
    profile: ClassProfile | None,
    model: DeviceModel,
    address: str,
    outputs: Outputs,
    steps: Steps,
) -> None:
    played = steps.begin("live run", clip.frame_count)
    with (
        Late(lambda: answer_tables(outputs.begin())) as tables,
        ZmqChannel(address, buffer_bytes=SOCKET_BUFFER_BYTES) as channel,
    ):

        def on_frame(event: Displayed) -> None:
            tables()[0].displayed(event)
            log.displayed(event)
            played(event.frame.index + 1)

        def on_answer(event: Answered) -> None:
            log.answered(event)
            tables()[1].answered(Given.of(event))

        def on_offload(event: OffloadDone) -> None:
            tables()[0].offloaded(event)
            log.offloads.append(event)

        device = LiveAnswering(
            source=clip,
            channel=channel,
            policy=policy,
            looker=Looking(model),
            rules=settings.rules,
            times=settings.times,
            profile=profile,
            on_frame=on_frame,
            on_answer=on_answer,
            on_offload=on_offload,
        )
        with device:
            log.welcome = device.connect()
            try:
                device.play()
            finally:
                log.dropped_frames, log.probe_bytes = device.dropped_frames, device.probe_bytes


def _warm_size(settings: AnswerSettings, clip: Clip) -> tuple[int, int]:
    """Of the picture that warms the server up: a slice."""
    side = settings.times.slicing.side
    return min(side, clip.size[0]), min(side, clip.size[1])


def _reduced(clip: Clip, settings: AnswerSettings) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    height, width = (max(1, round(side * settings.times.look_scale)) for side in clip.size)
    return np.zeros((height, width, 3), np.uint8)
