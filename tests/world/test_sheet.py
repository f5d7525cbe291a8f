"""The contact sheet: boxes that count are drawn in their class's colour, the others in their own way."""

import cv2
import numpy as np
import pytest

from foveate.world import WorldError, sheet
from foveate.world.coco import CATEGORIES
from foveate.world.realism import Shot
from foveate.world.truth import Seen


def _shot(**seen) -> Shot:
    items = tuple(Seen(track_id=k, **item) for k, item in enumerate(seen["seen"]))
    return Shot(picture=np.zeros((200, 400, 3), np.uint8), seen=items, categories=("person",) * len(items))


def test_every_category_has_a_colour_of_its_own() -> None:
    assert set(sheet.COLOURS) == set(CATEGORIES)
    assert len(set(sheet.COLOURS.values())) == len(CATEGORIES)


def test_a_box_that_counts_is_drawn_and_a_hidden_one_is_dashed_grey() -> None:
    clear = {"box": (40.0, 20.0, 100.0, 180.0), "visible": 1.0}
    hidden = {"box": (240.0, 20.0, 300.0, 180.0), "visible": 0.1}
    picture = sheet.drawn(_shot(seen=[clear, hidden]), (200, 400))
    assert tuple(picture[100, 40]) == sheet.COLOURS["person"]
    assert {tuple(colour) for colour in picture[20:180, 240]} == {sheet.HIDDEN, (0, 0, 0)}


def test_a_tiny_object_gets_a_tick_below_it() -> None:
    tiny = {"box": (40.0, 20.0, 46.0, 27.0), "visible": 1.0}
    picture = sheet.drawn(_shot(seen=[tiny]), (200, 400))
    assert tuple(picture[28, 43]) == sheet.TINY
    assert not picture[:28].any()


def test_a_sheet_is_a_jpeg_of_known_scenarios(tmp_path) -> None:
    with pytest.raises(WorldError, match=r"\.jpg"):
        sheet.contact_sheet(tmp_path / "sheet.png")
    with pytest.raises(WorldError, match="unknown scenario"):
        sheet.contact_sheet(tmp_path / "sheet.jpg", scenarios=["moon"])


@pytest.mark.egl
def test_a_sheet_of_one_scenario_has_a_panel_and_an_empty_one(renderer, tmp_path) -> None:
    made = sheet.contact_sheet(tmp_path / "sheet.jpg", scenarios=["walk-sunny"], time=1.0)
    picture = cv2.imread(str(made))
    assert picture.shape == (sheet.PANEL[0], 2 * sheet.PANEL[1], 3)
    assert picture[:, : sheet.PANEL[1]].std() > 20
    assert picture[:, sheet.PANEL[1] + 8 :].std() < 2
