import cv2
import numpy as np
import pytest

from foveate.core import Detections, FoveateError, Frame
from foveate.device import Displayed, Window

SHOWN = Displayed(
    frame=Frame(pixels=np.full((64, 96, 3), (200, 0, 0), np.uint8), index=0, captured_at=0.0),
    displayed_at=0.1,
    detections=Detections.empty(()),
    source=None,
)


@pytest.fixture
def screen(monkeypatch):
    """OpenCV's windows, made of nothing; `keys` are pressed one after the other."""

    class Screen:
        pictures, keys, visible = [], [], 1.0

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", lambda *words: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, picture: Screen.pictures.append(picture))
    monkeypatch.setattr(cv2, "waitKey", lambda wait: Screen.keys.pop(0) if Screen.keys else -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *words: Screen.visible)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    Screen.pictures.clear()
    return Screen


def test_a_frame_is_shown_in_the_colours_of_opencv(screen):
    with Window() as window:
        window(SHOWN)
    (picture,) = screen.pictures
    assert tuple(picture[0, 0]) == (0, 0, 200)
    assert not window.closed


@pytest.mark.parametrize("key", [ord("q"), 27])
def test_a_key_closes_it(screen, key):
    screen.keys[:] = [key]
    with Window() as window:
        window(SHOWN)
        window(SHOWN)
    assert window.closed
    assert len(screen.pictures) == 1


def test_its_cross_closes_it(screen, monkeypatch):
    monkeypatch.setattr(screen, "visible", 0.0)
    with Window() as window:
        window(SHOWN)
    assert window.closed


def test_an_opencv_without_windows_says_what_to_install(monkeypatch):
    def not_built(*words):
        raise cv2.error("The function is not implemented")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", not_built)
    with pytest.raises(FoveateError, match=r"pip install opencv-python$"), Window():
        pass


def test_without_a_screen_there_is_one_clear_line(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(FoveateError, match="needs a screen"), Window():
        pass
