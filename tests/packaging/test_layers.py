import ast
import subprocess
import sys
from pathlib import Path

import pytest

import foveate

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "foveate"
FORBIDDEN_NAMES = {"utils", "helpers", "common"}


def test_imports_run_downward_and_the_device_reaches_no_torch():
    linter = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linter.returncode == 0, linter.stdout + linter.stderr


def names_taken_from_root(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "foveate":
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "foveate":
            yield node.attr


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/**/*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_room_takes_from_the_root_what_it_only_forwards(path):
    assert not set(names_taken_from_root(path)) & set(foveate.__all__)


def test_no_room_is_a_drawer_for_everything():
    names = {p.stem for p in PACKAGE.rglob("*")}
    assert not names & FORBIDDEN_NAMES
