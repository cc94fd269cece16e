"""Processes for archives: nobody waits for a dead one, nor for one that has hours to go."""

from __future__ import annotations

import os

import pytest

from matpose.runtime.archive_pool import Pool, step


def deadly(item: int) -> int:
    if item == 3:
        os._exit(7)
    step(item)
    return -item


def endless(item: int) -> int:
    while item:
        step(1)
    raise ValueError("given up")


def test_a_file_that_kills_its_process_kills_no_other():
    pool = Pool(2)
    found = sorted(pool.as_done(deadly, range(6)), key=lambda pair: pair[0])
    assert found == [(item, None if item == 3 else -item) for item in range(6)]
    assert pool.frames >= 0 + 1 + 2 + 4 + 5


def test_a_worker_in_the_midst_of_a_night_stops_with_the_others():
    with pytest.raises(ValueError, match="given up"):  # without the stop this would never end
        list(Pool(2).as_done(endless, range(2)))


def test_a_closed_generator_stops_its_workers():
    results = Pool(2).as_done(divided, (1, 0))
    assert next(results) == (1, 1)
    results.close()  # likewise


def divided(item: int) -> int:
    return endless(1) if item == 0 else item


def test_a_step_outside_a_pool_counts_nothing():
    step(1)
