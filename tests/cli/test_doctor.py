"""`foveate doctor` as a user runs it."""

import json
import socket
import subprocess
import sys

import pytest

FOVEATE = "from foveate.cli.app import main; main()"
WITHOUT_TORCH = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors", "av"):
            raise ImportError(name, name=name)
sys.meta_path.insert(0, Refuse())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "torch" else find(name, package)
{FOVEATE}
"""


def doctor(*words, program=FOVEATE):
    command = [sys.executable, "-c", program, "doctor", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_a_healthy_machine_ends_with_0_and_a_verdict(free):
    done = doctor("--for", "server", "--address", free)
    assert done.returncode == 0, done.stdout
    assert "As a server, this machine is fit." in done.stdout


def test_a_port_in_use_ends_with_1_and_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = doctor("--for", "server", "--address", f"127.0.0.1:{taken.getsockname()[1]}", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["healthy"]) == (1, False)
    (failed,) = [finding for finding in told["findings"] if finding["level"] == "fail"]
    assert "choose another --address" in failed["advice"]


def test_a_device_without_torch_is_examined_and_fit():
    done = doctor("--json", program=WITHOUT_TORCH)
    told = json.loads(done.stdout)
    assert (done.returncode, told["role"]) == (0, "device"), told
    assert {f["what"]: f["found"] for f in told["findings"]}["torch"] == "not installed; a device needs none"


def test_an_unknown_role_lists_the_known_ones():
    done = doctor("--for", "router")
    assert (done.returncode, done.stderr) == (2, "foveate: --for is one of device, server, got 'router'\n")
