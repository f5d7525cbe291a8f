import numpy as np
import pytest
import torch

from foveate.core import InputError, RegionGrid
from foveate.training import ColourConfig, Phase, ResolutionConfig, Schedule, Targets, draw_resolution
from foveate.training.targets import occupied_regions


def test_progress_is_the_further_of_steps_and_time() -> None:
    schedule = Schedule(steps=100, minutes=10)
    assert schedule.progress(50, 60) == 0.5
    assert schedule.progress(10, 540) == pytest.approx(0.9)
    assert schedule.progress(10, 1e9) == 1


def test_the_learning_rate_warms_up_and_decays_to_its_last_share() -> None:
    schedule = Schedule(minutes=1, learning_rate=1.0, warmup_steps=10, last_share=0.1)
    assert schedule.learning_rate_at(0, 0.0) == pytest.approx(0.1)
    assert schedule.learning_rate_at(20, 0.0) == 1
    assert schedule.learning_rate_at(20, 1.0) == pytest.approx(0.1)


def test_phases_follow_their_shares() -> None:
    schedule = Schedule(steps=1, phases=(Phase(share=3), Phase(share=1, size=(480, 832), batch_size=4)))
    assert [schedule.phase_at(p) for p in (0.0, 0.74, 0.76, 1.0)] == [0, 0, 1, 1]


def test_training_without_a_limit_is_refused() -> None:
    with pytest.raises(InputError, match="positive number of steps or minutes"):
        Schedule()


@pytest.mark.parametrize(
    "wrong",
    [{"warmup_steps": -1}, {"last_share": 1.5}, {"learning_rate": 0.0}, {"steps": 0}, {"minutes": float("nan")}],
)
def test_impossible_numbers_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Schedule(**{"steps": 10} | wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="jpeg_quality must be a range"):
        ColourConfig(jpeg_quality=(90, 20))


def test_sides_that_are_no_multiple_of_32_are_refused() -> None:
    with pytest.raises(InputError, match="multiples of 32"):
        Phase(share=1, size=(300, 288))


def test_all_images_of_a_step_have_equally_many_low_regions() -> None:
    rng = np.random.default_rng(0)
    always = ResolutionConfig(step_share=1.0)
    counts = set()
    for _ in range(20):
        drawn = draw_resolution(always, 5, (2, 3), 4, rng)
        assert drawn.masks is not None
        lows = drawn.masks.flatten(1).sum(dim=1)
        assert (lows == lows[0]).all()
        assert len(set(drawn.restoration_points)) == 1
        counts.add(int(lows[0]))
    assert counts >= {1, 6}


def test_crops_of_one_region_are_seldom_low() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_resolution(ResolutionConfig(), 16, (1, 1), 4, rng) for _ in range(300)]
    low = sum(0 if d.masks is None else int(d.masks.sum()) for d in drawn)
    assert low / (300 * 16) == pytest.approx(0.15, abs=0.03)


def test_regions_without_objects_are_downsampled_first_if_so_wanted() -> None:
    occupied = np.zeros((5, 2, 3), np.bool_)
    occupied[:, 0, 1] = occupied[2, 1] = True
    config = ResolutionConfig(step_share=1.0, empty_share=1.0)
    for seed in range(30):
        drawn = draw_resolution(config, 5, (2, 3), 4, np.random.default_rng(seed), occupied=occupied)
        assert drawn.masks is not None
        for mask, busy in zip(drawn.masks.numpy(), occupied, strict=True):
            assert not (mask & busy).any() or mask[~busy].all()


def test_regions_are_occupied_by_objects_and_not_by_padding() -> None:
    targets = Targets(
        boxes=torch.tensor([[[70.0, 10, 90, 20], [0, 40, 30, 90]]]),
        labels=torch.tensor([[0, -1]]),
        ignored_boxes=torch.zeros(1, 1, 4),
        ignored_labels=torch.full((1, 1), -1),
    )
    grid = RegionGrid(height=100, width=200, window_size=2)
    assert occupied_regions(targets, grid).tolist() == [[[False, True, False, False], [False] * 4]]


def test_neighbours_that_shall_be_alike_share_a_mask() -> None:
    drawn = draw_resolution(ResolutionConfig(step_share=1.0), 7, (3, 4), 4, np.random.default_rng(3), alike=3)
    assert drawn.masks is not None
    masks = drawn.masks.numpy()
    assert (masks[[1, 2, 4, 5]] == masks[[0, 0, 3, 3]]).all()
    assert (masks[0] != masks[3]).any()
    assert (masks[3] != masks[6]).any()
