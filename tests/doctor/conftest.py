"""Places that cannot be used."""

from pathlib import Path

import pytest


@pytest.fixture
def locked_home(tmp_path, monkeypatch):
    """A home in a folder that this user may not enter; whoever runs the tests may enter any."""
    home, stat = tmp_path / "locked" / "home", Path.stat

    def refuse(path, **options):
        if path.is_relative_to(home):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    return home
