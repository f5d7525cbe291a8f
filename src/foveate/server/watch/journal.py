"""Events of a server as lines of its log, with the ids by which a device's own records name its offloads."""

import logging
from typing import Any

from foveate.core import Clock
from foveate.server.events import (
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    OffloadAnswered,
    OffloadRefused,
    ServerEvent,
    ServingStarted,
)
from foveate.server.watch.log_format import FIELDS

PERIOD_S = 10.0
"""Of refusals for one reason only one line is written in this time: strangers must not fill the disk."""
_USUAL = {"superseded", "stale"}
"""Refusals by which a busy server keeps answers fresh: told at level debug."""


class Journal:
    """An observer that logs: answers at level debug, greetings at info, refusals at warning."""

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        self._logger, self._clock = logger, clock
        self._told_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, event: ServerEvent) -> None:
        """Write a line, or none."""
        match event:
            case OffloadAnswered():
                self._answered(event)
            case OffloadRefused():
                self._refused(event)
            case ClientGreeted(client=client):
                self._write(logging.INFO, "client greeted", event="greeted", client=client.hex())
            case ClientForgotten(client=client):
                self._write(logging.INFO, "client forgotten", event="forgotten", client=client.hex())
            case ClientIgnored(client=client, span_s=span_s):
                fields = {"client": client.hex(), "span_s": span_s}
                self._write(logging.WARNING, "client ignored", event="ignored", **fields)
            case ServingStarted(welcome=welcome):
                fields = {"model": welcome.model, "weights": welcome.weights_hash[:12]}
                self._write(logging.INFO, "serving", event="started", **fields)

    def _answered(self, event: OffloadAnswered) -> None:
        if not self._logger.isEnabledFor(logging.DEBUG):
            return
        offload, inferred = event.offload, event.inferred
        self._write(
            logging.DEBUG,
            "offload answered",
            event="answered",
            client=event.client.hex(),
            offload_id=offload.offload_id,
            frame=offload.frame_index,
            model=inferred.model,
            bytes=offload.picture_bytes,
            queue_s=round(event.queue_s, 6),
            decode_s=round(inferred.decode_s, 6),
            inference_s=round(inferred.inference_s, 6),
            batch=inferred.batch_size,
            tokens=inferred.tokens,
            full_tokens=inferred.full_tokens,
            restoration_point=offload.restoration_point,
            objects=len(inferred.detections),
        )

    def _refused(self, event: OffloadRefused) -> None:
        fields = {
            "event": "refused",
            "client": event.client.hex(),
            "offload_id": event.offload_id,
            "reason": event.reason,
            "text": event.text,
        }
        if event.reason in _USUAL:
            self._write(logging.DEBUG, "offload dropped", **fields)
            return
        now = self._clock.now()
        if now - self._told_at.get(event.reason, float("-inf")) < PERIOD_S:
            self._left_out[event.reason] = self._left_out.get(event.reason, 0) + 1
            return
        self._told_at[event.reason] = now
        self._write(logging.WARNING, "refused", **fields, left_out=self._left_out.pop(event.reason, 0))

    def _write(self, level: int, message: str, **fields: Any) -> None:
        self._logger.log(level, message, extra={FIELDS: fields})
