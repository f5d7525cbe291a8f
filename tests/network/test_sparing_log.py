import logging

from foveate.network.sparing_log import PERIOD_S, SparingLog


def test_of_one_kind_a_line_is_written_now_and_then_and_counts_the_others(caplog):
    now = [0.0]
    sparing = SparingLog(logging.getLogger("test"), now=lambda: now[0])
    for number in range(5):
        sparing.warning("key", f"refused {number}")
    sparing.warning("plain", "another kind")
    now[0] = PERIOD_S
    sparing.warning("key", "refused 5")
    now[0] = 2 * PERIOD_S
    sparing.warning("key", "refused 6")
    assert caplog.messages == ["refused 0", "another kind", "refused 5 (4 like it were not told)", "refused 6"]
