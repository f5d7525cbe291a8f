"""The committed split of clips and traces."""

import csv
import json
from collections import Counter

import pytest

from foveate.core import InputError, MediaError
from foveate.evaluation.splits import SplitClip, find_clip, load_splits
from foveate.world.splits import SETS


def test_six_traces_of_each_technology_make_the_standard_table():
    evaluation = [trace for trace in load_splits().traces if trace.side == "evaluation"]
    assert Counter(trace.technology for trace in evaluation) == {"4g": 6, "5g": 6}


def test_both_sides_have_rendered_and_real_clips():
    sides = Counter((clip.kind, clip.side) for clip in load_splits().clips)
    assert sides == {
        ("rendered", "profiling"): 5,
        ("rendered", "evaluation"): 5,
        ("real", "profiling"): 3,
        ("real", "evaluation"): 3,
    }


def test_rendered_clips_are_standard_sets_of_their_side():
    for clip in load_splits().clips:
        if clip.kind == "rendered":
            assert SETS[clip.name].purpose == clip.side


def runs(source_runs):
    """Recordings without the part that was taken of them."""
    return {run.partition("[")[0] for run in source_runs.split(";")}


def test_no_recording_is_on_both_sides(shared_data):
    index = {row["file"]: row for row in csv.DictReader((shared_data / "traces" / "index.csv").open())}
    traces = load_splits().traces
    assert {trace.file for trace in traces} == set(index)
    tuning, other = (
        set().union(*(runs(index[t.file]["source_runs"]) for t in traces if (t.side == "tuning") == wanted))
        for wanted in (True, False)
    )
    assert tuning & other == set()


def test_standard_traces_are_of_different_runs_and_of_every_sixth_of_the_means(shared_data):
    rows = list(csv.DictReader((shared_data / "traces" / "index.csv").open()))
    chosen = {trace.file for trace in load_splits().traces if trace.side == "evaluation"}
    for technology in ("4g", "5g"):
        ranked = sorted((r for r in rows if r["tech"] == technology), key=lambda r: float(r["mean_mbps"]))
        places = [6 * place // len(ranked) for place, row in enumerate(ranked) if row["file"] in chosen]
        assert max(Counter(places).values()) <= 2, places
        assert len(set(places)) >= 5, places
        sources = [runs(row["source_runs"]) for row in ranked if row["file"] in chosen]
        assert sum(map(len, sources)) == len(set().union(*sources))


def test_real_clips_are_those_of_the_folder(shared_data):
    there = {path.stem for path in (shared_data / "videos").glob("*.mp4")}
    assert {clip.name for clip in load_splits().clips if clip.kind == "real"} == there


def test_clips_are_found_where_their_kind_lies(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "world").mkdir(parents=True)
    real = SplitClip(name="a", kind="real", side="profiling")
    rendered = SplitClip(name="b", kind="rendered", side="profiling")
    assert find_clip(real, tmp_path) is None
    assert find_clip(rendered, tmp_path) is None
    (tmp_path / "a.mp4").touch()
    for name in ("b.mp4", "b-1080p.mp4"):
        (tmp_path / "home" / "world" / name).touch()
    assert find_clip(real, tmp_path) == tmp_path / "a.mp4"
    assert find_clip(rendered, tmp_path).name == "b.mp4", "the standard length"
    (tmp_path / "home" / "world" / "b.mp4").unlink()
    assert find_clip(rendered, tmp_path).name == "b-1080p.mp4"
    folder = tmp_path / "home" / "world" / "b-profile"
    folder.mkdir()
    (folder / "b-profile-8s.mp4").touch()
    (folder / ".000001.part.mp4").touch()
    assert find_clip(rendered, tmp_path).name == "b-profile-8s.mp4"


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "splits.json"
    with pytest.raises(MediaError, match="does not name clips and traces"):
        load_splits(path)
    clip = {"name": "a", "kind": "real", "side": "profiling"}
    path.write_text(json.dumps({"notes": [], "clips": [clip, clip], "traces": []}))
    with pytest.raises(InputError, match="names a more than once"):
        load_splits(path)
