import json
import re
import runpy
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from foveate.cli.train import app
from foveate.cli.training_sets import growing, mixture_of
from foveate.core import InputError
from foveate.models import BackboneConfig, Detector, DetectorConfig, load_detector, save_detector
from foveate.training import TrainConfig, Trainer

from .conftest import CLASSES, write_set


def test_help_ends_with_an_example() -> None:
    shown = re.sub(r"\s+", " ", CliRunner().invoke(app, ["detector", "--help"]).output)
    assert "Example: foveate train detector configs/vitdet_tiny.py" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "street"], "data is NAME=FOLDER"),
        (["--data", "street=/nowhere"], "does not exist"),
        (["--data", "street=/nowhere", "--init", "nobody"], "no model or weights file named 'nobody'"),
        (["--data", "street=/nowhere", "--teacher", "nobody"], "no model or weights file named 'nobody'"),
        (["--data", "s=/nowhere", "--teacher", "x", "--no-distil"], "by distillation, which --no-distil forbids"),
        (["--data", "street=/nowhere", "--torch-device", "abacus"], "torch_device must be 'auto', 'cpu'"),
        (["--data", "street=/nowhere", "--torch-device", "cuda"], "torch finds 0 CUDA devices"),
        (["--data", "street=/nowhere", "--finetune-window", "9"], "--finetune-window needs --init"),
        (["--data", "street=/nowhere", "--name", "../x"], "--name is a single word without /, got '../x'"),
        (["--data", "street=/nowhere", "--out", "/"], "a file is needed, and / is a folder"),
        (["--data", "street=/nowhere", "--name", ".."], "--name is a single word without /, got '..'"),
        (["--data", "street=/nowhere", "--out", "card.json"], "--out is a weights file, NAME.safetensors, got card"),
        (["--data", "s=/nowhere", "--evaluate-minutes", "1"], "--evaluate-minutes needs --evaluate"),
        (["--data", "s=/nowhere", "--phase", "inf:96x96:2"], "a phase needs a positive share"),
        (["--data", "s=/nowhere", "--phase", "1:288:16"], "a phase is SHARE:HEIGHTxWIDTH:BATCH"),
        (["--data", "s=/nowhere", "--phase", "1:300x288:16"], "multiples of 32"),
        (["--data", "s=SET", "--finetune-window", "9"], "--finetune-window needs --init"),
        (["--data", "s=SET", "--data", "s=/other,2"], "--data needs sets of different names, got 's' twice"),
        (["--data", "s=SET", "--evaluate", "a/v.json", "--evaluate", "b/v.json"], "--evaluate needs sets of different"),
        (["--data", "s=SET", "--minutes", "inf"], "a finite, positive number of steps or minutes, got None and inf"),
        (["--data", "s=SET", "--rate", "inf"], "a finite, positive learning rate, got inf"),
        (["--data", "s=SET/annotations.json"], "annotations.json, which is a file; a training pack is pack=FILE"),
        (["--data", "s=SET", "--init", "SET"], "is a folder without the config.json of a published model"),
        (["--data", "s=SET", "--teacher", "SET"], "is a folder without the config.json of a published model"),
        (["--data", "s=SET", "--init", "theirs"], "theirs is the folder of a published model; a weights file"),
        (["--data", "s=SET", "--teacher", "theirs"], "theirs is the folder of a published model; a weights file"),
        (["nowhere.py", "--data", "s=/nowhere"], "no recipe file nowhere.py"),
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], message: str, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [word.replace("SET", str(street)) for word in arguments]
    (tmp_path / "weights" / "theirs").mkdir(parents=True)
    (tmp_path / "weights" / "theirs" / "config.json").write_text("{}")
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = CliRunner().invoke(app, ["detector", "--name", "x", *arguments])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


TINY = """
import torch
from foveate.models import BackboneConfig, Detector, DetectorConfig
from foveate.training import Schedule, TrainConfig

def model():
    torch.manual_seed(0)
    shape = BackboneConfig(dim=16, depth=4, heads=1, window_size=3, stem="convolutional", positions="tiled")
    return Detector(DetectorConfig(backbone=shape, pyramid_channels=16, head_convolutions=1))

config = TrainConfig(schedule=Schedule(steps=1))
"""

RECIPES = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("name", [path.stem for path in sorted(RECIPES.glob("*det_*.py"))])
def test_a_recipe_tells_its_command_its_cost_and_what_to_expect(name: str) -> None:
    recipe = runpy.run_path(str(RECIPES / f"{name}.py"))
    assert f"foveate train detector configs/{name}.py --name" in recipe["__doc__"]
    assert "Cost: " in recipe["__doc__"]
    assert "Expected: " in recipe["__doc__"]
    assert recipe["model"]().name == name.removesuffix("_gpu").replace("_", "-")
    assert isinstance(recipe["config"], TrainConfig)


def test_a_model_of_another_window_is_trained_further_as_one_of_window_9(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    torch.manual_seed(0)
    backbone = BackboneConfig(dim=16, depth=4, heads=1, window_size=3, stem="convolutional", relative_size=(14, 14))
    shape = DetectorConfig(backbone=backbone, pyramid_channels=16, head_convolutions=1)
    save_detector(Detector(shape), tmp_path / "other.safetensors")
    words = ["detector", "--name", "of-9", "--data", f"street={street}", "--steps", "1", "--phase", "1:96x96:2"]
    words += ["--init", str(tmp_path / "other.safetensors"), "--finetune-window", "9"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0, ran.output
    trained = load_detector("of-9").config.backbone
    assert (trained.window_size, trained.positions) == (9, "tiled")


@pytest.mark.parametrize(("dim", "told"), [(8, True), (16, False), (32, False)])
def test_weights_of_a_narrower_model_become_the_recipes_and_others_stay(
    dim: int, told: bool, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    (tmp_path / "recipe.py").write_text(TINY.replace("heads=1", "heads=2"))
    backbone = BackboneConfig(dim=dim, depth=4, heads=dim // 8, window_size=3, stem="convolutional", positions="tiled")
    shape = DetectorConfig(backbone=backbone, pyramid_channels=12, head_convolutions=1)
    save_detector(Detector(shape), tmp_path / "other.safetensors")
    words = [str(tmp_path / "recipe.py"), "--name", "started", "--data", f"street={street}", "--phase", "1:96x96:2"]
    ran = CliRunner().invoke(app, ["detector", *words, "--init", str(tmp_path / "other.safetensors")])
    assert ran.exit_code == 0, ran.output
    assert ("other.safetensors is 8 wide, the recipe's model 16: widened" in ran.output) == told
    trained = load_detector("started").config
    assert (trained.backbone.dim, trained.pyramid_channels) == ((16, 16) if told else (dim, 12))


def test_weights_that_cannot_be_widened_to_the_recipe_are_refused(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    (tmp_path / "recipe.py").write_text(TINY)
    backbone = BackboneConfig(dim=8, depth=4, heads=1, window_size=3, stem="convolutional", positions="tiled")
    save_detector(Detector(DetectorConfig(backbone=backbone, head_convolutions=1)), tmp_path / "other.safetensors")
    words = [str(tmp_path / "recipe.py"), "--name", "x", "--data", f"street={street}"]
    ran = CliRunner().invoke(app, ["detector", *words, "--init", str(tmp_path / "other.safetensors")])
    assert isinstance(ran.exception, InputError)
    assert "must be a multiple of 8 wide, with heads of 8; got 16, with heads of 16" in str(ran.exception)


def test_a_set_that_grows_is_followed_on_a_cpu_without_what_validates(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    monkeypatch.setattr("foveate.training.trainer.FOLLOW_S", 0.0)
    whole = json.loads((street / "annotations.json").read_text())
    (street / "annotations.json").write_text(json.dumps(whole | {"images": whole["images"][:1], "annotations": []}))
    seen: list[int] = []

    class Watched(Trainer):
        def _update(self, rate: float) -> float:
            (street / "annotations.json").write_text(json.dumps(whole))
            seen.append(len(self.mixture.images))
            return super()._update(rate)

    monkeypatch.setattr("foveate.training.Trainer", Watched)
    (tmp_path / "tiny.py").write_text(TINY)
    words = [str(tmp_path / "tiny.py"), "--name", "grown", "--data", f"street={street}", "--follow", "--steps", "3"]
    ran = CliRunner().invoke(app, ["detector", *words, "--phase", "1:96x96:2", "--torch-device", "cpu"])
    assert ran.exit_code == 0, ran.output
    assert seen == [1, 3, 3]  # the only picture at first validates too


def test_following_keeps_from_each_set_what_validates_of_that_set(street: Path, tmp_path: Path) -> None:
    """Groups of two sets may have the same names."""
    other = write_set(tmp_path / "other", pictures=3)
    sources = [("street", street, 1.0), ("other", other, 1.0)]
    mixture, validation = mixture_of(sources, CLASSES)
    assert len({image.group for held in validation for image in held.images}) == 2
    grown = growing(sources, CLASSES, validation)()
    for seen, first in zip(grown.sets, mixture.sets, strict=True):
        assert [image.path for image in seen.images] == [image.path for image in first.images]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("raise KeyError('x')", "recipe.py, line 3: KeyError: 'x'"),
        ("return 3", "recipe.py: model() must make a Detector or a ConvDetector, got a int"),
    ],
)
def test_a_recipe_whose_model_cannot_be_made_is_told_with_its_line(
    model: str, message: str, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    head = "from foveate.training import Schedule, TrainConfig; config = TrainConfig(schedule=Schedule(steps=1))"
    (tmp_path / "recipe.py").write_text(f"{head}\ndef model():\n    {model}\n")
    words = ["detector", str(tmp_path / "recipe.py"), "--name", "x", "--data", f"street={street}"]
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, InputError)
    assert message in str(ran.exception)


def test_curves_have_a_form_that_can_be_drawn(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["curves", str(tmp_path), "--out", str(tmp_path / "curves.xyz")])
    assert isinstance(result.exception, InputError)
    assert "curves are drawn as .png, .svg" in str(result.exception)


def test_a_teacher_is_told_by_the_card(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    (tmp_path / "tiny.py").write_text(TINY)
    words = ["detector", str(tmp_path / "tiny.py"), "--name", "taught", "--data", f"street={street}"]
    ran = CliRunner().invoke(app, [*words, "--phase", "1:96x96:2", "--teacher", "convdet-small-world"])
    assert ran.exit_code == 0, ran.output
    assert json.loads((tmp_path / "weights" / "taught.json").read_text())["teacher"] == "convdet-small-world"
    (line,) = (tmp_path / "training" / "taught" / "log.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 1, "a training shorter than the journal's stretch is told all the same"
    assert json.loads(line)["distillation"] > 0


def test_the_seed_decides_the_first_weights(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    (tmp_path / "tiny.py").write_text(TINY.replace("    torch.manual_seed(0)\n", ""))

    def first_loss(name: str, seed: int) -> float:
        words = ["detector", str(tmp_path / "tiny.py"), "--name", name, "--data", f"street={street}"]
        ran = CliRunner().invoke(app, [*words, "--phase", "1:96x96:2", "--seed", str(seed)])
        assert ran.exit_code == 0, ran.output
        return float(json.loads((tmp_path / "training" / name / "log.jsonl").read_text())["loss"])

    losses = [first_loss("one", 5), first_loss("two", 5), first_loss("three", 6)]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("option", ["--data", "--evaluate"])
def test_a_card_never_takes_the_place_of_annotations(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path / "home"))
    (annotations,) = street.glob("*.json")
    data = street if option == "--data" else tmp_path
    words = ["detector", "--name", "x", "--data", f"s={data}", "--out", str(annotations.with_suffix(".safetensors"))]
    words += ["--evaluate", f"s={annotations}", "--steps", "1", "--phase", "1:96x96:2"]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, InputError)
    assert f"{annotations} would take the place of" in str(result.exception)
