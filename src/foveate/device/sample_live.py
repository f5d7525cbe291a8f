"""The live shell of a device that classifies samples: pictures at a given rate, one worker thread, one transport."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.core import InputError, MonotonicClock, Pixels, SampleRecord, TransportError
from foveate.device.courier import Courier
from foveate.device.sample_events import ClassifySample, EncodeSample, SampleDone, SampleEvent, SendToExperts
from foveate.device.sample_session import SampleSession
from foveate.network.transports import Channel, Fault

Classify = Callable[[Pixels], NDArray[np.float32]]
"""The generalist, injected so that a device needs no torch of its own: a picture -> logits `(classes,)`."""
Encode = Callable[[Pixels], bytes]
CONNECT_S = 5.0
REDIAL_S = 1.0
_LONGEST_NAP_S = 0.05
_SHORTEST_NAP_S = 0.0005


class LiveSamples:
    """Plays pictures at a given rate through a session; `run` returns the records of all samples."""

    def __init__(self, session: SampleSession, channel: Channel, *, classify: Classify, encode: Encode) -> None:
        self._session, self._classify, self._encode = session, classify, encode
        self._clock = MonotonicClock()
        self._bell: SimpleQueue[Callable[[], Iterable[SampleEvent]]] = SimpleQueue()
        self._courier = Courier(channel, clock=self._clock, on_arrival=lambda: self._bell.put(self._receive))
        self._pictures: Sequence[Pixels] = ()
        self._records: list[SampleRecord] = []
        self._refusal = ""
        self._dialled_at, self._dial_at = float("-inf"), float("inf")
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="generalist")

    def run(
        self,
        pictures: Sequence[Pixels],
        labels: Sequence[int],
        *,
        rate_hz: float,
        on_sample: Callable[[int], None] = lambda _: None,
    ) -> list[SampleRecord]:
        """Play all pictures, once. `on_sample` is called with the number of each as it arrives.

        Raises `TransportError` if no server with experts answers at the start, `InputError` unless there is a label for
        each picture and a rate above 0.
        """
        if len(pictures) != len(labels) or not rate_hz > 0:
            raise InputError(
                f"need a label for each picture and a rate above 0, got {len(pictures)} pictures, {len(labels)} labels "
                f"and {rate_hz:g} Hz"
            )
        self._pictures = pictures
        self._courier.start()
        try:
            self._connect()
            self._play(labels, rate_hz, on_sample)
        finally:
            self._courier.close()
            self._worker.shutdown(cancel_futures=True)
        return sorted(self._records, key=lambda record: record.sample)

    def _connect(self) -> None:
        until = self._clock.now() + CONNECT_S
        while not self._session.experts:
            if self._refusal:
                raise TransportError(f"the server of experts refused the connection: {self._refusal}")
            if self._clock.now() > until:
                raise TransportError(f"no server of experts answered within {CONNECT_S:g} s")
            self._turn(until)

    def _play(self, labels: Sequence[int], rate_hz: float, on_sample: Callable[[int], None]) -> None:
        began_at, sample = self._clock.now(), 0
        while sample < len(labels) or self._session.unfinished:
            due_at = began_at + sample / rate_hz if sample < len(labels) else float("inf")
            now = self._clock.now()
            if now < due_at:
                self._turn(due_at)
                continue
            self._carry_out(self._session.arrived(sample, labels[sample], now))
            on_sample(sample)
            sample += 1

    def _turn(self, until: float) -> None:
        """Wait for whatever comes next, at most until then, and deal with it."""
        nap = min(_LONGEST_NAP_S, self._session.next_at - self._clock.now(), until - self._clock.now())
        with suppress(Empty):
            self._carry_out(self._bell.get(timeout=max(nap, _SHORTEST_NAP_S))())
        now = self._clock.now()
        if now >= self._dial_at:
            self._dialled_at, self._dial_at = now, float("inf")
            self._courier.redial()
        if now >= self._session.next_at:
            self._carry_out(self._session.tick(now))

    def _receive(self) -> Iterable[SampleEvent]:
        events: list[SampleEvent] = []
        while (arrival := self._courier.next_arrival()) is not None:
            if isinstance(arrival.content, Fault):
                self._lost(arrival.content, arrival.at)
            else:
                events += self._session.receive(arrival.content, arrival.at)
        return events

    def _lost(self, fault: Fault, now: float) -> None:
        """Connect anew soon, at most every second; the generalist answers for samples that wait meanwhile."""
        self._refusal = fault.reason if fault.refused else ""
        self._dial_at = max(now, self._dialled_at + REDIAL_S)

    def _carry_out(self, events: Iterable[SampleEvent]) -> None:
        for event in events:
            match event:
                case ClassifySample(sample=sample):
                    self._start(sample, self._classify, self._session.classified)
                case EncodeSample(sample=sample):
                    self._start(sample, self._encode, self._session.encoded)
                case SendToExperts(payload=payload):
                    self._courier.send(payload)
                case SampleDone(record=record):
                    self._records.append(record)

    def _start(self, sample: int, work: Callable[[Pixels], Any], report: Callable[..., Iterable[SampleEvent]]) -> None:
        """Do a piece of work in the thread, one after the other, and report it in the loop."""

        def timed() -> tuple[Any, float, float]:
            began_at = time.monotonic()
            result = work(self._pictures[sample])
            done_at = self._clock.now()
            return result, done_at, done_at - began_at

        def ring(done: Future[tuple[Any, float, float]]) -> None:
            def told() -> Iterable[SampleEvent]:
                result, at, took_s = done.result()
                return report(sample, result, at, took_s=took_s)

            self._bell.put(told)

        self._worker.submit(timed).add_done_callback(ring)
