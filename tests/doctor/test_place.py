import shutil
import socket
from collections import namedtuple

import pytest

from foveate.doctor import place
from foveate.doctor.place import check_clock, check_home, check_ports, check_server

Usage = namedtuple("Usage", "total used free")


def levels(findings):
    return [finding.level for finding in findings]


def test_a_home_that_does_not_exist_yet_is_fine_and_stays_so(tmp_path):
    home = tmp_path / "a" / "b"
    assert levels(check_home("server", home)) == ["ok", "ok"]
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_written_fails(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(place.tempfile, "NamedTemporaryFile", refuse)
    found = check_home("device", tmp_path)[0]
    assert (found.level, found.found) == ("fail", f"{tmp_path}: Permission denied")
    assert "FOVEATE_HOME" in found.advice


def test_a_home_in_a_folder_that_may_not_be_entered_fails(locked_home):
    (found,) = check_home("device", locked_home)
    assert (found.level, found.found) == ("fail", f"{locked_home}: Permission denied")
    assert "FOVEATE_HOME" in found.advice


@pytest.mark.parametrize(("role", "level"), [("server", "fail"), ("device", "ok")])
def test_a_full_disk_fails_the_role_that_needs_the_space(tmp_path, monkeypatch, role, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 5 * 10**8))
    assert levels(check_home(role, tmp_path)) == ["ok", level]


def test_the_clock_of_this_machine_is_fine():
    assert levels(check_clock()) == ["ok"]


def test_a_clock_that_runs_back_fails(monkeypatch):
    readings = iter(range(10**6, 0, -1))
    monkeypatch.setattr(place.time, "monotonic", lambda: next(readings) / 1e6)
    (found,) = check_clock()
    assert found.level == "fail"
    assert "runs back" in found.found


def test_a_coarse_clock_fails(monkeypatch):
    readings = iter(range(10**6))
    monkeypatch.setattr(place.time, "monotonic", lambda: next(readings) // 100 / 60)
    (found,) = check_clock()
    assert found.level == "fail"
    assert "coarse" in found.advice


def test_a_port_in_use_fails_a_server_and_a_free_one_does_not():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert levels(check_ports("server", [address, "[::1]:0"])) == ["fail", "ok"]
        assert check_ports("device", [address]) == []
        assert levels(check_server(address)) == ["ok"]
    assert levels(check_server(address)) == ["fail"]
    assert check_server(None) == []
