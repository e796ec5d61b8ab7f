"""Work ahead: a thread makes the next items while the caller is busy with the last one.

Reading, decompressing, parsing and network calls let go of Python's lock, so that a second core can do them.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def prefetch(items: Iterator[T], most: int = 1) -> Generator[T, None, None]:
    """The same items in the same order, made by a thread of their own.

    An error of `items` is raised where its item would have come. Closing the generator, or an error of the
    caller such as Ctrl-C, ends the thread after the item it is making, and closes `items` if it is a generator.

    Args:
        items: what makes the items; nobody else may touch it from now on.
        most: finished items that wait for the caller; one more is in the making.

    >>> list(prefetch(iter("abc")))
    ['a', 'b', 'c']
    """
    made: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(maxsize=most)
    stopped = threading.Event()

    def work() -> None:
        end: BaseException = StopIteration()
        try:
            try:
                for item in items:
                    made.put((item, None))
                    del item  # not kept alive while the next one is made
                    if stopped.is_set():
                        break
            finally:
                if isinstance(items, Generator):
                    items.close()
        except BaseException as error:
            end = error
        made.put((None, end))

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, end = made.get()
            if isinstance(end, StopIteration):
                return
            if end is not None:
                raise end
            yield item
            del item
    finally:
        stopped.set()
        while thread.is_alive():  # it may wait for room in the queue
            with suppress(queue.Empty):
                made.get(timeout=0.01)
        thread.join()


def side_by_side(function: Callable[[T], R], items: Iterator[T], workers: int = 3) -> Generator[R, None, None]:
    """`function` of every item in the order of the items, some at a time in threads of their own.

    The first error in that order is raised where its result would have come. Closing the generator, or an error
    of the caller, ends the threads after the items they have in hand.

    Args:
        function: safe to be called by several threads at once.
        items: asked for the next one by the caller's own thread.
        workers: threads, and results in the making or waiting.

    >>> list(side_by_side(str.upper, iter("abc")))
    ['A', 'B', 'C']
    """
    waiting: deque[Future[R]] = deque()
    failure: Exception | None = None
    pool = ThreadPoolExecutor(workers, thread_name_prefix="side-by-side")
    try:
        while failure is None:
            try:
                waiting.append(pool.submit(function, next(items)))
            except StopIteration:
                break
            except Exception as error:  # results of earlier items, or their errors, come first
                failure = error
            if len(waiting) >= workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            raise failure
    finally:
        pool.shutdown(cancel_futures=True)
