"""The rendered frames against what real ones are like."""

import numpy as np
import pytest

from foveate.world import WorldError
from foveate.world.realism import JPEG_KIB, Shot, heights, histogram, jpeg_kib, median_flow, shots
from foveate.world.scenarios import SCENARIOS


def test_the_flow_of_a_shifted_picture_is_its_shift() -> None:
    field = np.random.default_rng(0).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    picture = np.kron(field, np.ones((8, 8, 1), np.uint8))
    assert median_flow(picture, np.roll(picture, 6, axis=1)) == pytest.approx(6, abs=0.5)
    with pytest.raises(WorldError, match="one size"):
        median_flow(picture, picture[1:])


def test_the_classes_of_heights_add_up() -> None:
    assert histogram(np.array([4.0, 20, 20, 500])).tolist() == [0.25, 0, 0.5, 0, 0, 0, 0.25]
    assert histogram(np.zeros(0)).sum() == 0


def test_a_flat_picture_weighs_less_than_a_real_one() -> None:
    assert jpeg_kib(np.full((1080, 1920, 3), 90, np.uint8)) < JPEG_KIB[0]


@pytest.fixture(scope="module")
def taken(renderer: None) -> dict[str, list[Shot]]:
    """Five frames of a clip of each scenario, all of 1080p."""
    return {
        name: shots(name, seed=31, times=(1.0, 4.0, 7.0, 10.0, 13.0), size=(1080, 1920)) for name in sorted(SCENARIOS)
    }


@pytest.mark.egl
def test_a_1080p_frame_weighs_as_much_as_a_real_one(taken) -> None:
    weights = {name: np.median([jpeg_kib(shot.picture) for shot in found]) for name, found in taken.items()}
    assert all(JPEG_KIB[0] < weight < JPEG_KIB[1] for weight in weights.values()), weights


@pytest.mark.egl
def test_several_objects_are_in_every_frame(taken) -> None:
    fewest = {name: min(sum(not s.ignore for s in shot.seen) for shot in found) for name, found in taken.items()}
    assert min(fewest.values()) >= 3, fewest


@pytest.mark.egl
def test_boxes_are_of_low_and_of_great_height(taken) -> None:
    ranges = {name: (heights(found).min(), heights(found).max()) for name, found in taken.items()}
    assert all(low < 20 for low, _ in ranges.values()), ranges
    assert max(high for _, high in ranges.values()) > 300, ranges
