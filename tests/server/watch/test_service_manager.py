"""What systemd is told, over a socket like its own."""

import os
import socket

import pytest

from foveate.core import ManualClock
from foveate.server.events import ClientGreeted, LoopTurned
from foveate.server.watch import Health
from foveate.server.watch.service_manager import ServiceManager

TURN = LoopTurned(waiting=0, running=0, received_bytes=0)
WORK = LoopTurned(waiting=0, running=1, received_bytes=0)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def health(clock):
    return Health(clock, hang_s=10)


@pytest.fixture
def systemd(tmp_path):
    """`(environment, told)`: what a service gets, and what it has said since the last call."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)

        def told():
            said = []
            while True:
                try:
                    said.append(listener.recv(100).decode())
                except BlockingIOError:
                    return said

        yield {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"}, told


def turn(health, manager, event=TURN):
    health(event)
    manager(event)


def test_the_first_turn_is_ready_and_signs_of_life_come_four_times_in_the_limit(systemd, health, clock):
    environment, told = systemd
    manager = ServiceManager.of(environment, health, clock)
    manager(ClientGreeted(client=b"a"))
    assert told() == []
    for second in range(5):
        clock.advance_to(second)
        turn(health, manager)
    assert told() == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
    manager.close()
    assert told() == ["STOPPING=1"]


def test_a_model_that_hangs_gives_no_sign_of_life(systemd, health, clock):
    environment, told = systemd
    manager = ServiceManager.of(environment, health, clock)
    for second in range(11):
        clock.advance_to(second)
        turn(health, manager, WORK)
    assert len(told()) == 7
    for second in range(11, 30):
        clock.advance_to(second)
        turn(health, manager, WORK)
    assert told() == []


def test_without_a_limit_only_readiness_is_told(systemd, health, clock):
    environment, told = systemd
    manager = ServiceManager.of({"NOTIFY_SOCKET": environment["NOTIFY_SOCKET"]}, health, clock)
    turn(health, manager)
    assert told() == ["READY=1"]


def test_a_limit_for_another_process_is_not_ours(systemd, health, clock):
    environment, told = systemd
    manager = ServiceManager.of(environment | {"WATCHDOG_PID": str(os.getpid() + 1)}, health, clock)
    turn(health, manager)
    assert told() == ["READY=1"]


def test_without_a_manager_nobody_is_told(health, clock):
    assert ServiceManager.of({}, health, clock) is None


def test_a_manager_that_is_gone_disturbs_nobody(health, clock, tmp_path):
    manager = ServiceManager.of({"NOTIFY_SOCKET": str(tmp_path / "none")}, health, clock)
    turn(health, manager)
    manager.close()
