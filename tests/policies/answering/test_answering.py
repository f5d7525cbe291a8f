"""Answering policies: the contract, and what each is for."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from foveate.core import Detections, ImportanceWish, InputError, RegionGrid, View
from foveate.policies import by_name, check_known, policy_parameters
from foveate.policies.answering import (
    ANSWER_POLICIES,
    CloudOnly,
    DeviceOnly,
    ElfLike,
    ElfV,
    Hyperion,
    HyperionMixed,
    RemixLike,
    answer_policy,
    answers_frames,
)
from foveate.policies.answering.hyperion_mixed import unimportant_regions
from foveate.policies.answering.proposals import predicted_boxes, region_views
from foveate.testing.answer_policies import CLASSES, GRID, AnswerPolicyContract, frame_state, objects


class TestCloudOnly(AnswerPolicyContract):
    policy = CloudOnly()


class TestDeviceOnly(AnswerPolicyContract):
    policy = DeviceOnly()


class TestElfLike(AnswerPolicyContract):
    policy = ElfLike()


class TestElfV(AnswerPolicyContract):
    policy = ElfV()


class TestHyperion(AnswerPolicyContract):
    policy = Hyperion()


class TestHyperionFixed(AnswerPolicyContract):
    policy = Hyperion(fixed="30/50/90", refine=False, ensemble=False)


class TestHyperionMixed(AnswerPolicyContract):
    policy = HyperionMixed()


class TestHyperionAhead(AnswerPolicyContract):
    policy = Hyperion(ahead=True)


class TestCloudOnlyFused(AnswerPolicyContract):
    policy = CloudOnly(ensemble=True)


class TestHyperionByBoxes(AnswerPolicyContract):
    policy = Hyperion(importance="boxes")


class TestRemixLike(AnswerPolicyContract):
    policy = RemixLike()


def test_the_contract_holds_every_policy():
    tested = {type(kind.policy) for kind in AnswerPolicyContract.__subclasses__()}
    assert tested == set(ANSWER_POLICIES.values())


@pytest.mark.parametrize("name", sorted(ANSWER_POLICIES))
def test_each_is_made_by_its_name_and_the_other_registry_lacks_it(name):
    assert answer_policy(name).name == name
    assert answers_frames(f" {name} : anything=1")
    with pytest.raises(InputError, match="cannot be used here"):
        by_name(name)


def test_a_name_of_neither_kind_lists_both():
    check_known("vitmalis")
    check_known("elf-v:quality=80")
    with pytest.raises(InputError, match=r"elf-v.*vitmalis"):
        check_known("fast")


def test_parameters_go_by_name():
    policy = answer_policy("hyperion:refine=false,fixed=10/50/90")
    assert policy == Hyperion(refine=False, fixed="10/50/90")
    assert policy_parameters(policy)["costs"] == "line"
    with pytest.raises(InputError, match="its parameters are"):
        answer_policy("hyperion:nonsense=1")


def test_the_scheduler_spends_its_budget_on_what_is_worth_most():
    # A class of share p at quality q costs 1000 p q bytes; the last class is worth most for its bytes.
    plan = Hyperion().decide(frame_state(budget_bytes=35_000))
    assert plan.class_qualities[2] == 100
    assert plan.class_qualities[0] < 100
    rich = Hyperion().decide(frame_state(budget_bytes=1e9))
    assert rich.class_qualities == (100, 100, 100)


@pytest.mark.parametrize("policy", [Hyperion, HyperionMixed])
def test_what_is_worth_little_is_left_out_within_the_tolerance(policy):
    rich = frame_state(budget_bytes=1e9)
    state = replace(rich, costs=replace(rich.costs, accuracy=rich.costs.accuracy / 100))
    last, top = state.costs.accuracy.sum(axis=0)[-2:]
    everything, most, least = (policy(tolerance=t).decide(state) for t in (0.0, float(top - last), 1.0))
    assert everything.jpeg_quality == state.costs.qualities[-1]
    assert (most.class_qualities, most.jpeg_quality) != (everything.class_qualities, everything.jpeg_quality)
    assert least.jpeg_quality == state.costs.qualities[0]


def test_the_scheduler_leaves_frames_to_the_device_that_do_not_fit():
    assert Hyperion().decide(frame_state(budget_bytes=5_000)) is None
    assert Hyperion().decide(frame_state(budget_bytes=None)) is None


def test_bytes_that_come_on_top_count_against_the_budget():
    state = frame_state(budget_bytes=35_000)
    dearer = replace(state, costs=replace(state.costs, fixed_bytes=24_000.0))
    assert Hyperion().decide(state).class_qualities > Hyperion().decide(dearer).class_qualities


@pytest.mark.parametrize("policy", [Hyperion(), HyperionMixed()])
@pytest.mark.parametrize("budget_bytes", [0.0, 5_000.0])
def test_a_line_of_sizes_that_lies_below_zero_makes_nothing_fit(policy, budget_bytes):
    state = frame_state(budget_bytes=budget_bytes)
    below = replace(state, costs=replace(state.costs, fixed_bytes=-90_000.0, least_bytes=8_000.0))
    assert policy.decide(below) is None
    assert policy.decide(replace(below, budget_bytes=lambda _: 1e9)).expected_bytes > 0


def test_a_plan_is_expected_to_take_no_less_than_a_frame_can():
    state = frame_state()
    below = replace(state, costs=replace(state.costs, fixed_bytes=-1e6, least_bytes=8_000.0))
    assert Hyperion().decide(below).expected_bytes == 8_000


def test_fixed_qualities_ask_no_budget():
    plan = Hyperion(fixed="30/50/90").decide(frame_state(budget_bytes=0))
    assert (plan.class_qualities, plan.reason) == ((30, 50, 90), "fixed")


@pytest.mark.parametrize("fixed", ["30/50", "30/50/101", "a/b/c", "30-50-90", "0/1/2"])
def test_fixed_qualities_are_one_number_for_each_class(fixed):
    with pytest.raises(InputError, match="30/50/90"):
        Hyperion(fixed=fixed)


def test_ablations_switch_one_part_off_each():
    assert Hyperion().confidence == 0.5
    assert Hyperion(refine=False).confidence is None
    assert Hyperion().fusion.cloud == pytest.approx(0.6)
    assert Hyperion(ensemble=False).fusion is None


@pytest.mark.parametrize("name", ["hyperion", "hyperion-mixed"])
def test_importance_is_asked_for_as_the_policy_says(name):
    policy = answer_policy(f"{name}:importance=boxes,breaks=log")
    assert policy.look(frame_state()).importance == ImportanceWish(source="boxes", scale="log")
    with pytest.raises(InputError, match="importance"):
        answer_policy(f"{name}:importance=luck")


def test_unimportant_regions_are_those_of_class_0():
    classes = np.zeros_like(CLASSES)
    classes[5, 9] = 2  # rows 4 to 7, columns 8 to 11: region (1, 2)
    mask = unimportant_regions(classes, GRID, allowed=0.0)
    assert mask.sum() == len(GRID) - 1
    assert not mask[1, 2]
    assert unimportant_regions(classes, GRID, allowed=0.1).all()


def test_a_clipped_region_counts_its_own_patches_alone():
    classes = np.zeros_like(CLASSES)
    classes[12, 20] = 1  # the only patch of the last region
    assert not unimportant_regions(classes, GRID, allowed=0.5)[3, 5]


@pytest.mark.parametrize("patch_size", [14, 8, 2])
def test_regions_need_not_be_of_whole_patches(patch_size):
    grid = RegionGrid(height=1080, width=1920, patch_size=patch_size, window_size=9, downsampling_factor=2)
    classes = np.zeros((68, 120), np.uint8)
    classes[62, 110] = 1
    wanted = np.ones(grid.shape, np.bool_)
    wanted[(62 * 16 + 8) // grid.region_pixels, (110 * 16 + 8) // grid.region_pixels] = False
    assert np.array_equal(unimportant_regions(classes, grid, allowed=0.0), wanted)


def test_mixed_sends_fewer_pixels_the_less_matters():
    state = replace(frame_state(), classes=np.zeros_like(CLASSES))
    plan = HyperionMixed().decide(state)
    assert plan.downsampled_regions == len(GRID)
    assert plan.restoration_point == 2
    everything = HyperionMixed().decide(replace(state, classes=np.full_like(CLASSES, 2)))
    assert (everything.downsampled_regions, everything.restoration_point) == (0, 0)
    assert everything.jpeg_quality <= plan.jpeg_quality


def test_boxes_move_on_with_their_velocity():
    answers = ((3, objects(40.0, 200.0)), (6, objects(46.0, 200.0)))
    assert predicted_boxes(answers, 9)[:, 0].tolist() == [52.0, 200.0]
    assert predicted_boxes(answers[:1], 9)[:, 0].tolist() == [40.0, 200.0]
    assert len(predicted_boxes((), 9)) == 0


def test_an_object_that_is_new_stands_still():
    answers = ((3, objects(40.0)), (6, objects(46.0, 250.0)))
    assert predicted_boxes(answers, 9)[:, 0].tolist() == [52.0, 250.0]


def test_an_object_is_the_same_by_the_name_of_its_class():
    answers = ((3, objects(40.0)), (6, replace(objects(46.0), class_id=[1], class_names=("background", "person"))))
    assert predicted_boxes(answers, 9)[:, 0].tolist() == [52.0]
    other = ((3, objects(40.0)), (6, replace(objects(46.0), class_names=("background", "person"))))
    assert predicted_boxes(other, 9)[:, 0].tolist() == [46.0]


def test_regions_hold_their_boxes_with_a_margin_and_do_not_overlap():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 900, (40, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 60, (40, 2))], axis=1).astype(np.float32)
    views = region_views(boxes, (1000, 1000), margin=0.25, most=6)
    assert 1 <= len(views) <= 6
    for x1, y1, x2, y2 in boxes:
        assert any(v.left <= x1 and v.top <= y1 and v.right >= min(x2, 1000) and v.bottom >= y2 for v in views)
    covered = np.zeros((1000, 1000), int)
    for view in views:
        covered[view.top : view.bottom, view.left : view.right] += 1
    assert covered.max() == 1


def test_a_box_beyond_the_frame_makes_no_region():
    outside = np.array([[2000.0, 10, 2050, 60], [-80, -80, -20, -20]], np.float32)
    assert region_views(outside, (500, 500), margin=0.0) == []


def test_a_huge_box_is_the_whole_frame():
    huge = np.array([[-1e30, -1e30, 1e30, 1e30]], np.float32)
    assert region_views(huge, (100, 200), margin=0.5) == [View(top=0, left=0, bottom=100, right=200)]


def joined_one_by_one(rectangles, most):
    """Lists of `[top, left, bottom, right]`, joined as `region_views` says, the slow way."""

    def hull(a, b):
        return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]

    def area(a):
        return (a[2] - a[0]) * (a[3] - a[1])

    def overlap(a, b):
        return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

    while True:
        pairs = list(combinations(rectangles, 2))
        touching = [pair for pair in pairs if overlap(*pair)]
        if not touching and len(rectangles) <= most:
            return sorted(rectangles)
        a, b = (touching or sorted(pairs, key=lambda p: area(hull(*p)) - area(p[0]) - area(p[1])))[0]
        rectangles = [one for one in rectangles if one is not a and one is not b] + [hull(a, b)]


@pytest.mark.parametrize("seed", range(5))
def test_regions_that_overlap_and_then_those_that_waste_least_are_joined(seed):
    cells = np.random.default_rng(seed).permutation(60 * 30)[:70]
    corners = np.stack([cells % 60, cells // 60], axis=1) * 64.0
    boxes = np.concatenate([corners, corners + 32], axis=1).astype(np.float32)
    alone = sorted([int(y), int(x), int(y) + 32, int(x) + 32] for x, y in corners)
    views = region_views(boxes, (1920, 3840), margin=0.0, most=12)
    assert [[v.top, v.left, v.bottom, v.right] for v in views] == joined_one_by_one(alone, 12)


def test_elf_sends_the_whole_frame_at_first_and_an_overview_now_and_then():
    state = frame_state(seen=False)
    assert ElfV().decide(replace(state, answers=())).views == (View.whole(state.size),)
    with_overview = ElfV(overview_every=3).decide(replace(state, offloads=3))
    without = ElfV(overview_every=3).decide(replace(state, offloads=4))
    assert with_overview.views == (*without.views, View.whole(state.size, 0.25))


def test_elf_ignores_boxes_that_are_hardly_sure():
    faint = Detections(boxes=np.array([[10.0, 10, 30, 30]]), scores=[0.1], class_id=[0], class_names=("person", "car"))
    plan = ElfLike(score=0.3).decide(replace(frame_state(seen=False), answers=((6, faint),)))
    assert plan.reason == "nothing known"


def test_only_elf_v_is_sliced():
    state = frame_state(seen=False)
    assert ElfLike().decide(state).slicing is None
    assert ElfV().decide(state).slicing == state.slicing


def test_remix_looks_closer_the_more_time_there_is():
    state = frame_state(seen=False)
    pixels = [RemixLike().look(replace(state, deadline_s=deadline)).pixels for deadline in (0.2, 0.4, 2.0)]
    assert pixels[0] < pixels[1] < pixels[2]
    assert pixels[1] <= state.whole_look.pixels * 0.4 / 0.15


def test_remix_looks_at_every_block_in_turn():
    policy, state = RemixLike(unknown=0.0, kept=1.0, refresh=3), frame_state(seen=False)
    seen = set()
    for taken in range(3):
        plan = policy.look(replace(state, taken=taken, deadline_s=2.0))
        seen |= {block for block in policy.blocks(state.size) if block not in plan.kept}
    assert seen == set(policy.blocks(state.size))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (CloudOnly, {"quality": 0}),
        (CloudOnly, {"scale": 1.5}),
        (ElfLike, {"overview": 0.0}),
        (ElfLike, {"overview_every": 0}),
        (ElfLike, {"score": 1.5}),
        (ElfLike, {"margin": np.inf}),
        (Hyperion, {"threshold": 1.5}),
        (HyperionMixed, {"beta": -1}),
        (RemixLike, {"rows": 0}),
        (RemixLike, {"sharp": 4.0}),
        (RemixLike, {"sharp": np.inf}),
        (RemixLike, {"kept": np.nan}),
        (RemixLike, {"unknown": -1.0}),
    ],
)
def test_impossible_parameters_are_refused(kind, wrong):
    with pytest.raises(InputError):
        kind(**wrong)
