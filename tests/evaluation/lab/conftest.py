"""A home of its own, two tiny clips, a steady link and a profile of round numbers."""

from functools import partial

import pytest

from foveate.estimators import write_profile
from foveate.evaluation.lab import Contender, Experiment, Machine, Uplink, Video
from foveate.testing import write_clip
from foveate.testing.profiles import round_profile


@pytest.fixture(scope="session")
def inputs(tmp_path_factory):
    """Clips, traces and a profile: the same files in every test, so that caches serve all."""
    folder = tmp_path_factory.mktemp("lab")
    for number in range(2):
        write_clip(folder / f"clip{number}.mp4", frames=24 + 6 * number)
    for name, mbps in (("fast", 8.0), ("slow", 1.0)):
        rows = "".join(f"{i / 10:.1f},{mbps},20.0\n" for i in range(100))
        (folder / f"{name}.csv").write_text("t_s,uplink_mbps,rtt_ms\n" + rows)
    write_profile(round_profile(), folder / "round.json")
    return folder


@pytest.fixture(scope="session")
def experiment(inputs):
    """A maker of experiments: one clip, one trace and two contenders unless asked for others."""
    return partial(
        Experiment,
        name="tiny",
        question="Which one?",
        expected="Nobody knows.",
        videos=(Video(path=inputs / "clip0.mp4", model="fake", kind="real"),),
        uplinks=(Uplink(path=inputs / "fast.csv"),),
        contenders=(
            Contender(label="Back2Back", policy="back2back"),
            Contender(label="TrackB2B", policy="track-b2b"),
        ),
        machines=(Machine(profile=str(inputs / "round.json")),),
        seconds=1.0,
        offsets=1,
    )
