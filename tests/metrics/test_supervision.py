"""Detections to and from supervision."""

import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from foveate.core import Detections, FoveateError, InputError
from foveate.metrics import from_supervision, to_supervision

NAMES = ("person", "car")


@dataclass
class Theirs:
    """The fields of `supervision.Detections` that we read."""

    xyxy: Any
    confidence: Any = None
    class_id: Any = None
    data: dict[str, Any] = field(default_factory=dict)


def ours():
    return Detections(boxes=[(0, 0, 5, 5), (1, 2, 3, 4)], scores=[0.9, 0.25], class_id=[1, 0], class_names=NAMES)


@pytest.mark.supervision
def test_what_is_given_is_got_back():
    theirs = to_supervision(ours(), track_ids=[7, 8])
    assert theirs.tracker_id.tolist() == [7, 8]
    assert list(theirs.data["class_name"]) == ["car", "person"]
    assert from_supervision(theirs, NAMES) == ours()
    assert len(theirs[theirs.confidence > 0.5]) == 1
    empty = to_supervision(Detections.empty(NAMES))
    assert from_supervision(empty, NAMES) == Detections.empty(NAMES)


def test_names_count_more_than_numbers():
    theirs = Theirs(xyxy=np.zeros((1, 4)), class_id=np.array([7]), data={"class_name": np.array(["car"])})
    found = from_supervision(theirs, NAMES)
    assert (found.class_id.tolist(), found.scores.tolist()) == ([1], [1.0])


def test_without_names_numbers_count():
    assert from_supervision(Theirs(xyxy=np.zeros((1, 4)), class_id=np.array([1])), NAMES).class_id.tolist() == [1]


def test_what_cannot_be_told_is_refused():
    with pytest.raises(InputError, match="must be among person, car, got dog"):
        from_supervision(Theirs(xyxy=np.zeros((1, 4)), data={"class_name": ["dog"]}), NAMES)
    with pytest.raises(InputError, match="need class ids or class names"):
        from_supervision(Theirs(xyxy=np.zeros((1, 4))), NAMES)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(FoveateError, match=r"pip install 'foveate\[supervision\]'"):
        to_supervision(ours())
