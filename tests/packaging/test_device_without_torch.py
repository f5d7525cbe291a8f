"""A device installs without torch: nothing that it reaches may import it, at any time."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

BLOCKED = ("torch", "safetensors", "av", "vtk", "vtkmodules")

PRELUDE = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ImportError(f"a device has no {{name}}", name=name)

sys.meta_path.insert(0, Refuse())
"""


def run_on_device(program):
    ran = subprocess.run([sys.executable, "-c", PRELUDE + program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_guard_itself_refuses_torch():
    assert "refused" in run_on_device("try:\n    import torch\nexcept ImportError:\n    print('refused')")


@pytest.mark.parametrize("room", ["core", "codec", "device", "doctor", "metrics", "network", "policies"])
def test_a_room_of_the_device_imports_without_torch(room):
    assert find_spec(f"foveate.{room}"), f"room {room} is missing"
    run_on_device(f"import foveate.{room}")


def test_a_frame_is_split_compressed_and_restored_without_torch():
    run_on_device(
        """
import numpy as np
from foveate.codec import decode_frame, encode_frame
from foveate.core import RegionGrid, join_regions
grid = RegionGrid(height=300, width=500)
mask = np.zeros(grid.shape, bool)
mask[0, 0] = True
pixels = np.full((300, 500, 3), 90, np.uint8)
sent = encode_frame(pixels, grid=grid, mask=mask, quality=90)
assert abs(join_regions(decode_frame(sent, grid=grid, mask=mask)).astype(int) - 90).max() <= 2
"""
    )
