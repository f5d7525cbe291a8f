"""One offload on its way: when each thing happened, and how the end-to-end latency splits into stages."""

from dataclasses import dataclass

from foveate.core import Detections, Frame, OffloadPlan, OffloadRecord
from foveate.network.messages import Result


@dataclass(kw_only=True, eq=False)
class Flight:
    """Points in time of the device's clock; None = has not happened."""

    offload_id: int
    frame: Frame
    plan: OffloadPlan
    started_at: float
    payload_bytes: int = 0
    sent_at: float | None = None
    acked_at: float | None = None
    pings_before: int = 0
    """Number of the last heartbeat in front of it on the uplink."""

    @property
    def uplink_busy(self) -> bool:
        """Whether its bytes may be on the uplink."""
        return self.sent_at is not None and self.acked_at is None

    def in_full_size(self, found: Detections) -> Detections:
        """What was found in the picture that was sent, with boxes in pixels of the frame."""
        (height, width), (sent_height, sent_width) = self.frame.size, self.plan.sent_size(self.frame.size)
        if (sent_height, sent_width) == (height, width):
            return found
        return found.scaled(height / sent_height, width / sent_width)

    def landed(self, result: Result, now: float, *, rtt_s: float) -> OffloadRecord:
        """The record of an offload whose result arrives now.

        uplink = acknowledged - sent - RTT / 2, downlink = what is left, neither below 0. Stages are taken off the
        end-to-end latency one after the other, so they add up to it whatever a server claims.
        """
        sent_at = now if self.sent_at is None else self.sent_at
        acked_at = now if self.acked_at is None else self.acked_at
        left = now - sent_at
        queue_s = min(result.queue_s, left)
        left -= queue_s
        decode_s = min(result.decode_s, left)
        inference_s = min(result.inference_s, left - decode_s)
        left = max(left - decode_s - inference_s, 0.0)
        uplink_s = min(max(acked_at - sent_at - rtt_s / 2, 0.0), left)
        return self._record(
            now,
            encode_s=sent_at - self.started_at,
            uplink_s=uplink_s,
            queue_s=queue_s,
            decode_s=decode_s,
            inference_s=inference_s,
            downlink_s=left - uplink_s,
            rtt_s=rtt_s,
        )

    def failed(self, now: float, *, rtt_s: float) -> OffloadRecord:
        """The record of an offload given up now: stages that were not finished are 0."""
        encode_s = uplink_s = 0.0
        if self.sent_at is not None:
            encode_s = self.sent_at - self.started_at
            if self.acked_at is not None:
                uplink_s = max(self.acked_at - self.sent_at - rtt_s / 2, 0.0)
        return self._record(now, encode_s=encode_s, uplink_s=uplink_s, rtt_s=rtt_s, failed=True)

    def _record(
        self,
        now: float,
        *,
        encode_s: float,
        uplink_s: float,
        queue_s: float = 0.0,
        decode_s: float = 0.0,
        inference_s: float = 0.0,
        downlink_s: float = 0.0,
        rtt_s: float,
        failed: bool = False,
    ) -> OffloadRecord:
        return OffloadRecord(
            offload_id=self.offload_id,
            frame_index=self.frame.index,
            started_at=self.started_at,
            finished_at=now,
            plan=self.plan,
            payload_bytes=self.payload_bytes,
            encode_s=encode_s,
            uplink_s=uplink_s,
            queue_s=queue_s,
            decode_s=decode_s,
            inference_s=inference_s,
            downlink_s=downlink_s,
            rtt_s=rtt_s,
            failed=failed,
        )
