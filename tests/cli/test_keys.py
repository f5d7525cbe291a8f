import pytest
from typer.testing import CliRunner

from foveate.cli.app import app
from foveate.network.keys import KeyPair, format_public, read_allowed, read_key_pair


def run(*words):
    return CliRunner().invoke(app, ["keys", *map(str, words)])


def test_a_new_pair_lies_in_the_home_and_its_public_key_is_all_that_is_printed(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    ran = run("new")
    pair = read_key_pair(tmp_path / "keys")
    assert ran.stdout == format_public(pair.public) + "\n"
    assert pair.secret.hex() not in ran.stdout + ran.stderr


def test_a_pair_that_is_there_is_kept(tmp_path):
    assert run("new", "--out", tmp_path / "keys").exit_code == 0
    before = read_key_pair(tmp_path / "keys")
    again = run("new", "--out", tmp_path / "keys")
    assert again.exit_code == 2
    assert "not overwritten" in again.stderr
    assert read_key_pair(tmp_path / "keys") == before


def test_keys_are_added_to_a_list_once_by_word_or_by_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_HOME", str(tmp_path))
    word = run("new", "--out", tmp_path / "one").stdout.strip()
    run("new", "--out", tmp_path / "two")
    assert run("allow", word, "--name", "first").stdout == f"added to {tmp_path / 'keys' / 'allowed'}\n"
    assert run("allow", tmp_path / "two" / "public.key").exit_code == 0
    assert "is already in" in run("allow", word).stdout
    names = read_allowed(tmp_path / "keys" / "allowed")
    assert list(names.values()) == ["first", ""]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("allow", "nonsense"), "64 hexadecimal digits"),
        (("allow", format_public(KeyPair.new().public), "--name", "a\nb"), "one line"),
        (("allow", "foveate-secret-" + "a" * 64), "secret key"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, words, problem):
    ran = run(*words, "--list", tmp_path / "allowed")
    assert ran.exit_code == 2
    assert problem in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "allowed").exists()
