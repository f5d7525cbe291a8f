import os
import signal

import pytest

from foveate.cli.interrupts import interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_of_a_kind_is_noted_and_the_second_ends_the_process(number):
    before = signal.getsignal(number)
    with interrupts() as interrupted:
        assert not interrupted()
        os.kill(os.getpid(), number)
        assert interrupted()
        assert (
            signal.getsignal(number)
            == {
                signal.SIGINT: signal.default_int_handler,
                signal.SIGTERM: signal.SIG_DFL,
            }[number]
        )
    assert signal.getsignal(number) == before
