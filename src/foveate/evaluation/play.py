"""The live part of a run: this process is the device and needs no torch; relay and server are children."""

from contextlib import ExitStack

from foveate.core import Profile
from foveate.device import Clip, Displayed, LiveDevice, OffloadDone, Recorder
from foveate.device.live import SOCKET_BUFFER_BYTES
from foveate.device.pins import pinned_to, two_cores
from foveate.evaluation.live_log import LiveLog
from foveate.evaluation.outputs import Late, Outputs
from foveate.evaluation.processes import HOST, ModelLoader, start_relay, start_server
from foveate.evaluation.progress import Steps
from foveate.evaluation.rehearsal import rehearse
from foveate.network import LinkSettings, ZmqChannel
from foveate.policies import Policy


def play_live(
    log: LiveLog,
    *,
    clip: Clip,
    policy: Policy,
    link: LinkSettings,
    profile: Profile | None = None,
    load: ModelLoader,
    pin: bool,
    outputs: Outputs,
    steps: Steps,
) -> None:
    """Play the clip once; what happens is added to `log` and to the tables in `outputs` as it happens.

    Raises `FoveateError` if a child cannot start, `TransportError` if the server does not answer at the start,
    `InputError` if policy or profile do not fit its model. A child that is lost later is named in `log.lost`.
    """
    device_core, server_core = two_cores() if pin else (None, None)
    loaded = steps.begin("load", 1)
    with ExitStack() as children:
        server = children.enter_context(start_server(load, frame_size=clip.size, core=server_core))
        port = server.wait_for_port()
        relay = children.enter_context(start_relay(link, server_port=port))
        address = f"{HOST}:{relay.wait_for_port()}"
        loaded(1)
        with pinned_to(device_core):
            _play(log, clip=clip, policy=policy, profile=profile, address=address, outputs=outputs, steps=steps)
        gone = [child for child in (server, relay) if not child.alive]
        log.lost = " and ".join(f"the {child.name} ended ({child.ending})" for child in gone)


def _play(
    log: LiveLog, *, clip: Clip, policy: Policy, profile: Profile | None, address: str, outputs: Outputs, steps: Steps
) -> None:
    played = steps.begin("live run", clip.frame_count)
    with (
        Late(lambda: Recorder(outputs.begin())) as recorder,
        ZmqChannel(address, buffer_bytes=SOCKET_BUFFER_BYTES) as channel,
    ):

        def on_frame(event: Displayed) -> None:
            recorder().displayed(event)
            log.displayed(event)
            played(event.frame.index + 1)

        def on_offload(event: OffloadDone) -> None:
            recorder().offloaded(event)
            log.offloads.append(event)

        device = LiveDevice(
            source=clip, channel=channel, policy=policy, profile=profile, on_frame=on_frame, on_offload=on_offload
        )
        with device:
            log.welcome = device.connect()
            rehearse(policy, profile, log.welcome, clip.size)
            try:
                device.play()
            finally:
                log.dropped_frames = device.dropped_frames
