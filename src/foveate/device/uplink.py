"""What a device that has deadlines knows of its uplink: its rate, from offloads and probes."""

from foveate.device.flight import Flight
from foveate.estimators import LinkEstimator
from foveate.network.messages import MAX_PROBE_BYTES, Probe

JITTER = 0.1
"""By so much of itself a round trip is taken to vary: no probe counts as faster."""
TELLING = 0.5, 2.0
"""Round trips that a probe should take to transmit: a shorter one tells of jitter, a longer one holds up offloads."""
STEP = 4
"""Factor between sizes of probes, and between observations of which the smaller one is forgotten."""
_LEAST_S = 1e-3
"""No transmission counts as shorter."""


class Uplink:
    """The rate of the uplink: harmonic mean of the last five offloads and probes (Hyperion, section III-C)."""

    def __init__(self, *, probe_bytes: int) -> None:
        self.probe_bytes = 0
        """Sum of all probes so far."""
        self._smallest = self._size = probe_bytes
        self._link = LinkEstimator("harmonic")
        self._most_bytes = 0
        self._at_least_bps: float | None = None
        self._number = 0
        self._sent_at: float | None = None
        self._pings_before = 0

    @property
    def rate_bps(self) -> float | None:
        """Bits per second to expect; None before the first observation."""
        state = self._link.state()
        return self._at_least_bps if state is None else state.throughput_bps

    @property
    def probing(self) -> bool:
        """Whether a probe is on its way."""
        return self._sent_at is not None

    def probe(self, now: float, *, pings_before: int) -> Probe:
        """The next probe, sent now."""
        self._number, self._sent_at, self._pings_before = self._number + 1, now, pings_before
        self.probe_bytes += self._size
        return Probe(number=self._number, padding=bytes(self._size))

    def probed(self, number: int, now: float, *, rtt_s: float) -> None:
        """A probe was answered; answers to lost ones do not count."""
        if self._sent_at is None or number != self._number:
            return
        took_s, size = now - self._sent_at - rtt_s, self._size
        self._sent_at = None
        self._resize(took_s, rtt_s)
        # A round trip varies by more than so few bytes take on a fast link: too good a rate would cost a late frame.
        least_s = max(JITTER * rtt_s, _LEAST_S)
        if took_s < least_s and self._link.state() is None:
            self._at_least_bps = 8 * size / least_s
        elif took_s >= least_s or (self.rate_bps or 0.0) < 8 * size / least_s:
            self._observe(size, max(took_s, least_s) + rtt_s, rtt_s)

    def _resize(self, took_s: float, rtt_s: float) -> None:
        """The next probe is one that tells more, or that is in the way for less long."""
        shortest, longest = (part * rtt_s for part in TELLING)
        if took_s < shortest:
            self._size = min(STEP * self._size, MAX_PROBE_BYTES)
        elif took_s > longest:
            self._size = max(self._size // STEP, self._smallest)

    def overtaken(self, ping: int) -> None:
        """A heartbeat came back: a probe in front of it that did not is lost."""
        if ping > self._pings_before:
            self._sent_at = None

    def forget_probe(self) -> None:
        """The connection is new: what was on its way is lost."""
        self._sent_at = None

    def acknowledged(self, flight: Flight, *, rtt_s: float) -> None:
        """The server holds an offload; whether it is late does not matter here."""
        assert flight.sent_at is not None
        assert flight.acked_at is not None
        self._observe(flight.payload_bytes, flight.acked_at - flight.sent_at, rtt_s)

    def _observe(self, size: int, took_s: float, rtt_s: float) -> None:
        """Few bytes tell more of the round trip, which varies, than of the rate: many replace what they said."""
        if size >= STEP * self._most_bytes:
            self._link, self._most_bytes = LinkEstimator("harmonic"), size
        self._link.observe_rate(8 * size / max(took_s - rtt_s, _LEAST_S), rtt_s=rtt_s)
