import pytest

from foveate.codec import write_image
from foveate.core import InputError, MediaError
from foveate.device import ImageFolder
from foveate.testing import moving_squares
from foveate.testing.sources import SourceContract

SQUARES = list(moving_squares(4, (64, 96)))


@pytest.fixture
def folder(tmp_path):
    """Four pictures whose order of making is not that of their names, and a file that is none."""
    for index in (2, 0, 3, 1):
        write_image(tmp_path / f"{index:04d}.png", SQUARES[index])
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


class TestImageFolder(SourceContract):
    @pytest.fixture(autouse=True)
    def _path(self, folder):
        self.path = folder

    def source(self):
        return ImageFolder(self.path, fps=25)


def test_pictures_come_in_the_order_of_their_names(folder):
    with ImageFolder(folder, fps=5) as source:
        assert [(pixels == wanted).all() for pixels, wanted in zip(source, SQUARES, strict=True)] == [True] * 4
        assert len(list(source)) == 4


def test_a_loop_goes_forward_and_backward(folder):
    with ImageFolder(folder, fps=5, loop=2) as source:
        played = list(source)
    assert len(played) == 7
    assert (played[6] == SQUARES[0]).all()


def test_a_folder_without_a_rate_or_without_pictures_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="needs a frame rate"):
        ImageFolder(folder, fps=None)
    with pytest.raises(InputError, match="above 0"):
        ImageFolder(folder, fps=0)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MediaError, match="no picture in"):
        ImageFolder(empty, fps=5)


def test_a_picture_of_another_size_and_one_that_is_broken_are_named(folder):
    write_image(folder / "0002.png", SQUARES[0][:32])
    with ImageFolder(folder, fps=5) as source, pytest.raises(MediaError, match=r"0002\.png has \(32, 96\)"):
        list(source)
    (folder / "0002.png").write_bytes(b"noise")
    with ImageFolder(folder, fps=5) as source, pytest.raises(MediaError, match=r"0002\.png"):
        list(source)
