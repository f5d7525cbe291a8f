from dataclasses import replace
from pathlib import Path

import pytest

from foveate.core import MediaError
from foveate.evaluation.cards.sets import find_sets, spread_evenly

from .conftest import annotate


def test_what_is_not_there_is_named_with_what_brings_it(data: Path) -> None:
    sets = find_sets(data)
    assert [one.name for one in sets.real] == ["val.json"]
    assert not (sets.clips)
    assert not (sets.crowd)
    assert not sets.stills
    assert "walk-rain: foveate world dataset walk-rain-eval --seconds 4" in sets.absent
    assert sum("foveate world dataset" in line for line in sets.absent) == 7
    assert any("real pictures" in line for line in find_sets(data / "nowhere").absent)


@pytest.mark.usefixtures("rainy")
def test_a_clip_gives_so_many_frames_evenly_spread(data: Path) -> None:
    (one,) = find_sets(data, frames=3).clips
    assert [image.frame for image in one.open().images] == [0, 2, 4]
    assert len(list(one.open().pixels())) == 3


def test_stills_are_told_apart_by_scenario_and_the_first_ones_are_taken(stills: Path) -> None:
    sets = find_sets(stills, stills=2)
    assert [one.name for one in sets.stills] == ["val-mixed walk-sunny", "val-mixed drive-night"]
    assert [[i.file_name for i in one.open().images] for one in sets.stills] == [["0.png", "2.png"], ["1.png", "3.png"]]
    apart = replace(sets.stills[0], step=2)
    assert [image.file_name for image in apart.open().images] == ["0.png", "4.png"]
    assert apart.has_pictures()
    assert not replace(apart, size=(720, 1280)).has_pictures()


def test_stills_that_do_not_name_their_scenario_are_refused(stills: Path) -> None:
    annotate(stills / "annotations.json", 6)
    with pytest.raises(MediaError, match="which scenario"):
        find_sets(stills)


def test_pictures_are_spread_evenly() -> None:
    assert spread_evenly(tuple("abcdef"), 3) == ("a", "c", "e")  # type: ignore[arg-type]
    assert spread_evenly(tuple("ab"), 3) == ("a", "b")  # type: ignore[arg-type]
    assert spread_evenly(tuple("ab"), None) == ("a", "b")  # type: ignore[arg-type]
