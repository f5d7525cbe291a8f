import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from foveate.codec import PictureCoding
from foveate.core import InputError, SampleRecord
from foveate.evaluation.experts.choose import choose
from foveate.evaluation.experts.contenders import OURS, routed_answers, standard_contenders, standard_labels
from foveate.evaluation.experts.models import Outputs, SentPictures, complete_names, find_models, of_kind
from foveate.evaluation.experts.plan import plan_experts
from foveate.evaluation.experts.pooled import pooled_of
from foveate.evaluation.experts.run import ExpertsSettings, chosen_router, experts_job, held_out_of, seed_of
from foveate.evaluation.experts.stand import links_of, pairs
from foveate.experiments.inputs import SAMPLES
from foveate.testing.classifiers import coloured_images


def test_every_row_has_a_cell_on_every_link(results):
    cells = [
        (r["contender"], r["group"], r["variation"], r["recording"], r["start"])
        for r in results.rows
        if r["table"] == "main"
    ]
    labels = [row["contender"] for row in results.choices]
    assert len(cells) == len(set(cells)) == len(labels) * 8
    assert labels[:3] == [
        "edge only: generalist",
        "edge only: expert-sized model",
        "near-edge only: expert-sized model",
    ]
    assert {OURS, "static experts", "random expert", "oracle expert", "always the all-class model"} <= set(labels)


def test_what_was_not_trained_is_named(results):
    assert any("seed-1" in text for text in results.missing)
    assert any("`large`" in text for text in results.missing)


def test_edge_only_rows_offload_nothing_and_near_edge_rows_everything(results):
    shares = {row["contender"]: row["offloaded"] for row in results.rows if row["table"] == "main"}
    assert shares["edge only: generalist"] == shares["edge only: expert-sized model"] == 0
    assert shares["near-edge only: expert-sized model"] == 1


def test_a_larger_model_on_the_edge_takes_longer(results):
    latency = {r["contender"]: r["latency_s"]["mean"] for r in results.rows if r["table"] == "main"}
    assert latency["edge only: expert-sized model"] > latency["edge only: generalist"]


def test_the_curve_runs_from_the_generalist_to_the_experts(results):
    curve = [row for row in results.curves if row["contender"] == OURS]
    alone = next(row for row in results.choices if row["contender"] == "edge only: generalist")
    assert curve[0]["offloaded"] == 0
    assert curve[0]["accuracy"] == pytest.approx(alone["accuracy"]["value"])
    shares = [row["offloaded"] for row in curve]
    assert shares == sorted(shares)


def test_every_rival_is_compared_at_its_own_accuracy(results):
    main = links_of(results, variations=False)
    found = {(pair.rival, str(pair.links)): pair for pair in pairs(results, main)}
    rivals = {row["contender"] for row in results.choices} - {OURS}
    assert set(found) == {(rival, group) for rival in rivals for group in ("4g", "lan")}
    own = found["edge only: generalist", "lan"]
    assert own.threshold == 0.0  # ours without offloading is the generalist
    assert own.equal.latency.value == pytest.approx(1)
    assert own.equal.energy.value == pytest.approx(1)
    assert own.equal.latency.low == own.equal.latency.high == own.equal.latency.value


def test_at_equal_accuracy_ours_is_as_accurate_and_just_so(results):
    ours = {r["threshold"]: r["accuracy"] for r in results.curves if r["contender"] == OURS}
    for row in results.choices:
        enough = [t for t, accuracy in ours.items() if accuracy >= row["accuracy"]["value"]]
        assert row["ours_reaches_at"] == (min(enough) if enough else None)
        cells = [r for r in results.rows if r["table"] == "equal" and r["rival"] == row["contender"]]
        expected = {row["ours_reaches_at"]} if enough and row["contender"] != OURS else set()
        assert {r["threshold"] for r in cells} == expected


def test_limited_to_its_own_classes_no_expert_gets_worse(results):
    for row in results.specialists:
        assert row["limited"]["value"] >= row["on_subset"]["value"]
        assert row["base_limited"]["value"] >= row["base_on_subset"]["value"]


def test_over_one_training_figures_are_those_of_that_training(results):
    (choice,) = [row for row in results.choices if row["contender"] == "static experts"]
    (kind,) = [row for row in results.specialists if row["kind"] == "progressive"]
    for figure, of, value in (
        ("accuracy", "static experts", choice["accuracy"]["value"]),
        ("ours_above", "static experts", choice["ours_above"]["value"]),
        ("on_subset", "progressive", kind["on_subset"]["value"]),
        ("over_static", "progressive", kind["over_static"]["value"]),
    ):
        assert pooled_of(results.pooled, figure, of).value == pytest.approx(value)


def test_tcp_is_told_apart_from_the_main_links(results):
    assert [str(links) for links in links_of(results, variations=False)] == ["4g", "lan"]
    assert [str(links) for links in links_of(results, variations=True)] == ["4g, tcp"]


def test_a_plan_counts_the_cells_and_reads_no_picture(experiment, results, tmp_path):
    def unread(_folder):
        raise AssertionError

    plan = plan_experts(replace(experiment, read=unread), tmp_path, workers=1)
    labels = {row["contender"] for row in results.choices}
    unreached = sum(row["ours_reaches_at"] is None for row in results.choices)
    assert plan.cells == len(results.rows) + unreached * len(experiment.links)
    assert plan.trainings == 1
    assert plan.hours > 0
    assert any("seed-1" in folder for folder in plan.missing)
    assert standard_labels({"generalist", "base", "static-0", "progressive-0"}) == list(
        dict.fromkeys(row["contender"] for row in results.choices)
    )
    assert len(labels) == 8


def test_without_a_finished_training_the_experiment_says_how_to_make_one(experiment, tmp_path, compared):
    with pytest.raises(InputError, match="foveate train experts"):
        compared(replace(experiment, models=(tmp_path,)))


def test_trainings_of_one_name_are_refused(experiment, tmp_path):
    with pytest.raises(InputError, match="names of their own"):
        replace(experiment, models=(tmp_path / "a" / "seed-0", tmp_path / "b" / "seed-0"))


def test_a_kind_that_is_not_trained_to_the_end_takes_no_part(experiment, training, tmp_path, compared):
    folder = tmp_path / "seed-0"
    shutil.copytree(training, folder)
    (folder / "static-1.safetensors").unlink()

    def unread(_folder):
        raise AssertionError

    with pytest.raises(InputError, match="no finished training"):
        compared(replace(experiment, models=(folder,), read=unread))
    assert "static-0" not in complete_names(folder)
    assert {"generalist", "base", "progressive-0", "progressive-1"} <= complete_names(folder)


def test_choices_depend_on_held_out_pictures_alone(training, read):
    models, outputs = find_models(training), Outputs()
    held_out = SentPictures.of(read(None)[0], PictureCoding())
    held = held_out_of(models["generalist"], of_kind(models, "progressive"), held_out, outputs)
    first, second = choose(held), choose(held)
    assert (first.threshold, first.top_k, first.combination) == (second.threshold, second.top_k, second.combination)
    assert first.temperature > 0
    assert chosen_router("ask-expert:top_k=2", first).top_k == 2
    assert chosen_router("ask-expert:top_k=2", first).threshold == first.threshold
    assert chosen_router("ask-expert: threshold = 0.123", first).threshold == 0.123


@pytest.mark.parametrize(("name", "seed"), [("seed-0", 0), ("seed-12", 12), ("seed-x", 0), ("7", 0), ("my-3", 0)])
def test_the_seed_of_a_training_is_in_the_name_of_its_folder(name, seed):
    assert seed_of(Path("trainings") / name) == seed


def test_outputs_are_computed_once(training, tmp_path, monkeypatch):
    model, pixels = find_models(training)["base"], coloured_images(2).pixels
    first = Outputs(tmp_path).logits(model, pixels)
    monkeypatch.setattr("foveate.evaluation.experts.models.load_classifier", None)
    assert np.array_equal(Outputs(tmp_path).logits(model, pixels), first)


def test_large_is_a_row_where_it_was_trained(training, read):
    models = find_models(training)
    models["large"] = models["base"]
    held_out = SentPictures.of(read(None)[0], PictureCoding())
    rows = {contender.label: contender for contender in standard_contenders(models, held_out, Outputs())}
    assert "near-edge only: experts' total size" in rows


def test_a_larger_model_near_the_edge_takes_longer(training, read):
    models = find_models(training)
    models["large"] = replace(models["base"], parameters=5 * models["base"].parameters)
    held_out = SentPictures.of(read(None)[0], PictureCoding())
    rows = {contender.label: contender for contender in standard_contenders(models, held_out, Outputs())}
    sizes = {label: [card.relative_size for card in row.cards(3)] for label, row in rows.items()}
    assert sizes["near-edge only: experts' total size"] == [5.0]
    assert sizes["near-edge only: expert-sized model"] == [1.0]
    assert sizes[OURS] == [1.0, 1.0]


def test_near_the_edge_alone_the_model_there_answers(training, read):
    models, outputs = find_models(training), Outputs()
    held_out, sent = (SentPictures.of(images, PictureCoding()) for images in read(None))
    rows = {contender.label: contender for contender in standard_contenders(models, held_out, outputs)}
    row = rows["near-edge only: expert-sized model"]
    right, offloaded = routed_answers(row, sent, outputs)
    assert offloaded.all()
    assert np.array_equal(right, outputs.logits(row.experts[0], sent.arrived).argmax(axis=1) == sent.images.labels)


def test_a_simulated_job_leaves_summary_and_samples(training, tmp_path, monkeypatch):
    parts = {"train": coloured_images(), "test": coloured_images(6, seed=3)}
    monkeypatch.setattr("foveate.evaluation.experts.run.read_images", lambda _, part: parts[part])
    monkeypatch.setattr("foveate.evaluation.experts.run.TRAIN_PER_CLASS", 10)
    settings = ExpertsSettings(
        models=training,
        data=tmp_path,
        trace=SAMPLES / "uplink.csv",
        router="ask-expert",
        out=tmp_path / "out",
        simulate=True,
        samples=9,
    )
    summary = experts_job(settings, console=Console(quiet=True))
    assert summary["samples"] == 9
    assert summary["energy"].startswith("model, not measured")
    assert (tmp_path / "out" / "samples.csv").read_text().count("\n") == 10


def test_energy_counters_are_read_before_they_turn_over(training, tmp_path, monkeypatch):
    looks = []

    class Meter:
        sources = ("RAPL",)

        def joules(self):
            looks.append(len(looks))
            return 1.0

    def play(images, *_, on_sample, rate_hz, **__):
        for sample in range(round(95 * rate_hz)):
            on_sample(sample)
        answered = SampleRecord(
            sample=0,
            label=0,
            generalist_class=0,
            confidence=1.0,
            answer=0,
            answerer="generalist",
            expert=None,
            reason="sure",
            arrived_at=0.0,
            finished_at=0.1,
        )
        return [answered]

    parts = {"train": coloured_images(), "test": coloured_images(6, seed=3)}
    for name, value in (("play_experts", play), ("EnergyMeter", Meter), ("TRAIN_PER_CLASS", 10)):
        monkeypatch.setattr(f"foveate.evaluation.experts.run.{name}", value)
    monkeypatch.setattr("foveate.evaluation.experts.run.read_images", lambda _, part: parts[part])
    trace = SAMPLES / "uplink.csv"
    settings = ExpertsSettings(models=training, data=tmp_path, trace=trace, router="ask-expert", out=tmp_path / "out")
    assert experts_job(settings, console=Console(quiet=True))["measured_joules"] == 1.0
    assert len(looks) == 4 + 1


def test_cores_are_for_live_runs_on_this_machine(tmp_path):
    with pytest.raises(InputError, match="cores are for live runs"):
        ExpertsSettings(
            models=tmp_path,
            data=tmp_path,
            trace=tmp_path,
            router="ask-expert",
            out=tmp_path,
            simulate=True,
            pin=True,
        )
