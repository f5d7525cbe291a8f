"""Tasks over processes: failures and deaths cost their own task alone."""

import operator
import os
import signal
import time

import pytest

from foveate.core import InputError
from foveate.evaluation.lab.meter import time_left
from foveate.evaluation.lab.workers import LocalWorkers, Task, attempt


def test_every_task_is_answered_once_whatever_happens_to_others():
    tasks = [
        Task(call=operator.add, arguments=(1, 2)),
        Task(call=operator.truediv, arguments=(1, 0)),
        Task(call=os._exit, arguments=(3,)),
        Task(call=operator.add, arguments=(3, 4)),
        Task(call=signal.raise_signal, arguments=(signal.SIGKILL,)),
        Task(call=operator.add, arguments=(5, 6)),
    ]
    with LocalWorkers(2) as workers:
        done = {answer.index: answer for answer in workers.run(tasks)}
    assert [done[i].value for i in (0, 3, 5)] == [3, 7, 11]
    assert done[1].problem == "ZeroDivisionError: division by zero"
    assert "Traceback" in done[1].traceback
    assert done[2].problem == "its process ended (exit code 3)"
    assert done[4].problem == "its process ended (killed by signal 9)"


def test_workers_are_processes_of_their_own_with_one_thread_and_are_used_again(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    tasks = [Task(call=os.getenv, arguments=("OMP_NUM_THREADS",)), *[Task(call=os.getpid) for _ in range(6)]]
    with LocalWorkers(2) as workers:
        values = [answer.value for answer in workers.run(tasks)]
        again = [answer.value for answer in workers.run([Task(call=os.getpid)])]
    assert "1" in values
    pids = {value for value in values if isinstance(value, int)}
    assert os.getpid() not in pids
    assert len(pids | set(again)) <= 2
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_leaving_early_ends_the_processes():
    tasks = [Task(call=os.getpid), Task(call=time.sleep, arguments=(600,))]
    with LocalWorkers(2) as workers:
        answers = workers.run(tasks)
        pid = next(answers).value
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_tasks_start_no_process():
    with LocalWorkers(2) as workers:
        assert list(workers.run([])) == []


def test_an_expected_error_is_told_in_its_own_words():
    def refuse():
        raise InputError("a clip must move")

    assert attempt(4, Task(call=refuse)).problem == "a clip must move"


@pytest.mark.parametrize(
    ("done", "elapsed", "text"),
    [(0, 5, ""), (10, 5, ""), (5, 20, "20 s"), (5, 300, "5 min"), (1, 1000, "2 h 30 min")],
)
def test_time_left_is_told_in_words(done, elapsed, text):
    assert time_left(done, 10, elapsed) == text
