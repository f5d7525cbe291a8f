"""Experts on a cluster that is started here: one deployment each."""

import threading
from functools import partial

import numpy as np
import pytest

from foveate.codec import PictureCoding, encode_picture
from foveate.core import ExpertCard, FoveateError, InputError, SampleTimes
from foveate.device.sample_live import LiveSamples
from foveate.device.sample_session import DeviceSettings, SampleSession
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_costs import SampleCosts
from foveate.network.transports import MemoryHub
from foveate.policies.routing import AskExpert
from foveate.server.cluster.deployment import LOCAL, Cluster, ClusterOptions
from foveate.server.cluster.experts import ClusterExpert
from foveate.server.expert_live import ExpertServer
from foveate.testing.brightness import Brightness

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
SIZE = (32, 32)
TIMES = SampleTimes(
    source="test", generalist_s=0.0, expert_on_device_s=0.0, encode_s=0.0, decode_s=0.0, batch_s=0.0, sample_s=0.0
)


def broken():
    raise InputError("no weights")


def play(hub, count, rate_hz, on_sample=lambda _: None):
    """Dark and bright pictures in turn, whose generalist always says dark and is never sure."""
    settings = DeviceSettings(router=AskExpert(threshold=0.9), temperature=1.0, timeout_s=20.0)
    device = LiveSamples(
        SampleSession(settings, SampleCosts(TIMES, EDGE_AND_T4)),
        hub.connect(),
        classify=lambda _: np.array([0.1, 0.0], np.float32),
        encode=partial(encode_picture, coding=PictureCoding()),
    )
    pictures = [np.full((*SIZE, 3), 250 * (n % 2), np.uint8) for n in range(count)]
    return device.run(pictures, [n % 2 for n in range(count)], rate_hz=rate_hz, on_sample=on_sample)


@pytest.mark.ray
def test_experts_of_a_cluster_answer_are_replaced_and_outlive_a_lost_replica():
    hub, stopped = MemoryHub(), threading.Event()
    with Cluster(ClusterOptions(address=LOCAL, cpus=0.2)) as cluster:
        server = ExpertServer(hub, classes=2, size=SIZE, start=partial(ClusterExpert, cluster))
        loop = threading.Thread(target=server.serve, args=(stopped.is_set,))
        loop.start()
        try:
            with pytest.raises(FoveateError, match=r"expert none could not start: .*no weights"):
                server.deploy(ExpertCard(name="none", subset=(0,)), broken)
            server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)
            records = play(hub, 8, rate_hz=50)
            assert {record.answerer for record in records} == {"expert"}
            assert all(record.is_right for record in records)

            server.deploy(ExpertCard(name="light", subset=(0, 1)), Brightness)  # another one in its place
            assert {record.answerer for record in play(hub, 4, rate_hz=50)} == {"expert"}

            records = play(hub, 8, rate_hz=2, on_sample=lambda sample: server.kill("light") if sample == 2 else None)
            assert len(records) == 8
            assert all(record.answer == 0 for record in records if record.answerer != "expert")
            assert records[-1].answerer == "expert"  # Ray has started it anew, or the batch waited for it
            server.withdraw("light")
        finally:
            stopped.set()
            hub.wake()
            loop.join()
