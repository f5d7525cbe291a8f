"""The container files. No container engine is needed: their install lines are run in fresh environments instead."""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import time
import tomllib
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from foveate.cli.app import app
from foveate.testing.containerfiles import commands, copied_from_context, read_instructions, stages
from foveate.testing.environments import clean_variables, fresh_environment, link

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy" / "container").glob("*.Containerfile"))
PIP = "/opt/foveate/bin/pip"
PATIENCE_S = 120

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


@each_file
def test_what_is_copied_is_there_and_let_through_to_the_builder(path):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = copied_from_context(read_instructions(path))
    assert copied
    assert all((ROOT / source).exists() for source in copied)
    assert {f"!{source}" for source in copied} <= set(ignored)


@each_file
def test_the_program_runs_as_a_user_without_rights(path):
    *_, last = stages(read_instructions(path))
    (user,) = [text for name, text in last if name == "USER"]
    assert user == "foveate"
    assert any(f" {user}" in text and text.startswith("useradd --system") for name, text in last if name == "RUN")


@each_file
def test_extras_that_are_installed_exist(path):
    (line,) = commands(read_instructions(path), f"{PIP} install")
    extras = re.findall(r"\.\[([\w,]+)\]", line)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {extra for found in extras for extra in found.split(",")} <= set(known)
    assert "-c constraints.txt" in line


@each_file
def test_the_command_and_its_options_exist(path):
    told = dict(read_instructions(path))
    assert json.loads(told["ENTRYPOINT"]) == ["foveate"]
    command, *words = json.loads(told["CMD"])
    known = typer.main.get_command(app).commands[command].params
    assert {word for word in words if word.startswith("--")} <= {name for param in known for name in param.opts}


@pytest.mark.parametrize("role", ["server", "device"])
def test_the_unit_of_systemd_installs_what_the_image_has(role):
    (line,) = commands(read_instructions(ROOT / "deploy" / "container" / f"{role}.Containerfile"), f"{PIP} install")
    unit = (ROOT / "deploy" / "systemd" / f"foveate-{role}.service").read_text()
    assert f"#   {line}\n" in unit


def build_in(folder, name):
    """Do what the first stage of a container file does, in a folder: its files, its environment, its install lines."""
    build = stages(read_instructions(ROOT / "deploy" / "container" / f"{name}.Containerfile"))[0]
    source = folder / "source"
    source.mkdir()
    for item in copied_from_context(build):
        copy = shutil.copytree if (ROOT / item).is_dir() else shutil.copy
        copy(ROOT / item, source / item)
    environment = fresh_environment(folder / "environment")
    if name == "server":
        link("torch", environment)
    for line in commands(build, PIP):
        words = shlex.split(line.replace("/opt/foveate", str(environment)))
        done = subprocess.run(words, cwd=source, env=clean_variables(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return environment


@contextmanager
def started(environment, home, *words):
    variables = clean_variables(FOVEATE_HOME=str(home), PATH=f"{environment / 'bin'}:{os.environ['PATH']}")
    process = subprocess.Popen([environment / "bin" / "foveate", *words], env=variables, cwd=home, text=True)
    try:
        yield process, variables
    finally:
        process.terminate()
        process.wait(30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.long
def test_the_servers_install_lines_give_a_server_that_its_health_check_finds_ready(tmp_path):
    environment = build_in(tmp_path, "server")
    told = dict(read_instructions(ROOT / "deploy" / "container" / "server.Containerfile"))
    here, figures = free_port(), free_port()
    words = [
        w.replace("0.0.0.0:5555", f"127.0.0.1:{here}").replace(":9100", f":{figures}") for w in json.loads(told["CMD"])
    ]
    check = [w.replace(":9100", f":{figures}") for w in json.loads(told["HEALTHCHECK"].partition("CMD ")[2])]
    with started(environment, tmp_path, *words) as (process, variables):
        give_up_at = time.monotonic() + PATIENCE_S
        while subprocess.run(check, env=variables, stderr=subprocess.DEVNULL, check=False).returncode != 0:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{figures}/metrics", timeout=20) as answer:
            assert b'model="vitdet-tiny-world"' in answer.read()
    assert process.returncode == 0
    assert subprocess.run(check, env=variables, stderr=subprocess.DEVNULL, check=False).returncode != 0


@pytest.mark.long
def test_the_devices_install_lines_give_a_device_that_is_fit_and_has_no_torch(tmp_path):
    environment = build_in(tmp_path, "device")
    told = dict(read_instructions(ROOT / "deploy" / "container" / "device.Containerfile"))
    words = json.loads(told["CMD"])
    variables = clean_variables(FOVEATE_HOME=str(tmp_path / "home"))
    run = {"env": variables, "cwd": tmp_path, "capture_output": True, "text": True}
    done = subprocess.run([environment / "bin" / "foveate", *words, "--json"], check=False, **run)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["role"] == "device"
    without = subprocess.run([environment / "bin" / "python", "-c", "import torch"], check=False, **run)
    assert "No module named 'torch'" in without.stderr
