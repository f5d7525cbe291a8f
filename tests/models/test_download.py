"""Downloads: whole or not at all, resumed, checked, and clear about what went wrong. The server is on this machine."""

import hashlib
import socket

import pytest

from foveate.core import InputError, TransportError
from foveate.models.download import download
from foveate.testing.http import served_file

CONTENT = bytes(range(256)) * 20_000  # 5 MB: several pieces
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def quiet(done, total):
    pass


@pytest.fixture
def server():
    with served_file(CONTENT) as file:
        yield file


def test_a_file_arrives_whole_with_progress_and_leaves_nothing_else(server, tmp_path):
    steps = []
    target = tmp_path / "deep" / "model.pkl"
    got = download(server.address, target, progress=lambda done, total: steps.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert got == SHA256
    assert [p.name for p in target.parent.iterdir()] == ["model.pkl"]
    assert steps[0] == (0, len(CONTENT))
    assert steps[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    target = tmp_path / "model.pkl"
    target.write_bytes(CONTENT)
    assert download(server.address, target, progress=quiet, sha256=SHA256) == SHA256
    assert server.requests == []


def test_a_try_that_breaks_off_is_resumed(server, tmp_path):
    target, steps = tmp_path / "model.pkl", []
    server.break_after = 3_000_000
    with pytest.raises(TransportError, match=r"broke off .* another try goes on"):
        download(server.address, target, progress=quiet)
    assert not target.exists()
    server.break_after = None
    download(server.address, target, progress=lambda done, total: steps.append((done, total)))
    assert target.read_bytes() == CONTENT
    assert server.requests[1]["Range"] == "bytes=3000000-"
    assert steps[0] == (3_000_000, len(CONTENT))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("change", ["another file", "no ranges", "no version"])
def test_what_cannot_be_resumed_begins_anew(server, tmp_path, change):
    target = tmp_path / "model.pkl"
    server.break_after = 1_000_000
    server.etag = None if change == "no version" else server.etag
    with pytest.raises(TransportError):
        download(server.address, target, progress=quiet)
    server.break_after = None
    if change == "another file":
        server.content, server.etag = CONTENT[::-1], '"second"'
    server.resumes = change != "no ranges"
    download(server.address, target, progress=quiet)
    assert target.read_bytes() == server.content


def test_a_part_that_is_whole_already_is_fetched_again(server, tmp_path):
    """The server answers 416: no bytes are left to send."""
    target = tmp_path / "model.pkl"
    server.break_after = 1_000_000
    with pytest.raises(TransportError):
        download(server.address, target, progress=quiet)
    (tmp_path / "model.pkl.part").write_bytes(CONTENT + b"more")
    server.break_after = None
    download(server.address, target, progress=quiet)
    assert target.read_bytes() == CONTENT


def test_a_server_that_does_not_say_the_length_is_believed(server, tmp_path):
    server.tells_length = False
    totals = set()
    download(server.address, tmp_path / "model.pkl", progress=lambda done, total: totals.add(total))
    assert totals == {None}
    assert (tmp_path / "model.pkl").read_bytes() == CONTENT


def test_another_checksum_is_refused_and_nothing_is_left(server, tmp_path):
    with pytest.raises(TransportError, match=f"SHA-256 {'0' * 64} is required, got {SHA256}"):
        download(server.address, tmp_path / "model.pkl", progress=quiet, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_but_another_is_said_and_kept(server, tmp_path):
    target = tmp_path / "model.pkl"
    target.write_bytes(b"brought by hand")
    with pytest.raises(TransportError, match=rf"model\.pkl: a file with SHA-256 {SHA256} is required"):
        download(server.address, target, progress=quiet, sha256=SHA256)
    assert target.read_bytes() == b"brought by hand"


def test_an_answer_that_is_an_error_is_said(server, tmp_path):
    server.status = 404
    with pytest.raises(TransportError, match="the server answered 404 Not Found"):
        download(server.address, tmp_path / "model.pkl", progress=quiet)
    assert not (tmp_path / "model.pkl").exists()


def test_a_server_that_is_not_there_is_said(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/x.pkl"
    with pytest.raises(TransportError, match=r"cannot be reached or broke off .*refused"):
        download(address, tmp_path / "x.pkl", progress=quiet)


def test_a_disk_that_refuses_is_said(server, tmp_path):
    (tmp_path / "model.pkl.part").mkdir()
    with pytest.raises(TransportError, match="Is a directory"):
        download(server.address, tmp_path / "model.pkl", progress=quiet)
    (tmp_path / "file").touch()
    with pytest.raises(TransportError, match="file"):
        download(server.address, tmp_path / "file" / "model.pkl", progress=quiet)


def test_offline_nothing_is_asked(server, tmp_path, monkeypatch):
    monkeypatch.setenv("FOVEATE_OFFLINE", "1")
    with pytest.raises(TransportError, match="not on this machine, and FOVEATE_OFFLINE is set"):
        download(server.address, tmp_path / "model.pkl", progress=quiet)
    assert server.requests == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/file", "model.pkl"])
def test_addresses_of_other_kinds_are_refused(tmp_path, address):
    with pytest.raises(InputError, match="begins with http"):
        download(address, tmp_path / "x", progress=quiet)
