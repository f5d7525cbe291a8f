"""Every example of docs/models.md, in order, on small random weights in folders of the names it uses."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foveate.testing import write_clip
from foveate.testing.vitdet_checkpoints import CLASSES, vitdet_checkpoint, write_pickle
from tests.models.families.checkpoints import write_checkpoint

pytestmark = pytest.mark.oracle
ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
FOLDERS = {
    "depth-anything-small": "depth_anything",
    "dinov3-small": "dinov3_vit",
    "rf-detr-base": "rf_detr",
    "sam-base": "sam",
    "vitpose-small": "vitpose",
    "yolos-tiny": "yolos",
}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the page's commands find what they name."""
    place = tmp_path_factory.mktemp("page")
    for name, kind in FOLDERS.items():
        write_checkpoint(kind, place / name)
    write_pickle(place / "model_final.pkl", vitdet_checkpoint(window=14))
    (place / "classes.txt").write_text("\n".join(CLASSES))
    write_clip(place / "street.mp4", frames=8, fps=10)
    shutil.copy(ROOT / "src/foveate/samples/uplink.csv", place / "uplink.csv")
    return place


def test_the_python_blocks_run_in_order(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "docs/models.md", "exec"), names)
    assert names["grid"].shape == (6, 10)
    assert len(names["found"]) > 0
    assert names["depth_map"].shape == (720, 1280)
    assert tuple(names["feature_map"].shape)[1:] == (45, 80)
    assert names["regions"].shape == (2, 3)
    assert len(names["outlines"]) == len(names["seen"].detections) > 0
    assert names["smaller"].name == "vitdet-w9-cut"
    assert names["maps"].shape == (2, 32, 6, 8)
    assert "RF-DETR takes square images" in capsys.readouterr().out


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("foveate ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_run(place, monkeypatch, line):
    from foveate.cli.app import app

    monkeypatch.chdir(place)
    ran = CliRunner().invoke(app, shlex.split(line)[1:])
    assert ran.exit_code == 0, ran.output


def test_every_family_is_in_the_table():
    from foveate.models.families import FAMILIES, UNSUPPORTED

    assert all(f"`{kind}`" in PAGE for kind in [*FAMILIES, *UNSUPPORTED])
