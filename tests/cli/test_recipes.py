import pytest

from foveate.cli.recipes import blames, run_recipe
from foveate.core import InputError, MediaError


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n1 / 0\n", ", line 2: ZeroDivisionError: division by zero"),
        ("import nothing_of_this_name\n", ", line 1: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def (\n", ", line 1: SyntaxError: invalid syntax"),
        ("config = 1\n", " must define model and config, and model is not there"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_told_with_its_line(tmp_path, text, says):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError) as raised:
        run_recipe(path, "model", "config")
    assert str(raised.value) == f"{path}{says}"


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no recipe file"):
        run_recipe(tmp_path / "none.py")


def test_what_a_whole_recipe_defines_comes_back(tmp_path):
    (tmp_path / "mine.py").write_text("model, config = 1, 2\n")
    assert run_recipe(tmp_path / "mine.py", "model", "config").items() >= {"model": 1, "config": 2}.items()


def test_an_error_that_foveate_raised_on_purpose_passes(tmp_path):
    with pytest.raises(MediaError, match="gone"), blames(tmp_path / "mine.py"):
        raise MediaError("gone")
