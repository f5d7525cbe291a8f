import numpy as np
import pytest

from foveate.core import ExpertCard, InputError, SampleTimes
from foveate.device.sample_session import DeviceSettings
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_costs import sample_energy
from foveate.evaluation.experts.figures import run_figures
from foveate.evaluation.experts.simulate import simulate_experts
from foveate.evaluation.experts.stream import Change, Conditions, Stream
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import router_by_name
from foveate.server.expert_session import Batching

TIMES = SampleTimes(
    source="test",
    generalist_s=0.01,
    expert_on_device_s=0.05,
    encode_s=0.001,
    decode_s=0.001,
    batch_s=0.002,
    sample_s=0.003,
)
CARDS = (ExpertCard(name="low", subset=(0, 1)), ExpertCard(name="high", subset=(2, 3)))


def stream(count=40, rate_hz=20.0, changes=(), cards=CARDS, spare=()):
    """The generalist is right and sure for every other sample, unsure and wrong for the rest; experts know all."""
    labels = np.arange(count) % 4
    truth = 6 * np.eye(4, dtype=np.float32)[labels]
    unsure = np.eye(4, dtype=np.float32)[labels ^ 1] * 0.3  # the other class of the same expert
    generalist = np.where((np.arange(count) % 8 < 4)[:, None], truth, unsure).astype(np.float32)
    return Stream(
        labels=labels,
        payloads=tuple(b"p" * 2000 for _ in labels),
        generalist=generalist,
        experts={card.name: truth for card in CARDS},
        cards=cards,
        rate_hz=rate_hz,
        changes=changes,
        spare={card.name: card for card in spare},
    )


def conditions(router="ask-expert:threshold=0.9,top_k=2", rtt_s=0.02, mbps=10.0, **changes):
    trace = UplinkTrace.constant(mbps * 1e6, rtt_s, 10.0)
    settings = DeviceSettings(router=router_by_name(router), temperature=1.0, timeout_s=changes.pop("timeout_s", 1.0))
    given = {"settings": settings, "link": LinkSettings(trace=trace), "times": TIMES, "power": EDGE_AND_T4}
    return Conditions(**given | changes)


def test_unsure_samples_are_asked_about_and_all_are_right():
    records = simulate_experts(stream(), conditions())
    assert [record.sample for record in records] == list(range(40))
    assert all(record.is_right for record in records)
    assert {record.answerer for record in records if record.sample % 8 < 4} == {"generalist"}
    assert {record.answerer for record in records if record.sample % 8 >= 4} == {"expert"}


def test_a_latency_is_the_sum_of_its_parts():
    (record, *_) = [r for r in simulate_experts(stream(), conditions()) if r.answerer == "expert"]
    on_the_wire_s = 8 * 2030 / 10e6
    # generalist, encoding, wire, waiting for a batch, decoding, inference, round trip
    expected_s = 0.01 + 0.001 + on_the_wire_s + 0.002 + 0.001 + 0.005 + 0.02
    assert record.latency_s == pytest.approx(expected_s, abs=0.0005)
    assert record.uplink_s == pytest.approx(on_the_wire_s + 0.01, abs=0.0005)


def test_without_routing_latency_is_the_generalists():
    records = simulate_experts(stream(), conditions("no-routing"))
    assert {record.answerer for record in records} == {"generalist"}
    assert [record.latency_s for record in records] == pytest.approx([0.01] * 40)


def test_equal_runs_give_equal_records():
    assert simulate_experts(stream(), conditions()) == simulate_experts(stream(), conditions())


def test_samples_that_come_together_share_a_batch():
    slow = Batching(most_in_batch=8, wait_s=0.2)
    records = simulate_experts(stream(rate_hz=200.0), conditions(batching=slow, times=TIMES.with_slower_device(0.1)))
    assert max(record.batch for record in records) > 2


def test_an_expert_that_dies_is_answered_for_by_the_generalist_and_marked():
    one_guess = conditions("ask-expert:threshold=0.9,top_k=1")
    records = simulate_experts(stream(changes=(Change.parse("1.125:die:high"),)), one_guess)
    under_way, later = records[22], records[23]  # sample 22 came at 1.1 s
    assert (under_way.answerer, under_way.reason) == ("fallback", "its expert died")
    assert (later.answerer, later.reason) == ("generalist", "uncovered")
    for record in (under_way, later):
        assert record.answer == record.generalist_class
    assert all(r.answerer == "expert" for r in records if r.sample % 8 in {4, 5})  # the other expert goes on


def test_an_added_expert_takes_over():
    low, high = CARDS
    records = simulate_experts(
        stream(cards=(low,), spare=(high,), changes=(Change.parse("1.0:add:high"),)), conditions()
    )
    asked = [r.arrived_at - records[0].arrived_at for r in records if r.expert == "high"]
    assert asked
    assert min(asked) >= 1.0


def test_a_link_that_stands_still_leaves_the_generalists_answers():
    records = simulate_experts(stream(), conditions(mbps=0.01, timeout_s=0.3))
    late = [record for record in records if record.answerer == "fallback"]
    assert late
    assert {record.reason for record in late} == {"timeout"}
    assert all(record.latency_s == pytest.approx(0.311, abs=0.03) for record in late)


def test_energy_is_power_times_time_and_bytes():
    record = next(r for r in simulate_experts(stream(), conditions()) if r.answerer == "expert")
    energy = sample_energy(record, EDGE_AND_T4)
    away_s = record.uplink_s + record.queue_s + record.decode_s + record.inference_s + record.downlink_s
    assert energy.device_j == pytest.approx(4.4 * 0.011)
    assert energy.radio_j == pytest.approx(2000 * 8 * 438.39e-9 + 1.288 * away_s)
    assert energy.server_j == pytest.approx(33 * (0.001 + 0.005))
    assert energy.total_j == pytest.approx(energy.device_j + energy.radio_j + energy.server_j)


def test_figures_count_what_happened():
    figures = run_figures(simulate_experts(stream(), conditions()), EDGE_AND_T4, CARDS)
    assert figures["accuracy"] == 1.0
    assert figures["generalist_accuracy"] == 0.5
    assert figures["offloaded"] == 0.5
    assert figures["answered_by"] == {"generalist": 20, "expert": 20}
    assert figures["asked_an_expert_of_its_class"] == 1.0
    assert figures["energy_j"]["with_idle"] > figures["energy_j"]["total"]


def test_a_slower_device_slows_what_it_does_and_not_the_server():
    slower = TIMES.with_slower_device(20.0)
    assert slower.expert_on_device_s == pytest.approx(20 * TIMES.batch_duration_s(1))
    assert slower.generalist_s / slower.expert_on_device_s == pytest.approx(0.2)
    assert slower.batch_duration_s(3) == TIMES.batch_duration_s(3)
    assert "assumed" in slower.source


@pytest.mark.parametrize("text", ["nan:add:a", "inf:die:a", "x:die:a", "1:explode:a", "1:die:", "-1:add:a", "1"])
def test_a_change_of_another_form_is_refused(text):
    with pytest.raises(InputError, match="SECONDS:KIND:NAME"):
        Change.parse(text)
