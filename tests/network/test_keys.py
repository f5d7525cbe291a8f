import errno
import os
from pathlib import Path

import pytest

from foveate.core import FoveateError, InputError
from foveate.network.keys import (
    KeyPair,
    allow,
    format_public,
    parse_public,
    read_allowed,
    read_key_pair,
    read_public,
    write_key_pair,
)
from foveate.network.security import AllowedKeys, is_loopback

PAIR, OTHER = KeyPair.new(), KeyPair.new()


def test_pairs_differ_and_do_not_print_their_secret():
    assert PAIR != OTHER
    assert PAIR.secret.hex() not in repr(PAIR)
    assert str(PAIR.secret) not in repr(PAIR)
    assert KeyPair.of_secret(PAIR.secret) == PAIR


def test_a_pair_comes_back_from_its_folder_and_only_its_owner_can_read_the_secret(tmp_path):
    folder = tmp_path / "made" / "keys"
    write_key_pair(folder, PAIR)
    assert read_key_pair(folder) == PAIR
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert read_public(str(folder / "public.key")) == read_public(format_public(PAIR.public)) == PAIR.public
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_pair_is_not_overwritten(tmp_path):
    write_key_pair(tmp_path, PAIR)
    with pytest.raises(InputError, match="not overwritten"):
        write_key_pair(tmp_path, OTHER)
    assert read_key_pair(tmp_path) == PAIR
    assert read_public(str(tmp_path / "public.key")) == PAIR.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_read_is_refused_with_the_remedy(tmp_path, mode):
    write_key_pair(tmp_path, PAIR)
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(InputError, match=rf"can be read by others \(mode {mode:04o}\): chmod 600"):
        read_key_pair(tmp_path)


def test_a_missing_pair_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=f"foveate keys new --out {tmp_path}"):
        read_key_pair(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "foveate-secret-", "foveate-secret-" + "g" * 64, "foveate-secret-" + "a" * 63, "foveate-public-" + "a" * 64],
)
def test_a_malformed_secret_is_named_but_not_shown(tmp_path, text):
    (tmp_path / "secret.key").write_text(text)
    (tmp_path / "secret.key").chmod(0o600)
    with pytest.raises(InputError, match="64 hexadecimal digits") as error:
        read_key_pair(tmp_path)
    assert str(tmp_path / "secret.key") in str(error.value)
    assert "aaaa" not in str(error.value)


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "secret.key").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "secret.key").chmod(0o600)
    with pytest.raises(InputError, match="no text file of keys"):
        read_key_pair(tmp_path)


def test_a_secret_in_place_of_a_public_key_is_called_one():
    with pytest.raises(InputError, match="this is a secret key"):
        parse_public("foveate-secret-" + PAIR.secret.hex())


@pytest.mark.parametrize("text", ["nowhere", "foveate-public-12", PAIR.public.hex()], ids=["word", "short", "bare"])
def test_what_is_neither_key_nor_file_is_refused(text):
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        read_public(text)


def test_a_list_is_made_grows_and_keeps_remarks(tmp_path):
    path = tmp_path / "allowed"
    assert allow(path, PAIR.public, "camera one")
    path.write_text("# ours\n\n" + path.read_text())
    assert allow(path, OTHER.public, "")
    assert not allow(path, PAIR.public, "again")
    assert read_allowed(path) == {PAIR.public: "camera one", OTHER.public: ""}
    assert path.read_text().startswith("# ours\n\nfoveate-public-")


def test_a_list_is_never_writable_by_others_and_grows_beside_what_a_stopped_process_left(tmp_path):
    (tmp_path / "allowed.part").touch()
    before = os.umask(0)
    try:
        assert allow(tmp_path / "allowed", PAIR.public, "")
    finally:
        os.umask(before)
    assert (tmp_path / "allowed").stat().st_mode & 0o777 == 0o644
    assert read_allowed(tmp_path / "allowed") == {PAIR.public: ""}


def test_a_list_that_finds_no_room_stays_as_it_was_and_is_named(tmp_path, monkeypatch):
    path = tmp_path / "allowed"
    allow(path, PAIR.public, "")

    def full(draft, text, **_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FoveateError, match=r"^cannot write .*/allowed: No space left on device$"):
        allow(path, OTHER.public, "")
    assert read_allowed(path) == {PAIR.public: ""}
    assert [file.name for file in tmp_path.iterdir()] == ["allowed"]


@pytest.mark.parametrize(
    "more", [f"\n{format_public(OTHER.public)} guest", "\u2028x", "\x0b"], ids=["line", "separator", "tab"]
)
def test_a_name_cannot_bring_further_lines_into_a_list(tmp_path, more):
    path = tmp_path / "allowed"
    with pytest.raises(InputError, match="a name is one line"):
        allow(path, PAIR.public, f"camera{more} two")
    assert not path.exists()


def test_a_list_may_come_from_an_editor_that_marks_files_and_use_tabs(tmp_path):
    path = tmp_path / "allowed"
    allow(path, PAIR.public, "")
    path.write_text(f"\ufeff{format_public(PAIR.public)}\tcamera one\n \t\n#\n")
    assert read_allowed(path) == {PAIR.public: "camera one"}


def test_a_place_where_nothing_can_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "keys"):
        with pytest.raises(FoveateError, match=f"cannot make the folder {folder}: "):
            write_key_pair(folder, PAIR)
    with pytest.raises(FoveateError, match="cannot make the folder"):
        allow(tmp_path / "file" / "allowed", PAIR.public, "")
    (tmp_path / "half" / "public.key").mkdir(parents=True)
    with pytest.raises(FoveateError, match=r"cannot write .*public.key: Is a directory"):
        write_key_pair(tmp_path / "half", PAIR)


def test_a_broken_list_names_its_line(tmp_path):
    path = tmp_path / "allowed"
    path.write_text(f"# ours\n{format_public(PAIR.public)} camera\nfoveate-public-xyz\n")
    with pytest.raises(InputError, match="allowed, line 3: a key is foveate-public-"):
        read_allowed(path)


def test_a_list_that_others_can_write_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "allowed"
    allow(path, PAIR.public, "")
    path.chmod(0o666)
    with pytest.raises(InputError, match=r"can be written by others \(mode 0666\): chmod 644"):
        read_allowed(path)


def test_a_missing_list_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=f"foveate keys allow KEY --list {tmp_path / 'allowed'}"):
        AllowedKeys(tmp_path / "allowed")


def test_a_list_is_read_again_when_it_changes(tmp_path, caplog):
    path = tmp_path / "allowed"
    allow(path, PAIR.public, "camera")
    keys = AllowedKeys(path)
    assert PAIR.public in keys
    assert keys.name(PAIR.public) == "camera"
    assert OTHER.public not in keys
    allow(path, OTHER.public, "")
    assert OTHER.public in keys
    path.write_text(format_public(OTHER.public) + "\n")
    os.utime(path, ns=(1, 1))
    assert PAIR.public not in keys
    assert OTHER.public in keys
    assert "1 keys are allowed" in caplog.text


@pytest.mark.parametrize("slip", ["broken", "gone", "writable"])
def test_the_last_good_list_holds_where_a_later_one_is_not_and_that_is_told_once(tmp_path, caplog, slip):
    path = tmp_path / "allowed"
    allow(path, PAIR.public, "")
    keys = AllowedKeys(path)
    if slip == "broken":
        path.write_text("nonsense\n")
    elif slip == "gone":
        path.unlink()
    else:
        path.chmod(0o666)
    assert PAIR.public in keys
    assert PAIR.public in keys
    assert OTHER.public not in keys
    (record,) = caplog.records
    assert record.getMessage().startswith("the former list of 1 allowed keys holds: ")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("*:1", False),
        ("192.168.1.2:1", False),
        ("camera.example:1", False),
    ],
)
def test_only_this_machine_is_the_loopback(address, loopback):
    assert is_loopback(address) == loopback
