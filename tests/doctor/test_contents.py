import pytest

from foveate.doctor import contents
from foveate.doctor.contents import check_keys, check_python, check_weights
from foveate.network.keys import KeyPair, allow, write_key_pair


@pytest.fixture
def home(tmp_path):
    (tmp_path / "weights").mkdir()
    return tmp_path


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_weights_of_the_package_and_of_home_are_named(home, tiny_weights):
    (home / "weights" / "mine.safetensors").write_bytes(tiny_weights.read_bytes())
    (found,) = check_weights("server", home)
    assert found.level == "ok"
    assert {"mine", "vitdet-tiny-world"} <= set(found.found.split(", "))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:4], lambda data: b"noise" * 9, lambda _: b""]
)
def test_weights_that_are_truncated_fail(home, tiny_weights, damage):
    (home / "weights" / "mine.safetensors").write_bytes(damage(tiny_weights.read_bytes()))
    found = check_weights("server", home)
    assert [finding.level for finding in found] == ["fail", "ok"]
    assert "mine.safetensors is truncated" in found[0].found


@pytest.mark.parametrize(("role", "level"), [("server", "fail"), ("device", "note")])
def test_without_any_weights_a_server_fails(home, monkeypatch, role, level):
    monkeypatch.setattr(contents, "_SHIPPED", home / "none")
    assert [finding.level for finding in check_weights(role, home)] == [level]


def test_without_keys_only_this_machine_can_be_reached(home):
    assert [finding.level for finding in check_keys("server", home)] == ["note"]


def test_keys_that_others_can_read_fail(home):
    write_key_pair(home / "keys", KeyPair.new())
    assert [finding.level for finding in check_keys("server", home)] == ["ok"]
    (home / "keys" / "secret.key").chmod(0o644)
    (found,) = check_keys("server", home)
    assert found.level == "fail"
    assert "chmod 600" in found.advice


def test_the_devices_that_a_server_lets_in_are_counted_and_a_broken_list_fails(home):
    write_key_pair(home / "keys", KeyPair.new())
    allow(home / "keys" / "allowed", KeyPair.new().public, "gate")
    assert by_name(check_keys("server", home))["allowed"].found == "1 devices"
    assert "allowed" not in by_name(check_keys("device", home))
    (home / "keys" / "allowed").write_text("nonsense\n")
    assert by_name(check_keys("server", home))["allowed"].level == "fail"


@pytest.mark.parametrize("check", [check_weights, check_keys])
def test_a_home_in_a_folder_that_may_not_be_entered_fails(locked_home, check):
    (found,) = check("device", locked_home)
    assert (found.level, found.found) == ("fail", f"{locked_home}: Permission denied")
    assert "FOVEATE_HOME" in found.advice


REQUIREMENTS = ["numpy>=1", 'torch>=2; extra == "server"', 'av>=12; extra == "server"', "ray>=2; extra == 'ray'"]


def test_an_extra_that_lacks_a_package_is_not_counted(monkeypatch):
    monkeypatch.setattr(contents.metadata, "requires", lambda name: REQUIREMENTS)
    monkeypatch.setattr(contents, "_installed", lambda name: name != "av")
    found = by_name(check_python("server"))
    assert found["extras"].found == "ray"
    assert (found["extra server"].level, found["extra server"].found) == ("fail", "lacks av")
    assert by_name(check_python("device"))["extra server"].level == "note"
