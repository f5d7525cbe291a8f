"""A live device of experts, with a server that only tells that there is one."""

import threading
import time

import numpy as np
import pytest

from foveate.core import ExpertCard, InputError, SampleTimes
from foveate.device.sample_live import LiveSamples
from foveate.device.sample_session import DeviceSettings, SampleSession
from foveate.estimators.power import EDGE_AND_T4
from foveate.estimators.sample_costs import SampleCosts
from foveate.network.expert_messages import Roster, encode_expert_message
from foveate.network.transports import MemoryHub
from foveate.policies.routing import NoRouting

TIMES = SampleTimes(
    source="test", generalist_s=0.0, expert_on_device_s=0.0, encode_s=0.0, decode_s=0.0, batch_s=0.0, sample_s=0.0
)
PICTURES = [np.zeros((8, 8, 3), np.uint8)] * 30


def device(classify):
    hub = MemoryHub()
    channel = hub.connect()
    roster = Roster.of((ExpertCard(name="light", subset=(0,)),), revision=1, classes=2)
    hub.send((0).to_bytes(4, "big"), encode_expert_message(roster))
    session = SampleSession(DeviceSettings(router=NoRouting(), temperature=1.0), SampleCosts(TIMES, EDGE_AND_T4))
    return LiveSamples(session, channel, classify=classify, encode=bytes)


def test_an_end_does_not_wait_for_samples_that_wait():
    seen, stop_at = [], 20

    def classify(_):
        seen.append(threading.current_thread().name)
        time.sleep(0.1)
        return np.zeros(2, np.float32)

    def on_sample(sample):
        if sample == stop_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device(classify).run(PICTURES, [0] * 30, rate_hz=1000.0, on_sample=on_sample)
    assert len(seen) < stop_at


@pytest.mark.parametrize(("labels", "rate_hz"), [(29, 10.0), (30, 0.0), (30, float("nan"))])
def test_a_stream_that_cannot_be_is_refused(labels, rate_hz):
    with pytest.raises(InputError, match="need a label for each picture and a rate above 0, got 30 pictures"):
        device(lambda _: None).run(PICTURES, [0] * labels, rate_hz=rate_hz)
