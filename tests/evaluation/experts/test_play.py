import os

import numpy as np
import pytest

from foveate.codec import PictureCoding
from foveate.core import ExpertCard, LabelledImages, SampleTimes
from foveate.device.sample_session import DeviceSettings
from foveate.estimators.power import EDGE_AND_T4
from foveate.evaluation.experts.play import play_experts
from foveate.evaluation.experts.stream import Conditions
from foveate.network import LinkSettings, UplinkTrace
from foveate.policies import router_by_name
from foveate.server.expert_worker import ExpertWorker
from foveate.testing.brightness import Brightness

TIMES = SampleTimes(
    source="test", generalist_s=0.0, expert_on_device_s=0.0, encode_s=0.0, decode_s=0.0, batch_s=0.0, sample_s=0.0
)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPU cores")
def test_pinned_device_and_experts_each_have_a_core():
    before, device, server = os.sched_getaffinity(0), [], []

    def classify(_picture):
        device.append(os.sched_getaffinity(0))
        return np.array([0.1, 0.0], np.float32)

    def start(*words, **options):
        worker = ExpertWorker(*words, **options)
        server.append(os.sched_getaffinity(worker.process.pid))
        return worker

    images = LabelledImages(
        name="two",
        pixels=np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in (0, 250)]),
        labels=np.array([0, 1]),
        class_names=("dark", "bright"),
        superclass_names=("all",),
        superclass_of=(0, 0),
    )
    records = play_experts(
        images,
        Conditions(
            settings=DeviceSettings(router=router_by_name("ask-expert:threshold=0.9"), temperature=1.0, timeout_s=5.0),
            link=LinkSettings(trace=UplinkTrace.constant(10e6, 0.01, 10.0)),
            times=TIMES,
            power=EDGE_AND_T4,
        ),
        classify=classify,
        coding=PictureCoding(),
        experts={"both": (ExpertCard(name="both", subset=(0, 1)), Brightness)},
        first=("both",),
        rate_hz=20.0,
        start=start,
        pin=True,
    )
    assert [record.answerer for record in records] == ["expert", "expert"]
    assert all(record.is_right for record in records)
    assert {len(cores) for cores in (*device, *server)} == {1}
    assert not device[0] & server[0]
    assert os.sched_getaffinity(0) == before
