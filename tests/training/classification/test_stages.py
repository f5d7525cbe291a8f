import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from foveate.core import InputError, WeightsError
from foveate.models import load_classifier, read_card, vit_classifier
from foveate.testing.classifiers import CLASSES, coloured_images, tiny_recipe, tiny_training
from foveate.training.classification import (
    ClassifierTrainer,
    ClassifierTraining,
    Speciality,
    StageRunner,
    choose_subsets,
    hit_rate,
    shortened,
    static,
    steps_schedule,
)
from foveate.training.parallel_gradients import ParallelGradients


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    kinds = ("progressive", "static-distilled", "scratch", "large")
    return tiny_training(tmp_path_factory.mktemp("training"), kinds=kinds, pictures=16)


def runner(folder, **changes):
    settings = {"recipe": tiny_recipe(16), "images": coloured_images(), "folder": folder, "tell": lambda _: None}
    return StageRunner(**settings | changes)


def test_stages_follow_one_another_and_each_kind_has_an_expert_for_each_subset():
    names = [stage.name for stage in tiny_recipe().stages(("static", "progressive", "large"))]
    assert names == [
        "generalist",
        "base",
        "progressive-0",
        "progressive-1",
        "continued",
        "static-0",
        "static-1",
        "large",
    ]


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="got gifted"):
        tiny_recipe().stages(("gifted",))


def test_every_stage_leaves_weights_with_a_card(trained):
    for name in (
        "generalist",
        "base",
        "progressive-0",
        "progressive-1",
        "continued",
        "static-distilled-1",
        "scratch-0",
        "large",
    ):
        model = load_classifier(trained / f"{name}.safetensors")
        assert model.logits(coloured_images(1).pixels).shape == (CLASSES, CLASSES)


def test_an_expert_is_for_the_subset_in_its_card(trained):
    subsets = json.loads((trained / "subsets.json").read_text())["subsets"]
    for number, subset in enumerate(subsets):
        card = read_card(trained / f"progressive-{number}.safetensors")
        assert card["subset"] == subset
        assert set(card["held_out_accuracy"]) == {"overall", "subset"}
    assert sorted(label for subset in subsets for label in subset) == list(range(CLASSES))


def test_a_finished_training_is_not_run_again(trained):
    before = (trained / "base.safetensors").stat().st_mtime_ns
    assert runner(trained).run(("progressive",))
    assert (trained / "base.safetensors").stat().st_mtime_ns == before


def test_a_stopped_training_goes_on_to_the_same_weights(trained, tmp_path):
    stopped = runner(tmp_path)
    while not stopped.run((), most_steps=1):
        pass
    pixels = coloured_images(2).pixels
    for name in ("generalist", "base"):
        whole, resumed = (load_classifier(folder / f"{name}.safetensors") for folder in (trained, tmp_path))
        assert np.array_equal(whole.logits(pixels), resumed.logits(pixels))


def test_a_folder_takes_one_recipe_only(trained):
    with pytest.raises(InputError, match="another recipe"):
        runner(trained, recipe=shortened(tiny_recipe(16), 2)).run(())


@pytest.mark.parametrize(
    ("recipe", "data", "message"),
    [
        ({"image_size": 64}, {}, r"for pictures of 64 x 64 pixels, got \(32, 32\)"),
        ({"experts": CLASSES + 1}, {}, r"experts must lie in 1\.\.8, the number of classes, got 9"),
        ({"experts": 3, "subsets": "superclasses"}, {}, r"experts must lie in 1\.\.2, the number of superclasses"),
        ({}, {"class_names": tuple("abcdefghi"), "superclass_of": ()}, "every class are required, got none of i"),
    ],
)
def test_pictures_that_do_not_fit_are_refused_before_anything_is_trained(tmp_path, recipe, data, message):
    wrong = runner(tmp_path / "x", recipe=replace(tiny_recipe(16), **recipe), images=replace(coloured_images(), **data))
    with pytest.raises(InputError, match=message):
        wrong.run()
    assert not (tmp_path / "x").exists()


def test_the_best_subsets_of_more_experts_than_superclasses_come_from_confusion(trained):
    generalist = load_classifier(trained / "generalist.safetensors")
    chosen = choose_subsets(replace(tiny_recipe(), experts=3), generalist, coloured_images(2))
    assert (chosen["source"], list(chosen["hit_rates"])) == ("confusion", ["confusion"])


def test_figures_on_pictures_of_other_classes_leave_the_subset_out(tmp_path):
    images, recipe = coloured_images(), tiny_recipe(16)
    model = vit_classifier(images.class_names, image_size=32, dim=32, depth=1)
    config = ClassifierTraining(schedule=recipe.expert_schedule, threads=1)
    trainer = ClassifierTrainer(
        model, images, config, tmp_path, speciality=Speciality(subset=(0, 1), curriculum=static())
    )
    others = images.take(np.flatnonzero(images.labels > 1))
    assert set(trainer.accuracies(others, model)) == {"overall"}
    assert set(trainer.accuracies(images, model)) == {"overall", "subset"}


def test_a_classifier_learns_colours(tmp_path):
    recipe, images = tiny_recipe(400), coloured_images(5, seed=1)
    torch.manual_seed(0)
    model = vit_classifier(images.class_names, image_size=32, dim=32, depth=1)
    config = ClassifierTraining(schedule=recipe.generalist_schedule, threads=1)
    trainer = ClassifierTrainer(model, coloured_images(), config, tmp_path)
    assert trainer.run()
    assert trainer.accuracies(images, model)["overall"] > 0.5


class Operations(TorchDispatchMode):
    """Names of the operations that run within it."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


def test_batches_and_updates_wait_for_nothing_and_take_few_operations_however_many_pictures_there_are(tmp_path):
    counts = []
    for pictures in (8, 32):
        images = coloured_images()
        model = vit_classifier(images.class_names, image_size=32, dim=32, depth=1)
        schedule = steps_schedule([(10 * pictures, 32)], batch_size=pictures, learning_rate=1e-3, warmup_steps=1)
        trainer = ClassifierTrainer(
            model, images, ClassifierTraining(schedule=schedule, threads=1), tmp_path / str(pictures)
        )
        with ParallelGradients(model, threads=1, bfloat16=False) as gradients:
            gradients.sum_over(
                [slice(None)], lambda _, model=model: (0.0, [torch.ones_like(p) for p in model.parameters()])
            )
            trainer._update(gradients, 1e-3)
            with Operations() as seen:
                trainer._batch(1)
                trainer._update(gradients, 1e-3)
        assert not {"_local_scalar_dense", "nonzero"} & set(seen.names)
        counts.append(len(seen.names))
    assert counts[0] == counts[1]


def test_a_gradient_that_is_not_finite_counts_as_nothing():
    model = torch.nn.Linear(2, 1)
    with ParallelGradients(model, threads=1, bfloat16=False) as gradients:
        for grads in ([torch.full((1, 2), torch.nan), torch.ones(1)], [torch.full((1, 2), torch.inf), torch.ones(1)]):
            gradients.sum_over([slice(None)], lambda _, grads=grads: (0.0, grads))
            gradients.store()
            assert not torch.isfinite(gradients.clip(1.0))
            assert not model.weight.grad.any()
            assert not model.bias.grad.any()


def test_a_gradient_is_shortened_as_torch_does_it():
    model = torch.nn.Linear(3, 2)
    grads = [torch.arange(6.0).reshape(2, 3), torch.ones(2)]
    with ParallelGradients(model, threads=1, bfloat16=False) as gradients:
        gradients.sum_over([slice(None), slice(None)], lambda _: (0.0, grads))
        gradients.store(0.5)
        norm = gradients.clip(1.0)
    for parameter, grad in zip(model.parameters(), grads, strict=True):
        torch.testing.assert_close(parameter.grad, grad / norm)


def test_an_expert_without_a_base_says_what_is_missing(tmp_path):
    fresh = runner(tmp_path)
    tmp_path.mkdir(exist_ok=True)
    with pytest.raises(WeightsError, match="base has to be trained first"):
        fresh._load("base")


def test_the_hit_rate_counts_pictures_whose_expert_has_their_class():
    logits = np.array([[5, 0, 0, 0], [0, 0, 5, 0], [0, 5, 0, 0]], np.float32)
    assert hit_rate(logits, np.array([1, 0, 1]), ((0, 1), (2, 3))) == pytest.approx(2 / 3)
