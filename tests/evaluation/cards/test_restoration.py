import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from foveate.core import RegionGrid
from foveate.evaluation.cards.restoration import all_cells, mask_of, measure_cells, restoration_table, summarise
from foveate.metrics import Truth
from foveate.testing import FakeDetector, moving_squares

GRID = RegionGrid(height=128, width=192, window_size=2)


def test_larger_shares_hold_smaller_ones_and_regions_with_an_object_stay() -> None:
    found = FakeDetector().detect_batch([next(iter(moving_squares(1)))])[0]
    masks = [mask_of("empty", share, GRID, found, 0) for share in (25, 50, 75, 100)]
    assert all((small <= large).all() for small, large in itertools.pairwise(masks))
    assert np.array_equal(masks[-1], ~GRID.overlapping(found.boxes))
    assert mask_of("any", 50, GRID, found, 0).sum() == len(GRID) // 2


def test_a_detector_that_does_not_mind_scores_one_everywhere() -> None:
    detector, cells = FakeDetector(inference_s=0.001), all_cells((0, 4), shares=(25, 50))
    frames = []
    for pixels in moving_squares(2):
        truth = Truth(detections=detector.detect_batch([pixels])[0])
        frames.append(measure_cells(detector, pixels, truth, [c for c in cells if c.kind == "empty"]))  # type: ignore[arg-type]
    rows = summarise(frames, [c for c in cells if c.kind == "empty"])
    assert [(row["share"], row["point"], row["objects"]) for row in rows] == [
        (25, 0, 4),
        (25, 4, 4),
        (50, 0, 4),
        (50, 4, 4),
    ]
    assert [row["f1"] for row in rows] == [1.0] * 4
    assert [row["exact_f1_full"] for row in rows] == [1.0] * 4
    assert rows[2]["regions"] > rows[0]["regions"] > 0


@pytest.mark.parametrize(("accelerator", "seconds"), [(None, 1), ("NVIDIA H200", 5)])
def test_time_is_the_processors_own_or_on_an_accelerator_wall_clock(
    accelerator: str | None, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = SimpleNamespace(process_time=itertools.count(0, 1).__next__, perf_counter=itertools.count(0, 5).__next__)
    monkeypatch.setattr("foveate.evaluation.cards.restoration.time", clocks)
    monkeypatch.setattr("foveate.evaluation.cards.restoration.accelerator", lambda: accelerator)
    cells = all_cells((0,), kinds=("empty",), shares=(25,))
    (entry,) = measure_cells(FakeDetector(), next(iter(moving_squares(1))), None, cells).values()  # type: ignore[arg-type]
    assert (entry["full_s"], entry["mixed_s"]) == (seconds, seconds)


def test_a_crowd_hides_false_alarms_of_its_own_class() -> None:
    detector, cells = FakeDetector(inference_s=0.001), all_cells((0,), kinds=("empty",), shares=(25,))
    pixels = next(iter(moving_squares(1)))
    found = detector.detect_batch([pixels])[0]
    crowd = Truth(detections=found.select([]), ignore=found.boxes, ignore_class=found.class_id[::-1])
    (measured,) = measure_cells(detector, pixels, crowd, cells).values()  # type: ignore[arg-type]
    assert measured["exact"] == [0, 2, 0]


def test_the_table_has_a_line_for_each_share_and_a_column_for_each_point() -> None:
    row = {"kind": "any", "share": 50, "regions": 0.5, "f1": 0.9, "speedup": 1.5, "objects": 3}
    lines = restoration_table([row | {"point": 4}, row | {"point": 0, "f1": 1.0}])
    assert lines[0] == "| downsampled | of all regions | beta 0 | beta 4 |"
    assert lines[2:] == ["| 50 % of regions at random | 50 % | 1.000 / 1.50 | 0.900 / 1.50 |"]


def test_cells_of_one_mask_stand_together() -> None:
    cells = all_cells(range(5))
    assert len(cells) == len({cell.name for cell in cells}) == 30
    assert [cell.point for cell in cells[:5]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["empty", "any"])
def test_nothing_is_downsampled_for_no_share(kind: str) -> None:
    found = FakeDetector().detect_batch([next(iter(moving_squares(1)))])[0]
    assert not mask_of(kind, 0, GRID, found, 0).any()
