"""Rows of observations, and a fit that is judged on other scenes than it was made of."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from foveate.core import CLASS_QUALITIES, InputError
from foveate.estimators import load_profile, read_profile, shipped_profiles, write_profile
from foveate.profiling.hyperion import ClassObservation, ClassSampling, ClassTrial, combinations
from foveate.profiling.hyperion_fit import fit_classes, judge_across, judge_classes, pooled_accuracy, size_rows


def observed(seed: int = 0) -> ClassObservation:
    """A frame whose objects are found wherever the quality of class 2 is above 10."""
    rng = np.random.default_rng(seed)
    size = np.sort(rng.integers(50, 900, (3, 7)), axis=1)
    trials = [
        ClassTrial(qualities=q, tp=8 if q[2] > 10 else 4, fp=2, fn=2 if q[2] > 10 else 6)
        for q in combinations(ClassSampling())
    ]
    return ClassObservation(
        scene=f"s{seed}",
        frame=0,
        shares=tuple(rng.dirichlet((6, 3, 1)).tolist()),
        original_bytes=3000 + seed,
        thumbnail_bytes=100,
        sizes=tuple(tuple(row) for row in size.tolist()),
        overhead_bytes=40,
        trials=tuple(trials),
    )


def test_rows_hold_every_combination_of_every_frame():
    rows = size_rows([observed(0), observed(1)])
    assert rows.ratio.shape == (2 * 343,)
    place = 343 + 7 * 7 * 2 + 7 * 0 + 6
    assert rows.chosen[place].tolist() == [50, 10, 100]
    assert rows.ratio[place] == observed(1).size((50, 10, 100)) / 3001
    assert rows.mean_quality[place] == pytest.approx(np.dot(observed(1).shares, (50, 10, 100)))


def test_accuracy_is_pooled_over_frames():
    pooled = pooled_accuracy([observed(0), observed(1)])
    assert pooled[100, 100, 100] == pytest.approx(16 / 20)
    assert pooled[10, 10, 10] == pytest.approx(8 / 16)


def test_a_fit_finds_what_matters_and_is_judged_on_other_scenes():
    profile = fit_classes([observed(seed) for seed in range(4)])
    assert profile.accuracy.weights[2] > 5 * max(profile.accuracy.weights[:2])
    assert profile.original_per_thumbnail == pytest.approx(30, rel=0.01)
    figures = judge_classes(profile, [observed(seed) for seed in range(4, 8)])
    assert figures["accuracy_table_correlation"] > 0.99 > figures["accuracy_line_correlation"] > 0.5
    assert figures["accuracy_table_mae"] < figures["accuracy_line_mae"]
    assert figures["original_mape"] < 0.01
    for model in ("line", "table"):
        assert {f"size_{model}_{figure}" for figure in ("correlation", "mape", "exceeded")} <= set(figures)


def test_a_profile_with_classes_survives_its_file(tmp_path: Path):
    profile = replace(load_profile(shipped_profiles()[0]), classes=fit_classes([observed(0)]))
    write_profile(profile, tmp_path / "p.json")
    assert read_profile(tmp_path / "p.json") == profile
    assert profile.classes is not None
    assert profile.classes.table.qualities == CLASS_QUALITIES


def test_every_scene_is_judged_by_a_fit_to_the_others():
    scenes = [observed(seed) for seed in range(3)]
    figures = judge_across(scenes)
    expected = [judge_classes(fit_classes(scenes[:k] + scenes[k + 1 :]), [scenes[k]]) for k in range(3)]
    assert figures["size_table_mape"] == pytest.approx(np.mean([f["size_table_mape"] for f in expected]))
    assert judge_across(scenes[:1]) == {}


def test_nothing_is_fitted_to_nothing():
    with pytest.raises(InputError, match="at least one measured frame"):
        fit_classes([])


def test_frames_without_a_common_combination_are_refused():
    one, other = observed(0), observed(1)
    parted = [
        msgspec.structs.replace(one, trials=one.trials[:3]),
        msgspec.structs.replace(other, trials=one.trials[3:]),
    ]
    with pytest.raises(InputError, match="no combination of qualities was tried on all of the 2"):
        fit_classes(parted)
