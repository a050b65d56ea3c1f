"""The time left of a sweep follows the runs that ended last, and a busy computer is named."""

import pytest

from dropout_cli.cli.pace import RECENT, RunPace
from dropout_cli.core.environment import load_message


def test_the_time_left_follows_the_last_runs() -> None:
    """Runs that become four times as slow quadruple the estimate once ten of them have ended."""
    pace, now = RunPace(), 0.0
    assert pace.seconds_left(5) is None
    pace.add(now, 0)
    for ended in range(1, 31):
        now += 10 if ended <= 15 else 40
        pace.add(now, ended)
        if ended == 15:
            assert pace.seconds_left(20) == pytest.approx(200)
    assert pace.seconds_left(20) == pytest.approx(800) and RECENT <= 15


def test_runs_of_earlier_sessions_do_not_count_for_the_pace() -> None:
    """A resumed sweep begins with finished runs, which took no time now."""
    pace = RunPace()
    pace.add(0.0, 100)
    assert pace.seconds_left(5) is None
    pace.add(30.0, 101)
    assert pace.seconds_left(5) == pytest.approx(150)


def test_another_sweep_begins_with_a_pace_of_its_own() -> None:
    """A search trains two sweeps, one after the other; the second one counts from 0 again."""
    pace = RunPace()
    for now, ended in ((0.0, 0), (50.0, 1), (100.0, 2), (101.0, 0), (103.0, 1)):
        pace.add(now, ended)
    assert pace.seconds_left(3) == pytest.approx(6)


def test_a_busy_computer_is_named_with_its_load() -> None:
    """The load per core decides, not the load alone; an unknown load says nothing."""
    expected = "Other programs use this computer (load 6 on 2 cores). The sweep will take longer."
    assert load_message(6.0, 2) == expected
    assert load_message(6.0, 8) is None and load_message(None, 2) is None and load_message(1.0, 1) is None
    assert load_message(2.6, 1) == "Other programs use this computer (load 3 on 1 core). The sweep will take longer."
