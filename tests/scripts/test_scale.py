"""The page on scale: the script's output, from figures that stand in the results."""

import importlib.util
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = (ROOT / "docs" / "results.md").read_text()


def load_script():
    import sys

    spec = importlib.util.spec_from_file_location("scale", ROOT / "scripts" / "scale.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


scale = load_script()


def need(cameras, rate, frames=scale.WHOLE):
    return scale.Need(cameras=cameras, rate=rate, frames=frames)


def test_the_page_is_what_the_script_prints():
    assert (ROOT / "docs" / "scale.md").read_text() == scale.document()


@pytest.mark.parametrize("figure", scale.FIGURES, ids=lambda figure: figure.what)
def test_every_figure_stands_in_the_results(figure):
    assert figure.quote in RESULTS
    assert f"{figure.value:g}" in figure.quote or f"{figure.value:.1f}" in figure.quote


def test_ten_cameras_by_hand():
    # 10 offloads a second of 126 ms are 1.26 GPUs at full load, of 703 ms 7.03 cores, at 60 % of it 12;
    # 10 x 192 kB a second are 15.36 Mbit/s.
    ten = need(10, 1.0)
    assert (ten.gpus, ten.cores, ten.ports, ten.gateways) == (3, 12, 1, 1)
    assert ten.uplink_bps == pytest.approx(1.536e6)
    assert ten.ingress_bps == pytest.approx(15.36e6)


def test_gateways_are_the_most_that_any_limit_asks_for():
    assert need(100_000, 0.001).gateways == math.ceil(100_000 / scale.MOST_CLIENTS)  # devices that one serves
    assert need(1_000, 3.0).gateways == 6  # work: 3000 x 1.1 ms / 0.6
    assert need(100_000, 3.0).gateways == 550


@pytest.mark.parametrize("frames", [scale.WHOLE, scale.MIXED], ids=lambda frames: frames.name)
def test_more_cameras_never_need_less(frames):
    names = ("gpus", "cores", "ports", "gateways", "ingress_bps")
    for fewer, more in zip(scale.CAMERAS, scale.CAMERAS[1:], strict=False):
        for name in names:
            assert getattr(need(fewer, 1.0, frames), name) <= getattr(need(more, 1.0, frames), name)


def test_low_regions_save_bytes_and_accelerators():
    whole, mixed = need(1_000, 3.0), need(1_000, 3.0, scale.MIXED)
    assert mixed.gpus < whole.gpus
    assert mixed.cores < whole.cores
    assert mixed.ingress_bps < whole.ingress_bps
