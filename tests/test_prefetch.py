import threading
import time

import pytest

from fivesigma.prefetch import prefetch, side_by_side


def failing(count, error):
    yield from range(count)
    raise error


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("most", [1, 3])
def test_items_come_in_order(most):
    assert list(prefetch(iter(range(100)), most)) == list(range(100))
    assert list(prefetch(iter([]))) == []


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(workers):
    def slow_at_first(item):
        time.sleep(0.01 if item % 3 == 0 else 0)
        return item * item

    assert list(side_by_side(slow_at_first, iter(range(20)), workers)) == [i * i for i in range(20)]


def both(items):
    return [prefetch(items), side_by_side(lambda item: item, items)]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt()])
def test_an_error_comes_where_its_item_would_have_come(which, error):
    found = []
    with pytest.raises(type(error)):
        found.extend(iter_into(found, both(failing(3, error))[which]))
    assert found == [0, 1, 2] or (which == 1 and isinstance(error, KeyboardInterrupt))


def iter_into(found, items):
    for item in items:
        found.append(item)
    return []


def test_the_first_error_in_order_is_the_one_that_is_raised():
    def slow_and_bad(item):
        time.sleep(0.02)
        raise ZeroDivisionError(item)

    with pytest.raises(ZeroDivisionError, match="0"):
        list(side_by_side(slow_and_bad, failing(1, ValueError("later"))))


@pytest.mark.parametrize("which", [0, 1])
def test_leaving_early_ends_the_threads(which):
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    source = endless()
    items = both(source)[which]
    assert next(items) == 1
    items.close()
    source.close()
    assert closed.is_set()


def test_no_more_is_made_than_can_wait():
    made = []

    def items():
        for i in range(10):
            made.append(i)
            yield i

    stream = prefetch(items(), most=2)
    next(stream)
    time.sleep(0.1)
    assert len(made) <= 4
    stream.close()
