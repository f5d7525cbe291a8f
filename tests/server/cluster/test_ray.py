"""Detectors on a local cluster of two nodes: two raylets on the loopback, with processes of their own."""

import os
import signal
import time
from contextlib import contextmanager

import numpy as np
import pytest

from foveate.core import FoveateError, InputError
from foveate.network.messages import Ack, Failure, Hello, Result, decode_from_server, encode
from foveate.network.transports import MemoryHub
from foveate.server import OffloadAnswered
from foveate.server.cluster import Gateway
from foveate.server.cluster.deployment import Cluster, ClusterOptions, application_name, last_error
from foveate.testing.detectors_by_name import fake_model, no_model, slow_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
PATIENCE_S = 60
AT_ONCE_S = 5.0
"""A device that is told so soon need not run into its own timeout."""
STORE_BYTES = 80_000_000


@pytest.fixture
def nodes(monkeypatch):
    """Two nodes; the second one can be lost."""
    from ray.cluster_utils import Cluster as Nodes

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Nodes(initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": STORE_BYTES})
    try:
        nodes.second = nodes.add_node(num_cpus=2, object_store_memory=STORE_BYTES)
        yield nodes
    finally:
        nodes.shutdown()


class Devices:
    """Some devices of one gateway; each sends its next frame when it is asked to."""

    def __init__(self, gateway, hub, count, make):
        self.gateway, self.make = gateway, make
        self.channels = [hub.connect() for _ in range(count)]
        self.sent = 0
        for channel in self.channels:
            channel.send(encode(Hello()))
        self.hear(count)

    def hear(self, count):
        """The next messages, each with the number of its device."""
        heard, give_up_at = [], time.monotonic() + PATIENCE_S
        while len(heard) < count:
            assert time.monotonic() < give_up_at, heard
            self.gateway.step(0.02)
            for number, channel in enumerate(self.channels):
                while (payload := channel.poll(0)) is not None:
                    heard.append((number, decode_from_server(payload)))
        return heard

    def send(self):
        """One frame of each device; all are acknowledged."""
        for channel in self.channels:
            channel.send(encode(self.make(number=self.sent)))
        self.sent += 1
        assert [type(message) for _, message in self.hear(len(self.channels))] == [Ack] * len(self.channels)

    def answers(self):
        return [message for _, message in sorted(self.hear(len(self.channels)), key=lambda heard: heard[0])]


@pytest.fixture
def message(pixels, welcome, offload):
    grid = welcome.grid(*pixels.shape[:2])
    return lambda number: offload(pixels, grid=grid, number=number)


@contextmanager
def gateway_on(nodes, load, **options):
    """`(gateway, hub, events)` with the detector `fake` on two replicas."""
    hub, events = MemoryHub(), []
    settings = {"address": nodes.address, "replicas": (2, 2), "ongoing": 4} | options
    with Cluster(ClusterOptions(**settings)) as cluster:
        welcome, ask = cluster.deploy("fake", load)
        with Gateway({"fake": (welcome, ask)}, hub, most_asked=16, observers=[events.append]) as gateway:
            yield gateway, hub, events


def replicas():
    """Process and node of each replica that lives."""
    from ray.util.state import list_actors

    found = list_actors(filters=[("state", "=", "ALIVE")])
    return [(actor.pid, actor.node_id) for actor in found if actor.class_name.startswith("ServeReplica:foveate-fake")]


def busy(devices):
    """Send a frame of each device and wait until they are in the models."""
    devices.send()
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        devices.gateway.step(0.02)


@pytest.mark.ray
def test_a_replica_that_is_killed_costs_the_offloads_it_had_and_its_devices_are_told_at_once(nodes, message):
    with gateway_on(nodes, slow_model) as (gateway, hub, events):
        devices = Devices(gateway, hub, 4, message)
        devices.send()
        for result in devices.answers():
            assert len(result.detections(("person", "car"))) == 2
            assert result.inference_s >= 1.0
        assert max(event.inferred.batch_size for event in events if isinstance(event, OffloadAnswered)) > 1
        assert len({node for _, node in replicas()}) == 2
        busy(devices)
        killed_at = time.monotonic()
        os.kill(replicas()[0][0], signal.SIGKILL)
        answers = devices.answers()
        assert time.monotonic() - killed_at < AT_ONCE_S
        lost = [answer for answer in answers if isinstance(answer, Failure)]
        assert 0 < len(lost) < 4
        assert all(answer.offload_id == 1 and "replica was lost" in answer.text for answer in lost)
        assert sum(isinstance(answer, Result) for answer in answers) == 4 - len(lost)
        devices.send()
        assert [type(answer) for answer in devices.answers()] == [Result] * 4


@pytest.mark.ray
@pytest.mark.long
def test_a_node_that_is_lost_costs_the_offloads_it_had_and_the_rest_goes_on(nodes, message):
    with gateway_on(nodes, slow_model) as (gateway, hub, _):
        devices = Devices(gateway, hub, 4, message)
        devices.send()
        devices.answers()
        busy(devices)
        lost_at = time.monotonic()
        nodes.remove_node(nodes.second, allow_graceful=False)
        answers = devices.answers()
        assert time.monotonic() - lost_at < AT_ONCE_S
        failed = [answer for answer in answers if isinstance(answer, Failure)]
        assert 0 < len(failed) < 4
        devices.send()
        assert [type(answer) for answer in devices.answers()] == [Result] * 4


@pytest.mark.ray
@pytest.mark.long
def test_a_second_gateway_finds_the_model_loaded_and_load_brings_replicas(nodes, message):
    with gateway_on(nodes, slow_model, replicas=(1, 3), ongoing=2) as (gateway, hub, _):
        before = replicas()
        assert len(before) == 1
        devices = Devices(gateway, hub, 6, message)
        give_up_at = time.monotonic() + 4 * PATIENCE_S
        while len(replicas()) < 2:
            assert time.monotonic() < give_up_at
            devices.send()
            devices.answers()
    with gateway_on(nodes, slow_model, replicas=(1, 3), ongoing=2):
        assert set(before) <= set(replicas())
    with gateway_on(nodes, fake_model, replicas=(1, 1)):
        assert not set(before) & set(replicas())


@pytest.mark.ray
@pytest.mark.long
def test_a_model_that_cannot_be_loaded_says_why(nodes):
    with pytest.raises(FoveateError, match="no model 'fake' here"), gateway_on(nodes, no_model):
        pass


@pytest.mark.ray
def test_a_cluster_that_is_not_there_is_said_in_one_line():
    with pytest.raises(FoveateError, match=r"no Ray cluster at 127\.0\.0\.1:1: Connection refused"):
        Cluster(ClusterOptions(address="127.0.0.1:1"))


def test_without_ray_the_extra_is_named(error_without):
    program = (
        "from foveate.server.cluster.deployment import Cluster, ClusterOptions\n"
        "Cluster(ClusterOptions(address='local'))"
    )
    assert error_without("ray", program).endswith("a cluster needs ray[serve]: pip install 'foveate[ray]'")


@pytest.mark.parametrize(
    "changes",
    [{"replicas": (0, 1)}, {"replicas": (2, 1)}, {"ongoing": 0}, {"batch_wait_s": -1.0}, {"batch_wait_s": np.nan}],
)
def test_what_cannot_be_is_refused(changes):
    with pytest.raises(InputError):
        ClusterOptions(address="local", **changes)


@pytest.mark.parametrize(
    ("name", "application"),
    [
        ("vitdet-tiny-world", "foveate-vitdet-tiny-world"),
        ("/home/me/my model.safetensors", "foveate-home-me-my-model.safetensors"),
    ],
)
def test_an_application_is_named_after_its_model(name, application):
    assert application_name(name) == application


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "Deploying failed.\nTraceback\n  File x\nfoveate.core.errors.WeightsError: no model 'a' here\n\nretried",
            "no model",
        ),
        ("one line", "one line"),
        ("", "unknown"),
    ],
)
def test_the_error_that_a_node_raised_is_found_in_what_ray_tells(text, told):
    assert told in last_error(text)
