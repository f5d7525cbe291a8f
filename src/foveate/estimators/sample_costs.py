"""What an answer is expected to take, from durations, powers, and what recent samples saw of the network."""

from foveate.core import Cost, PowerModel, SampleEnergy, SampleRecord, SampleTimes

NEWEST = 0.25
"""Weight of the newest sample in the moving averages."""


class SampleCosts:
    """Learns from finished samples; before the first offload the round trip of heartbeats stands for the network."""

    def __init__(self, times: SampleTimes, power: PowerModel) -> None:
        self._times, self._power = times, power
        self._network_s: float | None = None
        self._server_s = times.decode_s + times.batch_duration_s(1)
        self._bytes = 2000.0
        self.rtt_s: float | None = None
        """Round trip of the idle link, where it is known."""

    def observe(self, record: SampleRecord) -> None:
        """A sample was answered. One that was given up tells that the network took that long at least.

        One that was never sent, for its expert was gone, tells nothing.
        """
        if record.expert is None or not record.payload_bytes:
            return
        server_s = record.queue_s + record.decode_s + record.inference_s
        network_s = record.finished_at - record.arrived_at - record.wait_s - record.generalist_s - record.encode_s
        self._network_s = _towards(self._network_s, max(network_s - server_s, 0.0))
        if record.answerer == "expert":
            self._server_s = _towards(self._server_s, server_s)
            self._bytes = _towards(self._bytes, float(record.payload_bytes))

    @property
    def known(self) -> bool:
        """Whether anything is known of the network."""
        return self._network_s is not None or self.rtt_s is not None

    def cost(self, expert: str | None) -> Cost:
        """Of the generalist's answer (None), or of an expert's after it."""
        own_s, power = self._times.generalist_s, self._power
        if expert is None:
            return Cost(latency_s=own_s, energy_j=power.device_compute_w * own_s)
        network_s = self._network_s if self._network_s is not None else self.rtt_s or 0.0
        away_s = network_s + self._server_s
        busy_s = own_s + self._times.encode_s
        energy = SampleEnergy(
            device_j=power.device_compute_w * busy_s,
            radio_j=power.radio_j_per_byte * self._bytes + power.radio_w * away_s,
            server_j=power.server_compute_w * (self._times.decode_s + self._times.batch_duration_s(1)),
        )
        return Cost(latency_s=busy_s + away_s, energy_j=energy.total_j)


def sample_energy(record: SampleRecord, power: PowerModel) -> SampleEnergy:
    """What a sample took, idle power left out: a batch's time on the server is shared evenly by its samples."""
    away_s = record.uplink_s + record.queue_s + record.decode_s + record.inference_s + record.downlink_s
    shared_s = (record.decode_s + record.inference_s) / record.batch if record.batch else 0.0
    return SampleEnergy(
        device_j=power.device_compute_w * (record.generalist_s + record.encode_s),
        radio_j=power.radio_j_per_byte * record.payload_bytes
        + (power.radio_w * away_s if record.payload_bytes else 0.0),
        server_j=power.server_compute_w * shared_s,
    )


def _towards(value: float | None, newest: float) -> float:
    return newest if value is None else value + NEWEST * (newest - value)
