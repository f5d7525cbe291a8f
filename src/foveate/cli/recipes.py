"""Python files of the user: what goes wrong in one is told with its line, not as a traceback of foveate."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foveate.core import FoveateError, InputError


@contextmanager
def blames(path: Path) -> Iterator[None]:
    """Whatever the code of `path` raises becomes an `InputError` that names its line; `FoveateError` passes."""
    try:
        yield
    except FoveateError:
        raise
    except Exception as error:
        raise InputError(f"{path}{_line(error, path)}: {type(error).__name__}: {_message(error)}") from error


def _line(error: Exception, path: Path) -> str:
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if Path(at.filename) == path]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    return f", line {lines[-1]}" if lines else ""


def _message(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)


def run_recipe(path: Path, *names: str) -> dict[str, Any]:
    """What a recipe file defines. Raises `InputError` if it is not there, fails, or lacks one of `names`."""
    import runpy

    if not path.is_file():
        raise InputError(f"no recipe file {path}; configs/ has some")
    with blames(path):
        recipe = runpy.run_path(str(path))
    if lacking := [name for name in names if name not in recipe]:
        raise InputError(f"{path} must define {' and '.join(names)}, and {' and '.join(lacking)} is not there")
    return recipe
