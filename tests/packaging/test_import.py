import inspect
import subprocess
import sys

import pytest

import foveate

HEAVY = ("av", "cv2", "faster_coco_eval", "numpy", "rich", "safetensors", "simplejpeg", "torch", "typer", "vtk", "zmq")


def modules_after(program):
    listing = f"{program}; import sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    return set(ran.stdout.split())


def test_import_foveate_imports_nothing_else_of_weight():
    loaded = modules_after("import foveate")
    assert not loaded & set(HEAVY)
    assert {name for name in loaded if name.startswith("foveate")} == {"foveate"}


def test_import_of_the_command_line_leaves_torch_vtk_and_opencv_alone():
    loaded = modules_after("import foveate.cli.app")
    assert not loaded & {"av", "cv2", "torch", "vtk", "vtkmodules", "zmq"}


@pytest.mark.parametrize("name", foveate.__all__)
def test_a_public_name_resolves_and_has_a_docstring(name):
    assert inspect.getdoc(getattr(foveate, name)), f"foveate.{name} has no docstring"


def test_rooms_that_the_documentation_goes_through_are_reached_from_the_root():
    program = "import foveate; print(foveate.models.Backbone, foveate.metrics.read_coco, foveate.policies.by_name)"
    assert "foveate.models.backbone" in modules_after(program)


def test_public_names_are_sorted_have_a_home_and_are_listed_by_dir():
    assert foveate.__all__ == sorted(foveate._HOMES)
    assert set(foveate.__all__) <= set(dir(foveate))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="has no attribute 'load_detectors'; it has Detections, "):
        _ = foveate.load_detectors
