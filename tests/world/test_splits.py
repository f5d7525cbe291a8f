"""The standard sets share no street, and what is held out is drawn by nobody else."""

import inspect
from itertools import combinations

import numpy as np
import pytest

from foveate.world import WorldError, sets, unseen_people, unseen_vehicles
from foveate.world.families import families, materials
from foveate.world.people import person, random_look
from foveate.world.scenarios import SCENARIOS
from foveate.world.splits import HELD_OUT_WEATHER, SAMPLE, SETS, STILLS_SEED, ClipSet, StillsSet, standard_set
from foveate.world.stills import Order
from foveate.world.vehicles import PAINT, SHAPES

CLIPS = [entry for entry in SETS.values() if isinstance(entry, ClipSet)]
STILLS = [entry for entry in SETS.values() if isinstance(entry, StillsSet)]


def test_no_two_sets_share_the_seed_of_a_scene() -> None:
    seeds = {name: {seed for _, seed in entry.scenes} for name, entry in SETS.items()}
    shared = [(a, b) for a, b in combinations(seeds, 2) if seeds[a] & seeds[b]]
    assert shared == []


def test_clips_keep_below_the_seeds_of_stills_and_off_the_sample_clip() -> None:
    assert all(entry.seed < STILLS_SEED and (entry.scenario, entry.seed) != SAMPLE for entry in CLIPS)
    assert all(seed >= STILLS_SEED for entry in STILLS for _, seed in entry.scenes)


def test_the_earlier_training_stills_share_no_scene_with_the_standard_sets() -> None:
    earlier = range(STILLS_SEED + 100_000, STILLS_SEED + 300_000)
    assert not any(seed in earlier for entry in SETS.values() for _, seed in entry.scenes)


def test_only_evaluation_shows_what_training_never_shows() -> None:
    assert {entry.unseen for entry in SETS.values() if entry.purpose == "evaluation"} == {True}
    assert {entry.unseen for entry in SETS.values() if entry.purpose != "evaluation"} == {False}


def test_training_and_validation_see_no_held_out_weather() -> None:
    seen = {s for entry in STILLS if entry.purpose != "evaluation" for s in entry.scenarios}
    assert not seen & set(HELD_OUT_WEATHER)


def test_every_scenario_has_a_profiling_and_an_evaluation_clip() -> None:
    pairs = {(entry.scenario, entry.purpose) for entry in CLIPS}
    assert pairs == {(s, p) for s in {e.scenario for e in CLIPS} for p in ("profiling", "evaluation")}
    assert set(SCENARIOS) <= {entry.scenario for entry in CLIPS}


def test_plaza_crowd_is_ultra_hd_for_twenty_seconds_and_the_others_full_hd_for_sixty() -> None:
    measures = {(e.scenario == "plaza-crowd", e.size, e.seconds) for e in CLIPS}
    assert measures == {(True, (2160, 3840), 20.0), (False, (1080, 1920), 60.0)}


def test_another_length_has_a_file_of_its_own(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    entry = standard_set("walk-sunny-eval")
    assert sets.place(entry) == tmp_path / "world" / "walk-sunny-eval" / "walk-sunny-eval.mp4"
    assert sets.place(sets.resized(entry, 300)).name == "walk-sunny-eval-300s.mp4"
    assert sets.place(sets.resized(standard_set("train-mixed"), 24)) == tmp_path / "world" / "train-mixed"


@pytest.mark.parametrize(("name", "length"), [("walk-sunny-eval", 0), ("train-mixed", 1.5), ("train-mixed", -1)])
def test_an_impossible_length_is_refused(name, length) -> None:
    with pytest.raises(WorldError, match=name):
        sets.resized(standard_set(name), length)


def test_mixed_stills_take_scenarios_in_turn_and_each_comes_in_every_size(tmp_path) -> None:
    order = Order(
        scenarios=("walk-sunny", "walk-indoor"),
        count=40,
        sizes=((64, 96), (96, 64)),
        seed=3,
        frames_per_scene=2,
        out=tmp_path,
        quality=90,
    )
    scenes = [order.scene(k) for k in range(order.scenes)]
    assert [scenario for scenario, _, _ in scenes[:4]] == ["walk-sunny", "walk-indoor"] * 2
    assert len({(scenario, size) for scenario, _, size in scenes}) == 4


def test_held_out_shapes_paints_and_dress_are_nobody_elses() -> None:
    assert not set(SHAPES) & set(unseen_vehicles.SHAPES)
    assert not set(PAINT) & set(unseen_vehicles.PAINT)
    names = {*unseen_people.LEGS, *unseen_people.OUTER, *unseen_people.HAIRDOS, *unseen_people.PATTERNS}
    looks = [random_look(np.random.default_rng(seed), riding=bool(seed % 2)) for seed in range(200)]
    assert not names & {word for look in looks for word in (look.legs, look.outer, look.hairdo, look.pattern)}


def test_everybody_held_out_wears_held_out_dress() -> None:
    looks = [random_look(np.random.default_rng(seed), riding=bool(seed % 2), unseen=True) for seed in range(200)]
    assert all(look.legs in unseen_people.LEGS and look.hairdo in unseen_people.HAIRDOS for look in looks)
    assert {look.outer for look in looks} >= set(unseen_people.OUTER)


@pytest.mark.parametrize("kind", [*unseen_vehicles.CARS, *unseen_vehicles.LARGE])
def test_a_held_out_vehicle_stands_on_the_ground_about_the_origin(kind) -> None:
    made = {**unseen_vehicles.CARS, **unseen_vehicles.LARGE}[kind](np.random.default_rng(3))
    points = np.concatenate([part.mesh.points for part in made.parts])
    assert points[:, 2].min() == pytest.approx(0, abs=0.08)
    assert abs(points[:, 0].min() + points[:, 0].max()) < 0.8
    assert made.category in ("car", "truck", "bus")


@pytest.mark.parametrize("unseen", [False, True])
def test_families_draw_the_categories_they_are_named_for(unseen) -> None:
    kinds, rng = families(unseen=unseen), np.random.default_rng(1)
    assert kinds.bicycle(rng).category == "bicycle"
    assert kinds.motorcycle(rng).category == "motorcycle"
    assert {model.category for model in kinds.large(rng)} <= {"bus", "truck"}
    look = random_look(rng, unseen=unseen)
    assert person(look, rng).category == "person"


def test_held_out_textures_have_the_measures_of_the_others_and_differ() -> None:
    usual, unseen = materials(unseen=False), materials(unseen=True)
    for name in ("facade", "shops", "asphalt", "paving", "grass"):
        a, b = (getattr(made, name)(np.random.default_rng(4)) for made in (usual, unseen))
        assert a.shape == b.shape
        assert a.dtype == b.dtype == np.uint8
        assert np.abs(a.astype(float) - b).mean() > 10


def test_every_scenario_takes_unseen() -> None:
    assert all("unseen" in inspect.signature(build).parameters for build in SCENARIOS.values())


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_unseen_changes_what_is_built(scenario) -> None:
    usual, unseen = (SCENARIOS[scenario](21, unseen=flag).scene for flag in (False, True))
    pictures = [[s.texture.mean() for s in scene.scenery.surfaces] for scene in (usual, unseen)]
    assert pictures[0] != pictures[1]
    bodies = [{len(part.mesh.points) for a in scene.actors for part in a.model.parts} for scene in (usual, unseen)]
    assert bodies[0] != bodies[1]
