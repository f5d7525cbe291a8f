import sys

import pytest

from foveate.doctor import media
from foveate.doctor.media import check_media


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_what_the_base_install_brings_works_here():
    found = by_name(check_media("server"))
    assert [found[what].level for what in ("JPEG", "OpenCV", "PyAV")] == ["ok"] * 3


@pytest.mark.parametrize(("role", "level"), [("server", "fail"), ("device", "note")])
def test_without_pyav_a_server_fails(monkeypatch, role, level):
    monkeypatch.setitem(sys.modules, "av", None)
    assert by_name(check_media(role))["PyAV"].level == level


def test_a_codec_that_cannot_be_imported_fails_with_what_it_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    found = by_name(check_media("device"))["JPEG"]
    assert found.level == "fail"
    assert found.found.startswith("ModuleNotFoundError")


def test_what_only_tests_and_worlds_need_is_a_note(monkeypatch):
    monkeypatch.setattr(media.shutil, "which", lambda name: None)
    monkeypatch.setattr(media, "find_spec", lambda name: None)
    found = by_name(check_media("server"))
    assert found["browser"].level == found["EGL"].level == "note"
    assert "apt-get install chromium" in found["browser"].advice
