import math
from pathlib import Path

import numpy as np
import pytest

from foveate import core
from foveate.core import (
    CodecError,
    CodecProfile,
    FoveateError,
    Frame,
    InputError,
    ManualClock,
    MediaError,
    MonotonicClock,
    ProtocolError,
    TransportError,
    WeightsError,
    check_pixels,
    foveate_home,
)


def test_every_public_name_resolves():
    assert all(getattr(core, name) is not None for name in core.__all__)


def test_errors_of_purpose_share_one_base_and_bad_input_is_also_a_value_error():
    for error in (InputError, MediaError, WeightsError, CodecError, ProtocolError, TransportError):
        assert issubclass(error, FoveateError)
    assert issubclass(MediaError, InputError)
    assert issubclass(InputError, ValueError)


def test_a_manual_clock_moves_when_told_and_never_back():
    clock = ManualClock(5.0)
    clock.advance_to(7.5)
    clock.advance_to(6.0)
    assert clock.now() == 7.5


def test_the_monotonic_clock_does_not_run_backward():
    clock = MonotonicClock()
    assert clock.now() <= clock.now()


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        ([[0]], "must be a numpy array .* got list"),
        (np.zeros((4, 4, 3), np.float32), r"must be uint8 \(H, W, 3\) RGB, got float32 with shape \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), r"got uint8 with shape \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"got uint8 with shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), r"at least one pixel, got shape \(0, 4, 3\)"),
    ],
)
def test_what_is_not_an_image_is_refused_with_what_it_is(pixels, complaint):
    with pytest.raises(InputError, match=complaint):
        check_pixels(pixels)


def test_a_frame_knows_its_size_and_refuses_what_is_not_an_image():
    assert Frame(pixels=np.zeros((3, 5, 3), np.uint8), index=0, captured_at=0.0).size == (3, 5)
    with pytest.raises(InputError):
        Frame(pixels=np.zeros((3, 5), np.uint8), index=0, captured_at=math.pi)


def test_home_is_taken_from_the_environment_when_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    assert foveate_home() == tmp_path
    monkeypatch.setenv("FOVEATE_HOME", "")
    assert foveate_home() == Path.home() / ".cache" / "foveate"


def test_a_home_of_nobody_is_refused_with_what_to_set(monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", "~nobody-of-this-name/foveate")
    with pytest.raises(InputError, match=r"^~nobody-of-this-name/foveate is in no known home.*set FOVEATE_HOME"):
        foveate_home()


@pytest.mark.parametrize("downsampled", [(1, 4), (0, 3), (0, 5)])
def test_times_of_a_codec_reach_from_no_region_to_all(downsampled):
    with pytest.raises(InputError, match="reach from 0 to all 4"):
        CodecProfile(
            frame_size=(576, 576),
            regions=4,
            qualities=(95,),
            downsampled=downsampled,
            encode_s=((0.1, 0.1),),
            decode_s=(0.1, 0.1),
        )
