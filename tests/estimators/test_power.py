import sys

import pytest

from foveate.core import Cost, InputError, MediaError, PowerModel, SampleRecord, SampleTimes
from foveate.estimators.power import EDGE_AND_T4, EnergyMeter, power_model
from foveate.estimators.sample_costs import SampleCosts
from foveate.estimators.sample_times import load_sample_times, save_sample_times

TIMES = SampleTimes(
    source="test",
    generalist_s=0.01,
    expert_on_device_s=0.05,
    encode_s=0.001,
    decode_s=0.001,
    batch_s=0.0,
    sample_s=0.004,
)


def rapl(folder, name, microjoules, largest=1_000_000):
    zone = folder / name
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "energy_uj").write_text(f"{microjoules}\n")
    (zone / "max_energy_range_uj").write_text(f"{largest}\n")
    return zone


def test_packages_are_summed_and_their_parts_are_not(tmp_path):
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        rapl(tmp_path, name, 100)
    meter = EnergyMeter(tmp_path)
    for name in ("intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"):
        rapl(tmp_path, name, 500_100)
    assert meter.sources == ("RAPL",)
    assert meter.joules() == pytest.approx(1.0)


def test_a_counter_that_starts_again_goes_on_counting(tmp_path):
    rapl(tmp_path, "intel-rapl:0", 900_000)
    meter = EnergyMeter(tmp_path)
    rapl(tmp_path, "intel-rapl:0", 100_000)
    assert meter.joules() == pytest.approx(0.200001)
    rapl(tmp_path, "intel-rapl:0", 300_000)
    assert meter.joules() == pytest.approx(0.400001)


def test_a_machine_without_counters_measures_nothing(tmp_path):
    meter = EnergyMeter(tmp_path)
    assert meter.sources == ()
    assert meter.joules() is None


class FakeNvml:
    """Two cards, of which each took what `millijoules` says."""

    class NVMLError(Exception):
        pass

    def __init__(self, millijoules, *, old=False):
        self.millijoules, self.old = millijoules, old

    def nvmlInit(self):  # noqa: N802 - the binding's own names
        pass

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if self.old:
            raise self.NVMLError
        return self.millijoules[handle]


def test_graphics_cards_count_where_they_can_be_read(tmp_path, monkeypatch):
    nvml = FakeNvml([1000, 5000])
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    meter = EnergyMeter(tmp_path)
    nvml.millijoules = [2500, 5000]
    assert meter.sources == ("NVML",)
    assert meter.joules() == pytest.approx(1.5)


def test_cards_without_a_counter_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml([0, 0], old=True))
    assert EnergyMeter(tmp_path).sources == ()


def test_power_models_say_where_they_are_from_and_have_names():
    assert power_model("edge-t4") is EDGE_AND_T4
    for model in (EDGE_AND_T4, power_model("edge-core")):
        words = ("device idle", "device computing", "radio", "server idle", "server computing")
        parts = model.source.split("; ")
        assert parts[0].startswith("model, not measured")
        assert all(any(part.startswith(word) for part in parts) for word in words)
    with pytest.raises(InputError, match="known: edge-t4, edge-core"):
        power_model("sun")


@pytest.mark.parametrize("number", [-1.0, float("nan"), float("inf")])
def test_powers_durations_and_ratios_that_cannot_be_are_refused(number):
    with pytest.raises(InputError, match="0 or more"):
        PowerModel(**{**EDGE_AND_T4.__dict__, "radio_w": number})
    with pytest.raises(InputError, match="0 s or more"):
        SampleTimes(**{**TIMES.__dict__, "batch_s": number})
    for ratios in ({"ratio": number}, {"ratio": 2.0, "generalist_share": number}):
        with pytest.raises(InputError, match="must be positive"):
            TIMES.with_slower_device(**ratios)


def record(**changes):
    settings = {
        "sample": 0,
        "label": 0,
        "generalist_class": 0,
        "confidence": 0.2,
        "answer": 0,
        "answerer": "expert",
        "expert": "a",
        "reason": "unsure",
        "arrived_at": 0.0,
        "finished_at": 0.1,
        "generalist_s": 0.01,
        "encode_s": 0.001,
        "decode_s": 0.001,
        "inference_s": 0.004,
        "payload_bytes": 3000,
        "batch": 1,
    }
    return SampleRecord(**settings | changes)


def test_nothing_is_known_of_the_network_before_a_heartbeat_or_a_sample():
    costs = SampleCosts(TIMES, EDGE_AND_T4)
    assert not costs.known
    costs.rtt_s = 0.03
    assert costs.known
    assert costs.cost(None) == Cost(latency_s=0.01, energy_j=pytest.approx(4.4 * 0.01))
    assert costs.cost("a").latency_s == pytest.approx(0.01 + 0.001 + 0.03 + 0.005)


def test_samples_that_took_longer_make_asking_dearer():
    costs = SampleCosts(TIMES, EDGE_AND_T4)
    costs.observe(record())
    before = costs.cost("a")
    costs.observe(record(finished_at=1.0))
    assert costs.cost("a").latency_s > before.latency_s
    assert costs.cost("a").energy_j > before.energy_j
    assert costs.cost(None).latency_s == 0.01


def test_an_answer_that_never_came_counts_as_the_time_that_was_waited():
    costs = SampleCosts(TIMES, EDGE_AND_T4)
    costs.observe(record(answerer="fallback", finished_at=1.011, decode_s=0, inference_s=0, batch=0))
    assert costs.cost("a").latency_s == pytest.approx(0.011 + 1.0 + 0.005)


def test_a_sample_that_was_never_sent_tells_nothing_of_the_network():
    costs = SampleCosts(TIMES, EDGE_AND_T4)
    unsent = record(answerer="fallback", finished_at=0.012, decode_s=0, inference_s=0, batch=0, payload_bytes=0)
    costs.observe(unsent)
    assert not costs.known
    costs.observe(record())
    before = costs.cost("a")
    costs.observe(unsent)
    assert costs.cost("a") == before


def test_durations_come_back_from_a_file_and_by_name(tmp_path):
    save_sample_times(TIMES, tmp_path / "mine.json")
    assert load_sample_times(str(tmp_path / "mine.json")) == TIMES
    assert "Zen 4" in load_sample_times("zen4-core").source
    with pytest.raises(InputError, match="known: zen4-core"):
        load_sample_times("moon")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"source": "\xff"}', b'{"source": "x", "generalist_s": -1}'])
def test_a_file_that_holds_no_durations_is_named(tmp_path, data):
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(MediaError, match=r"bad.json does not hold durations"):
        load_sample_times(str(tmp_path / "bad.json"))
