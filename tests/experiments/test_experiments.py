"""Experiments by name, and the thin files over them."""

import inspect
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import foveate.experiments
from foveate.core import InputError
from foveate.evaluation.answer_run import class_profile
from foveate.evaluation.lab import Experiment, compare_job, plan_of, report_job
from foveate.evaluation.lab.workers import LocalWorkers
from foveate.experiments import EXPERIMENTS, Inputs, experiment_by_name
from foveate.experiments.inputs import _source_runs, in_paper_range, standard_uplinks, standard_videos
from foveate.network import UplinkTrace
from foveate.policies.answering import answer_policy
from foveate.testing.detectors_by_name import fake_model

CONFIGS = Path(__file__).parents[2] / "configs"
OWN_FILES = [path for path in sorted(CONFIGS.glob("*.py")) if "def experiment(" in path.read_text()]
RUNNABLE = ("ablation", "codec", "controls", "delays", "estimators", "overhead", "restoration", "vitmalis-overall")


@pytest.fixture
def inputs(shared_data):
    return Inputs(data=shared_data)


def config(name):
    return CONFIGS / f"{name.replace('-', '_')}.py"


def test_profiles_that_ship_know_the_classes_of_the_contenders_that_use_them(inputs):
    overall = experiment_by_name("hyperion-overall", inputs)
    for contender in overall.contenders:
        known = class_profile(contender.profile or overall.profile, answer_policy(contender.policy))
        assert known.importance is not None


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_says_what_to_type_what_it_costs_and_what_to_expect(name):
    words = inspect.getdoc(EXPERIMENTS[name])
    assert f"foveate compare {name}" in words
    assert re.search(r"Cost: .*Expected: ", words, re.DOTALL)
    assert config(name).is_file()
    assert re.search(r"Cost: .*Expected: ", config(name).read_text(), re.DOTALL)


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: path.stem)
def test_files_that_no_name_stands_for_state_command_and_cost_too(path, inputs):
    text = path.read_text()
    assert f"foveate compare configs/{path.name}" in text
    assert re.search(r"Cost.*: .*Expected:", text, re.DOTALL)
    found = experiment_by_name(str(path), inputs)
    assert len(found.contenders) > 1
    assert found.name == path.stem


def test_quick_needs_nothing_but_the_package():
    quick = experiment_by_name("quick", Inputs())
    assert all(video.path.is_file() for video in quick.videos)
    assert all(uplink.path.is_file() for uplink in quick.uplinks)


def test_quick_runs_from_its_file_to_its_report(tmp_path):
    """With a detector that finds nothing on the sample clip: what is tested is the way there."""
    from foveate.estimators import write_profile
    from foveate.testing.profiles import round_profile

    write_profile(round_profile(), tmp_path / "round.json")
    inputs = Inputs(profile=str(tmp_path / "round.json"), seconds=0.5, offsets=1)
    quick = experiment_by_name(str(config("quick")), inputs)
    with LocalWorkers(2) as workers:
        comparison = compare_job(
            quick, tmp_path / "out", load=fake_model, workers=workers, console=Console(file=StringIO())
        )
    assert not comparison.failures
    assert len(comparison.cells) == 5
    (verdict,) = report_job(comparison, tmp_path / "out", console=Console(file=StringIO()))
    assert "too few to rank anything" in verdict.headline
    assert (tmp_path / "out" / "report.html").stat().st_size > 50_000


def test_every_control_runs_and_the_report_says_what_it_tells(inputs, tmp_path):
    """On a moment of the sample clip, with a detector that finds nothing there."""
    from dataclasses import replace

    from foveate.estimators import write_profile
    from foveate.experiments.inputs import sample_uplink, sample_video
    from foveate.testing.profiles import round_profile

    write_profile(round_profile(), tmp_path / "round.json")
    small = replace(inputs, part="main", profile=str(tmp_path / "round.json"), seconds=1.0)
    whole = experiment_by_name(str(config("controls")), small)
    controls = replace(whole, videos=(sample_video(small),), uplinks=(sample_uplink(),))
    assert len(controls.everyone) == 14
    with LocalWorkers(2) as workers:
        comparison = compare_job(
            controls, tmp_path / "out", load=fake_model, workers=workers, console=Console(file=StringIO())
        )
    assert not comparison.failures
    labels = [row.label for row in controls.rows]
    assert [contender.label for contender, _ in comparison.cells] == labels
    report_job(comparison, tmp_path / "out", console=Console(file=StringIO()))
    page = (tmp_path / "out" / "report.html").read_text()
    assert all(f"<dt>{label}</dt>" in page for label in labels)
    assert "Chosen here:<br>street: track-fixed:" in page


@pytest.mark.parametrize("name", RUNNABLE)
def test_each_is_made_of_the_evaluation_side(name, inputs):
    experiment = experiment_by_name(name, inputs)
    assert {video.name for video in experiment.videos} >= {"plaza-720p", "towncentre-1080p", "traffic-540p"}
    assert {video.kind for video in experiment.videos} == {"rendered", "real"}
    assert len({uplink.path for uplink in experiment.uplinks}) == 12
    assert experiment.compared_with in [contender.label for contender in experiment.contenders]


def test_parts_grow_and_keep_the_main_tables(shared_data):
    main, links, whole = (
        EXPERIMENTS["vitmalis-overall"](Inputs(data=shared_data, part=part)).conditions
        for part in ("main", "links", "all")
    )
    assert main == links[:1] == whole[:1]
    assert {condition.group for condition in links} == {"recorded", "paper range"}
    assert {condition.transport for condition in links} == {"ideal", "tcp"}
    assert [c.machine.variation.label for c in whole if c not in links] == [
        "mixed gain x0.7",
        "mixed gain x1.3",
        "codec x0.5",
        "codec x2",
        "tracker x0.5",
        "tracker x2",
    ]


def test_scaled_traces_span_the_means_of_the_paper(inputs):
    scaled = [uplink for uplink in standard_uplinks(inputs) if uplink.group == "paper range"]
    for technology, (low, high) in (("4g", (10.4, 36.4)), ("5g", (12.2, 135.5))):
        means = [
            UplinkTrace.load(uplink.path).scaled(uplink.scale).mean_bps / 1e6
            for uplink in scaled
            if uplink.path.parent.name == technology
        ]
        assert len(means) == 6
        assert (min(means), max(means)) == pytest.approx((low, high), rel=1e-3)
    assert in_paper_range(()) == ()


def test_experts_run_on_recordings_and_a_lan_and_vary_one_thing_at_a_time(shared_data):
    main, whole = (
        EXPERIMENTS["experts-overall"](Inputs(data=shared_data, part=part)).links for part in ("main", "all")
    )
    assert [link.group for link in main] == 2 * [*6 * ["4g"], *6 * ["5g"], "lan"]
    assert len({link.recording for link in main}) == 13
    assert len({link.link.trace.offset_s for link in main if link.group != "lan"}) == 24
    assert {(link.variation, link.link.transport, "*" in link.link.trace.name) for link in main} == {
        ("", "ideal", False)
    }
    assert [(link.group, link.start, link.recording) for link in whole[: len(main)]] == [
        (link.group, link.start, link.recording) for link in main
    ]
    added = whole[len(main) :]
    assert {(link.variation, link.link.transport) for link in added} == {("tcp", "tcp"), ("paper range", "ideal")}
    scaled = [link.link.trace.mean_bps / 1e6 for link in added if link.variation and link.group == "5g"]
    assert max(scaled) == pytest.approx(135.5, rel=0.001)


def test_traces_of_the_standard_table_come_from_recordings_of_their_own(inputs):
    runs = [
        run.split("[")[0] for uplink in standard_uplinks(Inputs(data=inputs.data, part="main")) for run in uplink.runs
    ]
    assert len(runs) >= 12
    assert len(runs) == len(set(runs))


def test_clips_that_are_not_there_are_named_by_the_plan(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    inputs = Inputs(data=shared_data, part="main", real_model="fake", rendered_model="fake")
    names = [video.name for video in standard_videos(inputs) if video.kind == "rendered"]
    plan = plan_of(experiment_by_name("vitmalis-overall", inputs), tmp_path, load=fake_model, workers=2)
    assert len(plan.missing) == len(names) == 5
    assert all(any(name in problem for problem in plan.missing) for name in names)
    assert plan.cells == 3 * 12 * 2 * 5
    assert plan.hours > 0


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"unknown experiment 'fig-8'; known: ablation, codec, .*vitmalis-overall"):
        experiment_by_name("fig-8", Inputs())


@pytest.mark.parametrize("text", ["", "experiment = 3", "def experiment(inputs): pass"])
def test_a_file_must_make_an_experiment(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(InputError, match="must define experiment"):
        experiment_by_name(str(tmp_path / "mine.py"), Inputs())
    with pytest.raises(InputError, match="no experiment file"):
        experiment_by_name(str(tmp_path / "absent.py"), Inputs())


def test_a_file_of_ones_own_is_as_good_as_a_name(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import replace\nfrom foveate.experiments import quick\n"
        "def experiment(inputs):\n    return replace(quick(inputs), name='mine')\n"
    )
    found = experiment_by_name(str(tmp_path / "mine.py"), Inputs())
    assert isinstance(found, Experiment)
    assert found.name == "mine"


@pytest.mark.parametrize("part", ["main", "all"])
def test_a_named_machine_is_tried_in_any_part(shared_data, part):
    inputs = Inputs(data=shared_data, part=part, measured=("mine.json",))
    assert "mine" in [c.machine.label for c in experiment_by_name("overhead", inputs).conditions]


def test_quick_tries_the_machines_that_are_named():
    found = experiment_by_name("quick", Inputs(measured=("mine.json", "yours.json")))
    assert [machine.label for machine in found.machines] == ["paper-jetson-rtx5090", "mine", "yours"]


@pytest.mark.parametrize(
    ("name", "wish", "option"),
    [
        ("quick", {"part": "main"}, "--part"),
        ("quick", {"real_model": "mine"}, "--real-model"),
        ("hyperion-overall", {"measured": ("mine.json",)}, "--machine"),
        ("experts-overall", {"rendered_model": "mine", "profile": "mine.json"}, "--model and --profile"),
    ],
)
def test_a_wish_that_an_experiment_does_not_heed_is_refused(name, wish, option, shared_data):
    data = {} if name == "quick" else {"data": shared_data}
    with pytest.raises(InputError, match=f"^{option} would change nothing in the experiment {name}"):
        experiment_by_name(name, Inputs(**wish, **data))


def test_networks_that_know_rendered_scenes_alone_are_no_contenders_on_real_clips(shared_data):
    overall = experiment_by_name("hyperion-overall", Inputs(data=shared_data, rendered_model="mine"))
    own = [one for one in overall.contenders if one.models]
    assert [one.label for one in own] == ["elf-like, CNN", "elf-like, CNN, quality 90", "remix-like, CNN"]
    assert all(one.kinds == ("rendered",) and one.models == {"mine": "convdet-small-world"} for one in own)
    weaker = experiment_by_name("hyperion-small-device", Inputs(data=shared_data))
    assert not [one for one in weaker.contenders if one.models]


def test_a_wish_for_the_usual_is_never_refused():
    assert experiment_by_name("quick", Inputs(part="all", seed=0, measured=())).name == "quick"


def test_a_part_is_one_of_three_words():
    assert foveate.experiments.part_of("links") == "links"
    with pytest.raises(InputError, match="one of main, links, all, got 'half'"):
        foveate.experiments.part_of("half")


def test_a_missing_folder_of_traces_is_named(tmp_path):
    with pytest.raises(InputError, match="needs the traces of the standard table"):
        standard_uplinks(Inputs(data=tmp_path))


def test_an_index_of_traces_without_recordings_is_refused(tmp_path):
    (tmp_path / "index.csv").write_text("file,mean\n4g/a.csv,3\n")
    with pytest.raises(InputError, match="source_runs are not there"):
        _source_runs(tmp_path / "index.csv")


def test_traces_of_which_nothing_is_known_share_no_recording(tmp_path):
    (tmp_path / "index.csv").write_text("file,source_runs\na.csv,\nb.csv,\nc.csv,r1[0:9];r2\nd.csv\n")
    assert _source_runs(tmp_path / "index.csv") == {"a.csv": (), "b.csv": (), "c.csv": ("r1[0:9]", "r2"), "d.csv": ()}


def test_experts_choose_on_what_their_own_training_left_out(monkeypatch, tmp_path):
    from foveate.core import split_by_class
    from foveate.testing.classifiers import coloured_images

    parts = {"train": coloured_images(350), "test": coloured_images(2, seed=3, name="colours/test")}
    for module in ("foveate.experiments.experts", "foveate.evaluation.experts.run"):
        monkeypatch.setattr(f"{module}.read_images", lambda _, part: parts[part])
    monkeypatch.setattr("foveate.experiments.experts.links", lambda _: ())
    experiment = EXPERIMENTS["experts-overall"](Inputs(data=tmp_path))
    for seed, folder in enumerate(experiment.models):
        held_out, table = experiment.read(folder)
        _, rest = split_by_class(parts["train"].labels, 340, seed)
        assert (held_out.pixels == parts["train"].pixels[rest]).all()
        assert table.name == "colours/test"
