"""README, "Over a network": its lines, run as they stand, by two machines that are two homes on this one."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from foveate.testing import write_clip
from foveate.testing.live import FOVEATE, free_address

README = Path(__file__).parents[2] / "README.md"


def readme_lines():
    """`(machine, command)` of the section's commands, in their order."""
    block = re.search(r"### Over a network\n.*?```sh\n(.*?)```", README.read_text(), re.DOTALL)[1]
    machine = None
    for line in block.splitlines():
        if line.startswith("# on the "):
            machine = line.removeprefix("# on the ")
        else:
            yield machine, line.partition(" #")[0].strip()


class Machines:
    """Runs commands with a home for each machine, and the placeholders of the README filled in."""

    def __init__(self, folder, values):
        self.folder, self.values = folder, values

    def command(self, line):
        words = shlex.split(line)
        assert words[0] == "foveate"
        words = [self.values.get(word, word) for word in words[1:]]
        return [sys.executable, "-c", FOVEATE, *words]

    def environment(self, machine):
        return os.environ | {"FOVEATE_HOME": str(self.folder / machine)}

    def run(self, machine, line):
        return subprocess.run(
            self.command(line),
            env=self.environment(machine),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, machine, line):
        process = subprocess.Popen(
            self.command(line), env=self.environment(machine), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        return process, process.stdout.readline()


def carried_out(machines, tiny_weights):
    """Run every line but the device's: the server's process, its greeting, and the device's line."""
    server = greeting = None
    for machine, line in readme_lines():
        if line == "foveate keys new":
            done = machines.run(machine, line)
            assert done.returncode == 0, done.stderr
            machines.values[f"{machine.upper()}_KEY"] = done.stdout.strip()
        elif line.startswith("foveate serve"):
            server, greeting = machines.start(machine, f"{line} --model {tiny_weights}")
        elif line.startswith("foveate device"):
            return server, greeting, line
        else:
            done = machines.run(machine, line)
            assert done.returncode == 0, done.stderr
    raise AssertionError("the section has no device")


@pytest.fixture
def machines(tmp_path):
    address = free_address()
    port = address.rpartition(":")[2]
    clip = write_clip(tmp_path / "clip.mp4", frames=40)
    return Machines(tmp_path, {"0": str(clip), "0.0.0.0:5555": f"0.0.0.0:{port}", "gpu-box:5555": address})


def test_the_lines_of_the_readme_make_a_device_and_a_server_talk_encrypted(machines, tiny_weights):
    server, greeting, line = carried_out(machines, tiny_weights)
    try:
        assert "encrypted for 1 devices" in greeting
        assert machines.values["SERVER_KEY"] in greeting
        done = machines.run("device", line)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["staleness_s"] is not None
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=20)


@pytest.mark.long
def test_a_device_that_was_not_allowed_is_told_what_may_be_wrong_and_the_server_logs_its_key(machines, tiny_weights):
    server, _, line = carried_out(machines, tiny_weights)
    try:
        key = machines.run("stranger", "foveate keys new").stdout.strip()
        done = machines.run("stranger", line)
        wrong = machines.run("device", line.replace("SERVER_KEY", key))
        plain = machines.run("device", line.partition(" --server-key")[0])
    finally:
        server.send_signal(signal.SIGINT)
        _, log = server.communicate(timeout=20)
    for refused in (done, wrong, plain):
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
    assert "allow this device's key" in done.stderr
    assert "has another key than the one given" in wrong.stderr
    assert "no server key was given" in plain.stderr
    assert f"{key} is not allowed" in log
    assert "has another key for this server" in log
    assert re.search("does not encrypt|broke off the handshake", log)
