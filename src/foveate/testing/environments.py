"""Fresh virtual environments, in which a program is installed as a user would install it."""

import os
import subprocess
import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def fresh_environment(folder: Path) -> Path:
    """An empty virtual environment with pip."""
    venv.create(folder, with_pip=True)
    return folder


def clean_variables(**more: str) -> dict[str, str]:
    """Environment variables of this process, without what would lead back to the checkout, and `more`."""
    return {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}} | more


def pip(python: str | Path, *words: str | Path, cwd: Path | None = None) -> None:
    """Run pip; raises `RuntimeError` with what it complained about."""
    command = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, words)]
    ran = subprocess.run(  # noqa: S603  # words of tests
        command, env=clean_variables(), cwd=cwd, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {ran.stderr}")


def link(name: str, environment: Path, done: set[str] | None = None) -> None:
    """Make an installed distribution and all that it requires visible in another environment.

    A second copy of torch would be hundreds of megabytes, with CUDA gigabytes.
    """
    done = set() if done is None else done
    if name in done:
        return
    done.add(name)
    site_packages = next(environment.glob("lib/python*/site-packages"))
    distribution = metadata.distribution(name)
    files = distribution.files or []
    for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
        target = site_packages / top
        if not target.exists():
            target.symlink_to(Path(str(distribution.locate_file(top))))
    for text in distribution.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            link(requirement.name, environment, done)
