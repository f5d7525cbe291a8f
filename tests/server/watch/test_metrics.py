"""What a dashboard is fed."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from foveate.core import ManualClock
from foveate.server.events import (
    REFUSALS,
    ClientForgotten,
    ClientGreeted,
    ClientIgnored,
    LoopTurned,
    OffloadRefused,
    ServingStarted,
)
from foveate.server.watch import Health
from foveate.server.watch.metrics import STAGES, Metrics

TURN = LoopTurned(waiting=0, running=0, received_bytes=0)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def health(clock):
    return Health(clock)


@pytest.fixture
def metrics(health, welcome):
    metrics = Metrics(health)
    metrics(ServingStarted(welcome=welcome))
    return metrics


def samples(metrics):
    """The text that a scrape gets, read by another implementation."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def value(metrics, name, **labels):
    return samples(metrics)[(name, *sorted(labels.items()))]


def test_an_answer_is_counted_with_its_stages_bytes_objects_and_tokens(metrics, answered):
    event = answered()
    metrics(event)
    assert value(metrics, "foveate_offloads_answered_total") == 1
    assert value(metrics, "foveate_objects_total") == 2
    for stage, span_s in {"queue": 0.01, "decode": 0.004, "inference": 0.15, "total": 0.164}.items():
        assert value(metrics, "foveate_stage_seconds_sum", stage=stage) == pytest.approx(span_s)
    assert value(metrics, "foveate_offload_bytes_sum") == len(event.offload.full) + len(event.offload.low)
    assert value(metrics, "foveate_tokens_saved_total") == 18
    assert value(metrics, "foveate_tokens_computed_total") == 96 - 18


def test_the_answers_of_one_batch_make_one_batch(metrics, answered):
    for number in range(3):
        metrics(answered(number=number, batch_size=3))
    metrics(answered(batch_size=1))
    assert value(metrics, "foveate_batches_total") == pytest.approx(2)
    assert value(metrics, "foveate_batch_size_bucket", le="2.0") == 1
    assert value(metrics, "foveate_batch_size_bucket", le="3.0") == 4


def test_a_batch_of_the_fastest_stage_falls_into_its_bucket(metrics, answered):
    metrics(answered(queue_s=0.0))
    assert value(metrics, "foveate_stage_seconds_bucket", stage="queue", le="0.001") == 1
    assert value(metrics, "foveate_stage_seconds_bucket", stage="inference", le="0.1") == 0


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_refusal_is_counted_by_its_reason(metrics, reason):
    assert value(metrics, "foveate_offloads_refused_total", reason=reason) == 0
    metrics(OffloadRefused(client=b"a", offload_id=1, reason=reason, text="no"))
    assert value(metrics, "foveate_offloads_refused_total", reason=reason) == 1


def test_clients_are_those_that_greeted_and_are_not_forgotten(metrics):
    for client in (b"a", b"b", b"a"):
        metrics(ClientGreeted(client=client))
    assert value(metrics, "foveate_clients") == 2
    metrics(ClientForgotten(client=b"a"))
    assert value(metrics, "foveate_clients") == 1
    assert value(metrics, "foveate_greetings_total") == 3


def test_each_turn_tells_queue_and_bytes(metrics):
    metrics(LoopTurned(waiting=5, running=2, received_bytes=1000))
    metrics(LoopTurned(waiting=3, running=1, received_bytes=24))
    assert value(metrics, "foveate_queue_length") == 3
    assert value(metrics, "foveate_running") == 1
    assert value(metrics, "foveate_received_bytes_total") == 1024


def test_every_series_of_a_known_label_is_there_before_anything_happens(health):
    found = samples(Metrics(health))
    assert {("foveate_stage_seconds_count", ("stage", stage)) for stage in STAGES} <= set(found)


def test_model_version_uptime_and_readiness_are_told(metrics, health, clock):
    assert value(metrics, "foveate_ready") == 0
    health(TURN)
    clock.advance_to(3)
    assert value(metrics, "foveate_ready") == 1
    assert value(metrics, "foveate_uptime_seconds") == 3
    (model,) = (dict(key[1:]) for key in samples(metrics) if key[0] == "foveate_model_info")
    assert model["model"] == "fake"
    assert model["weights"] == "hash-of-fake"


def test_the_memory_of_the_process_is_told(metrics):
    assert value(metrics, "process_resident_memory_bytes") > 1e6


def test_two_servers_in_one_process_do_not_share_counters(metrics, health, answered):
    metrics(answered())
    assert value(Metrics(health), "foveate_offloads_answered_total") == 0


def test_devices_that_are_left_unread_are_counted(metrics):
    metrics(ClientIgnored(client=b"a", span_s=5.0))
    assert value(metrics, "foveate_ignored_clients_total") == 1
