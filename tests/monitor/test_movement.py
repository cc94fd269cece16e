import numpy as np
import pytest

from matpose.monitor.movement import Movement, shifted


def cell(x: int, load: float = 1.0) -> np.ndarray:
    frame = np.zeros((4, 8), np.float32)
    frame[1, x] = load
    return frame


def test_shifted_is_the_share_that_lies_elsewhere():
    half = (cell(0) + cell(1)) / 2
    assert shifted(cell(0), cell(0, 9.0)) == 0  # heavier, but where it was
    assert shifted(cell(0), half) == pytest.approx(0.5)
    assert shifted(cell(0), cell(5)) == pytest.approx(1)
    assert shifted(cell(0), np.zeros((4, 8))) == 0


@pytest.mark.parametrize("rate_hz", [1, 10, 50])
def test_the_index_is_the_mean_of_the_last_minute_at_any_rate(rate_hz):
    movement = Movement()
    for number in range(120 * rate_hz + 1):
        second = number // rate_hz
        movement.update(cell(second % 2 if second % 4 < 2 else 1), number / rate_hz)  # 0 1 1 1 0 1 1 1: half are moves
    assert movement.index(120.0) == pytest.approx(0.5, abs=0.02)


def test_old_movement_is_forgotten_by_time_alone():
    movement = Movement()
    for second in range(61):
        movement.update(cell(second % 2), float(second))
    assert movement.index(60.0) == 1
    assert movement.index(130.0) == 0


def test_what_was_before_a_gap_is_not_compared():
    movement = Movement()
    movement.update(cell(0), 0.0)
    movement.forget()
    movement.update(cell(5), 100.0)
    assert movement.index(100.0) == 0


def test_its_memory_is_bounded():
    movement = Movement()
    for number in range(5000):
        movement.update(cell(number % 2), float(number))
    assert len(movement._shares) <= 61
