import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from foveate.core import InputError, MediaError, WeightsError
from foveate.models import ConvDetector, ConvDetectorConfig, Detector, load_detector, read_card
from foveate.training import (
    AugmentConfig,
    Batch,
    ColourConfig,
    DistillationConfig,
    ImageSet,
    LossConfig,
    Mixture,
    Phase,
    ResolutionConfig,
    Schedule,
    TrainConfig,
    Trainer,
    best_threshold,
    evaluate,
    finish,
    gradients,
    load_folder,
    start_from,
    to_tensors,
)
from foveate.training.checkpoint import claimed
from foveate.training.gradients import GradientWorkers
from foveate.training.optimise import MovingAverage, make_optimiser
from foveate.training.resident.pool import GAP
from foveate.training.resolution import Resolution

from .conftest import CLASSES, tiny_detector, write_set

SHORT = Schedule(steps=6, phases=(Phase(share=1, size=(96, 96), batch_size=4),), warmup_steps=2)


def trainer(images: ImageSet, folder: Path, schedule: Schedule = SHORT, seed: int = 1) -> Trainer:
    mixture = Mixture(sets=(images,), weights=(1.0,))
    return Trainer(tiny_detector(), mixture, TrainConfig(schedule=schedule, seed=seed, threads=2), folder)


def taught(images: ImageSet, folder: Path, teacher: Detector | None, most_steps: int | None = None) -> Trainer:
    """A training taken up by another command, with this teacher and these pictures."""
    mixture = Mixture(sets=(images,), weights=(1.0,))
    made = Trainer(tiny_detector(), mixture, TrainConfig(schedule=SHORT, seed=1, threads=2), folder, teacher=teacher)
    made.run(most_steps=most_steps)
    return made


def test_a_card_tells_the_data_and_the_teacher_of_every_command(street_set: ImageSet, tmp_path: Path) -> None:
    fewer, teacher, run = replace(street_set, images=street_set.images[:3]), tiny_detector(seed=1), tmp_path / "run"
    taught(fewer, run, teacher, most_steps=0)
    taught(street_set, run, teacher, most_steps=1)
    taught(street_set, run, teacher, most_steps=2)
    taught(fewer, run, None, most_steps=0)
    card = finish(taught(fewer, run, None), tmp_path / "x.safetensors", validation=(street_set,), evaluation={})
    first, last = card["stages"]
    assert (first["teacher"], first["trained_on"]["street"]["images"]) == (teacher.name, 4)
    assert (last["teacher"], last["trained_on"]["street"]["images"]) == (None, 3)
    assert [(stage["steps"], stage["crops"]) for stage in (first, last, card)] == [(3, 12), (3, 12), (6, 24)]
    assert "teacher" not in card


def test_a_card_of_one_command_that_was_interrupted_tells_of_one_training(street_set: ImageSet, tmp_path: Path) -> None:
    taught(street_set, tmp_path / "run", None, most_steps=2)
    card = finish(
        taught(street_set, tmp_path / "run", None), tmp_path / "x.safetensors", validation=(street_set,), evaluation={}
    )
    assert card["trained_on"] == {"street": {"images": 4, "weight": 1.0}}
    assert (card["teacher"], card["steps"], card["crops"]) == (None, 6, 24)
    assert "stages" not in card


def test_a_checkpoint_that_does_not_tell_its_stages_is_told_as_before(street_set: ImageSet, tmp_path: Path) -> None:
    taught(street_set, tmp_path / "run", None, most_steps=2)
    path = tmp_path / "run" / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["progress"]["stages"]
    torch.save(state, path)
    (stage,) = taught(street_set, tmp_path / "run", None).stages
    assert stage["steps"] == 6


def end_after_first_step(running: Trainer) -> None:
    while running.progress.step == 0:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)


def parameters(made: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in [*made.model.parameters(), *made.average.values]])


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(street_set: ImageSet, tmp_path: Path) -> None:
    whole = trainer(street_set, tmp_path / "whole")
    assert whole.run()
    assert not trainer(street_set, tmp_path / "parts").run(most_steps=2)
    resumed = trainer(street_set, tmp_path / "parts")
    assert resumed.progress.step == 2
    assert resumed.run()
    torch.testing.assert_close(parameters(resumed), parameters(whole), atol=1e-6, rtol=0)


def test_the_pictures_of_a_feed_that_came_on_the_way_are_told_in_the_end(street_set: ImageSet, tmp_path: Path) -> None:
    late = load_folder(write_set(tmp_path / "late", pictures=3), CLASSES)
    both = replace(street_set, images=street_set.images + late.images)
    config = TrainConfig(schedule=SHORT, seed=1, threads=2, resident=True, resident_pictures=GAP + 20)
    early, grown = (Mixture(sets=(images,), weights=(1.0,)) for images in (street_set, both))
    fed = Trainer(tiny_detector(), early, config, tmp_path / "fed", growing=lambda: grown)
    assert fed.run()
    assert fed.mixture.images == grown.images


def following(growing: Callable[[], Mixture], folder: Path) -> Trainer:
    """A training that looks for new pictures after every step."""
    config = TrainConfig(schedule=SHORT, seed=1, threads=2)
    return Trainer(tiny_detector(), growing(), config, folder, growing=growing)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foveate.training.trainer.FOLLOW_S", 0.0)


@pytest.mark.usefixtures("always")
def test_pictures_that_come_on_the_way_are_trained_on_from_the_next_step(
    street_set: ImageSet, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As by a training that was stopped there and taken up again with them."""
    late = load_folder(write_set(tmp_path / "late", pictures=3), CLASSES)
    both = replace(street_set, images=street_set.images + late.images)
    looks: list[Mixture] = []

    def growing() -> Mixture:
        # asked for the mixture, at the start of the phase, after step 1 and after step 2, when three have come
        looks.append(Mixture(sets=(street_set if len(looks) < 3 else both,), weights=(1.0,)))
        return looks[-1]

    followed = following(growing, tmp_path / "followed")
    assert followed.run()
    assert len(followed.mixture.images) == 7
    assert "3 pictures have come, 7 are there" in "".join(capfd.readouterr())
    assert not trainer(street_set, tmp_path / "parts").run(most_steps=2)
    resumed = trainer(both, tmp_path / "parts")
    assert resumed.run()
    torch.testing.assert_close(parameters(followed), parameters(resumed), atol=1e-6, rtol=0)


@pytest.mark.usefixtures("always")
def test_following_sets_that_do_not_grow_changes_nothing(street_set: ImageSet, tmp_path: Path) -> None:
    mixture = Mixture(sets=(street_set,), weights=(1.0,))
    followed = following(lambda: replace(mixture), tmp_path / "followed")
    assert followed.run()
    whole = trainer(street_set, tmp_path / "whole")
    assert whole.run()
    torch.testing.assert_close(parameters(followed), parameters(whole), atol=1e-6, rtol=0)


@pytest.mark.usefixtures("always")
def test_a_set_that_cannot_be_read_again_is_waited_for_and_not_for_ever(
    street_set: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = []

    def growing() -> Mixture:
        looks.append(1)
        if len(looks) > 1:
            raise MediaError("half an annotation file")
        return Mixture(sets=(street_set,), weights=(1.0,))

    assert following(growing, tmp_path / "patient").run()
    assert caplog.text.count("left for later: half an annotation file") == 1
    monkeypatch.setattr("foveate.training.trainer.PATIENCE_S", 1e-9)
    looks.clear()
    with pytest.raises(MediaError, match="half an annotation file"):
        following(growing, tmp_path / "impatient").run()


def test_a_signal_ends_training_with_a_checkpoint(street_set: ImageSet, tmp_path: Path) -> None:
    endless = trainer(street_set, tmp_path / "run", replace(SHORT, steps=10**6))
    threading.Thread(target=end_after_first_step, args=(endless,)).start()
    assert not endless.run()
    assert trainer(street_set, tmp_path / "run").progress == endless.progress
    assert (tmp_path / "run" / "checkpoint.pt").is_file()


def test_a_truncated_checkpoint_is_refused(street_set: ImageSet, tmp_path: Path) -> None:
    trainer(street_set, tmp_path).save()
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="not a whole checkpoint"):
        trainer(street_set, tmp_path)


def change_checkpoint(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


@pytest.mark.parametrize("part", ["model", "average", "optimiser", "progress", "seed"])
def test_a_file_that_is_no_checkpoint_is_refused(street_set: ImageSet, tmp_path: Path, part: str) -> None:
    trainer(street_set, tmp_path).save()
    change_checkpoint(tmp_path, lambda state: state.pop(part))
    with pytest.raises(WeightsError, match="a checkpoint holds average, model, optimiser, progress, seed"):
        trainer(street_set, tmp_path)
    torch.save([1], tmp_path / "checkpoint.pt")
    with pytest.raises(WeightsError, match="this file is something else"):
        trainer(street_set, tmp_path)


@pytest.mark.parametrize("part", ["model", "average", "optimiser", "progress"])
def test_a_checkpoint_with_other_contents_is_refused(street_set: ImageSet, tmp_path: Path, part: str) -> None:
    trainer(street_set, tmp_path).save()
    change_checkpoint(tmp_path, lambda state: state.update({part: {"x": 1}}))
    with pytest.raises(WeightsError, match="holds another model, or one with another optimiser"):
        trainer(street_set, tmp_path)


def test_a_write_that_was_cut_short_leaves_the_checkpoint_before(street_set: ImageSet, tmp_path: Path) -> None:
    begun = trainer(street_set, tmp_path)
    begun.run(most_steps=1)
    (tmp_path / "checkpoint.pt.part").write_bytes((tmp_path / "checkpoint.pt").read_bytes()[:1000])
    assert trainer(street_set, tmp_path).progress.step == 1


def test_a_folder_serves_one_training_at_a_time(street_set: ImageSet, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    with claimed(tmp_path), pytest.raises(InputError, match="another process is training in"):
        trainer(street_set, tmp_path).run()
    assert torch.get_num_threads() == threads
    assert not trainer(street_set, tmp_path).run(most_steps=1)


def test_a_checkpoint_of_another_seed_is_refused(street_set: ImageSet, tmp_path: Path) -> None:
    trainer(street_set, tmp_path).save()
    with pytest.raises(InputError, match="begun with seed 1, got seed 2"):
        trainer(street_set, tmp_path, seed=2)


def test_threads_share_a_batch_without_changing_its_gradient(street_set: ImageSet) -> None:
    model = tiny_detector()
    images, targets = to_tensors(Batch.collate([image.read() for image in street_set.images]), torch.device("cpu"))
    masks = torch.tensor([[[False, True], [False, False]]] * 4)
    found = []
    for threads in (1, 2, 3):
        with GradientWorkers(model, LossConfig(), threads=threads, bfloat16=False) as workers:
            workers.compute(images, targets, Resolution(masks=masks, restoration_points=[2] * 4))
        found.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], atol=1e-5, rtol=1e-4)


def gradient(model: Detector, images: ImageSet, *, bfloat16: bool, point: int = 2) -> torch.Tensor:
    pixels, targets = to_tensors(Batch.collate([image.read() for image in images.images]), torch.device("cpu"))
    masks = torch.tensor([[[False, True], [False, False]]] * 4)
    with GradientWorkers(model, LossConfig(), threads=1, bfloat16=bfloat16) as workers:
        workers.compute(pixels, targets, Resolution(masks=masks, restoration_points=[point] * 4))
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def test_gradients_in_parts_add_up_to_that_of_the_batch(street_set: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_detector()
    whole = gradient(model, street_set, bfloat16=False)
    monkeypatch.setattr(gradients, "PIXELS_AT_ONCE", 1)
    torch.testing.assert_close(gradient(model, street_set, bfloat16=False), whole, atol=1e-5, rtol=1e-4)


def test_the_gradient_in_bfloat16_is_that_in_float32_but_for_rounding(street_set: ImageSet) -> None:
    model = tiny_detector()
    exact = gradient(model, street_set, bfloat16=False)
    rounded = gradient(model, street_set, bfloat16=True)
    assert rounded.dtype == torch.float32
    assert torch.cosine_similarity(rounded, exact, dim=0) > 0.99
    assert abs(rounded.norm() / exact.norm() - 1) < 0.05


def test_weights_in_bfloat16_follow_those_in_float32(street_set: ImageSet) -> None:
    model = tiny_detector()
    pixels, targets = to_tensors(Batch.collate([image.read() for image in street_set.images]), torch.device("cpu"))
    full = Resolution(masks=None, restoration_points=[0] * 4)
    with GradientWorkers(model, LossConfig(), threads=1, bfloat16=True) as workers:
        before = workers.compute(pixels, targets, full).total
        with torch.no_grad():
            model.head.class_logits.bias += 3
        assert abs(workers.compute(pixels, targets, full).total - before) > 0.2
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_a_checkpoint_of_an_optimiser_of_separate_operations_goes_on_in_a_fused_one(
    street_set: ImageSet, tmp_path: Path
) -> None:
    earlier = trainer(street_set, tmp_path)
    for group in earlier.optimiser.param_groups:
        group["fused"] = None
    assert not earlier.run(most_steps=2)
    later = trainer(street_set, tmp_path)
    assert all(group["fused"] for group in later.optimiser.param_groups)
    assert later.run()


def test_tables_of_positions_and_biases_do_not_decay() -> None:
    model = tiny_detector()
    decayed = make_optimiser(model).param_groups[0]["params"]
    assert all(p.ndim >= 2 for p in decayed)
    assert not any(p is model.backbone.positions for p in decayed)


def test_the_moving_average_is_applied_for_a_while_only() -> None:
    model = tiny_detector()
    average = MovingAverage(model, 0.5)
    before = model.head.level_scales.detach().clone()
    with torch.no_grad():
        model.head.level_scales += 1
    average.update(100)
    with average.applied():
        torch.testing.assert_close(model.head.level_scales.detach(), before + 0.5)
    torch.testing.assert_close(model.head.level_scales.detach(), before + 1)


def test_a_tiny_model_learns_four_pictures_by_heart(street_set: ImageSet, tmp_path: Path) -> None:
    plain = ColourConfig(hue=0, saturation=0, contrast=0, brightness=0, grey_share=0, blur_share=0, noise_share=0)
    config = TrainConfig(
        schedule=Schedule(
            steps=160,
            phases=(Phase(share=1, size=(128, 160), batch_size=4),),
            learning_rate=4e-3,
            warmup_steps=20,
        ),
        augment=AugmentConfig(scales=(0.9, 1.1), mosaic_share=0, colour=replace(plain, jpeg_share=0)),
        average_decay=0.9,
        threads=2,
    )
    learner = Trainer(tiny_detector(), Mixture(sets=(street_set,), weights=(1.0,)), config, tmp_path / "run")
    assert learner.run()
    out = tmp_path / "tiny.safetensors"
    card = finish(learner, out, validation=(street_set,), evaluation={"street": street_set})
    assert card["evaluation"]["street"]["ap50"] > 0.8
    assert card["evaluation"]["street"]["human"]["images"] == 4
    assert read_card(out)["score_threshold"] == load_detector(out).score_threshold == card["score_threshold"]


def test_weights_of_other_classes_are_no_start(street_set: ImageSet, tmp_path: Path) -> None:
    out = tmp_path / "x.safetensors"
    finish(trainer(street_set, tmp_path / "run"), out, validation=(street_set,), evaluation={})
    assert start_from(str(out), CLASSES).class_names == CLASSES
    with pytest.raises(InputError, match="knows the classes"):
        start_from(str(out), ("person", "bus"))


def test_an_untrained_detector_has_figures(street_set: ImageSet) -> None:
    figures = evaluate(tiny_detector().eval(), street_set, long_side=200)
    assert figures["images"] == 4
    assert 0 <= figures["ap50"] < 0.5


def test_without_frames_of_objects_the_threshold_is_one_half() -> None:
    from foveate.core import Detections
    from foveate.metrics import Truth

    nothing = Detections.empty(CLASSES)
    assert best_threshold([(nothing, Truth(detections=nothing))]) == (0.5, 0.0)


def test_the_threshold_heeds_false_alarms_on_crowds_of_other_classes() -> None:
    from foveate.core import Detections
    from foveate.metrics import Truth

    boxes = np.array([[0, 0, 20, 20], [40, 0, 60, 20]], np.float32)
    scores, class_id = np.array([0.9, 0.5], np.float32), np.zeros(2, np.int32)
    found = Detections(boxes=boxes, scores=scores, class_id=class_id, class_names=CLASSES)
    for crowd, f1 in ((1, 2 / 3), (0, 1)):
        truth = Truth(detections=found.select([1]), ignore=boxes[:1], ignore_class=np.array([crowd], np.int32))
        assert best_threshold([(found, truth)])[1] == pytest.approx(f1)


def test_batches_made_on_the_device_teach_as_well(street_set: ImageSet, tmp_path: Path) -> None:
    mixture = Mixture(sets=(street_set,), weights=(1.0,))
    config = TrainConfig(
        schedule=Schedule(
            steps=12, phases=(Phase(size=(96, 96), batch_size=4, share=1.0),), learning_rate=3e-3, warmup_steps=2
        ),
        bfloat16=False,
        resident=True,
        resident_pictures=70,
    )
    trainer = Trainer(tiny_detector(), mixture, config, tmp_path / "run")
    assert trainer.run(most_steps=5) is False
    assert trainer.run() is True
    assert trainer.progress.crops == 48


def test_a_half_written_picture_costs_the_figures_on_the_way_and_not_the_training(
    street_set: ImageSet, tmp_path: Path
) -> None:
    broken = load_folder(write_set(tmp_path / "broken", pictures=1), CLASSES)
    broken.images[0].path.write_bytes(broken.images[0].path.read_bytes()[:200])
    mixture = Mixture(sets=(street_set,), weights=(1.0,))
    config = TrainConfig(
        schedule=Schedule(steps=2, phases=(Phase(size=(96, 96), batch_size=2, share=1.0),), warmup_steps=1),
        bfloat16=False,
        evaluate_s=1e-6,
    )
    run = Trainer(tiny_detector(), mixture, config, tmp_path / "run", {"broken": broken}, growing=lambda: mixture)
    assert run.run()
    fixed = Trainer(tiny_detector(), mixture, config, tmp_path / "fixed", {"broken": broken})
    with pytest.raises(MediaError, match="not a whole JPEG picture"):
        fixed.run()


def test_a_convolutional_detector_is_trained_like_the_others_and_taken_up_again(
    street_set: ImageSet, tmp_path: Path
) -> None:
    shape = ConvDetectorConfig(
        channels=(8, 8, 16), blocks=(1, 1, 1), strides=(8, 16), pyramid_channels=16, class_names=CLASSES
    )
    config = TrainConfig(
        schedule=SHORT,
        threads=2,
        muon=True,
        resolution=ResolutionConfig(step_share=1),
        distillation=DistillationConfig(),
    )
    made = Trainer(ConvDetector(shape), Mixture(sets=(street_set,), weights=(1.0,)), config, tmp_path / "run")
    before = parameters(made)
    assert made.run()
    assert not torch.equal(parameters(made), before)
    card = finish(made, tmp_path / "conv.safetensors", validation=(street_set,), evaluation={})
    assert card["steps"] == SHORT.steps
    assert isinstance(start_from(str(tmp_path / "conv.safetensors"), CLASSES), ConvDetector)
    with pytest.raises(InputError, match="no windows"):
        start_from(str(tmp_path / "conv.safetensors"), CLASSES, window=3)


@pytest.mark.parametrize("fast", [False, True])
def test_bfloat16_computes_where_the_processor_multiplies_it_fast(
    fast: bool, street_set: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere products in bfloat16 take some twenty times as long as in float32."""
    monkeypatch.setattr("foveate.models.weights._multiplies_bfloat16", lambda _device: fast)
    config = TrainConfig(schedule=Schedule(steps=1))
    trainer = Trainer(tiny_detector(), Mixture(sets=(street_set,), weights=(1.0,)), config, tmp_path)
    with trainer._workers() as workers:
        assert workers.twin_parameters[0].dtype == (torch.bfloat16 if fast else torch.float32)
