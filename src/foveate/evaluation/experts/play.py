"""Ask the Expert on sockets and processes: this process is device and gateway; relay and experts are children."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from foveate.codec import PictureCoding, encode_picture
from foveate.core import ExpertCard, LabelledImages, SampleRecord
from foveate.device.live import SOCKET_BUFFER_BYTES
from foveate.device.pins import pinned_to, two_cores
from foveate.device.sample_live import Classify, LiveSamples
from foveate.device.sample_session import SampleSession
from foveate.estimators.sample_costs import SampleCosts
from foveate.evaluation.experts.stream import Change, Conditions
from foveate.evaluation.processes import HOST, start_relay
from foveate.network import ZmqChannel
from foveate.network.transports import ZmqHub
from foveate.server.expert_live import ExpertServer
from foveate.server.expert_worker import ExpertRunner, ExpertWorker, LoadExpert, StartExpert

Loaders = Mapping[str, tuple[ExpertCard, LoadExpert]]
"""Experts by name: what devices know of each, and how its process gets the model."""


def play_experts(
    images: LabelledImages,
    conditions: Conditions,
    *,
    classify: Classify,
    coding: PictureCoding,
    experts: Loaders,
    first: tuple[str, ...],
    rate_hz: float,
    changes: tuple[Change, ...] = (),
    on_sample: Callable[[int], None] = lambda _: None,
    start: StartExpert = ExpertWorker,
    pin: bool = False,
) -> list[SampleRecord]:
    """Play pictures at a rate; `first` names the experts that are there at the start. Records of all samples.

    `start`: where experts run; default: in processes of their own. `pin`: device on one CPU core, gateway and experts
    on another.

    Raises `FoveateError` if an expert cannot start, `TransportError` if the server does not answer at the start.
    """
    classes = len(images.class_names)
    device_core, server_core = two_cores() if pin else (None, None)
    with ExitStack() as stack:
        hub = stack.enter_context(ZmqHub(f"{HOST}:0"))
        server = ExpertServer(
            hub,
            classes=classes,
            size=images.image_size,
            batching=conditions.batching,
            start=partial(_start_on, server_core, start),
        )
        stopped = threading.Event()
        loop = threading.Thread(target=server.serve, args=(stopped.is_set,), name="experts", daemon=True)
        with pinned_to(server_core):
            loop.start()
        stack.callback(loop.join)
        stack.callback(stopped.set)
        for name in first:
            server.deploy(*experts[name])
        relay = stack.enter_context(start_relay(conditions.link, server_port=hub.port))
        address = f"{HOST}:{relay.wait_for_port()}"
        channel = stack.enter_context(ZmqChannel(address, buffer_bytes=SOCKET_BUFFER_BYTES))
        session = SampleSession(conditions.settings, SampleCosts(conditions.times, conditions.power))
        device = LiveSamples(session, channel, classify=classify, encode=partial(encode_picture, coding=coding))
        due = sorted(changes, key=lambda change: change.at_s)

        def arrived(sample: int) -> None:
            while due and due[0].at_s <= sample / rate_hz:
                _change(server, due.pop(0), experts)
            on_sample(sample)

        with pinned_to(device_core):
            return device.run(list(images.pixels), images.labels.tolist(), rate_hz=rate_hz, on_sample=arrived)


def _start_on(core: int | None, start: StartExpert, *words: Any, **options: Any) -> ExpertRunner:
    """An expert whose process stays on a core: a child inherits that of the thread that starts it."""
    with pinned_to(core):
        return start(*words, **options)


def _change(server: ExpertServer, change: Change, experts: Loaders) -> None:
    """Carry out a change beside the run: a new expert takes seconds to load."""
    calls: dict[str, Callable[[], None]] = {
        "add": lambda: server.deploy(*experts[change.expert]),
        "remove": lambda: server.withdraw(change.expert),
        "die": lambda: server.kill(change.expert),
    }
    threading.Thread(target=calls[change.kind], name=f"{change.kind} {change.expert}", daemon=True).start()


def one_at_a_time(logits: Callable[[np.ndarray], np.ndarray]) -> Classify:
    """A model's `logits` for single pictures."""
    return lambda picture: np.asarray(logits(picture[None])[0], np.float32)
