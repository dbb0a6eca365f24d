"""Prepares the next item while the present one is used."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items in their order, one of them made in advance by a thread; its errors are raised here.

    Closing the iterator stops the thread after the item in hand.
    """
    made: queue.Queue[tuple[bool, object]] = queue.Queue(maxsize=1)
    closed = threading.Event()

    def offer(finished: bool, value: object) -> bool:
        while not closed.is_set():
            try:
                made.put((finished, value), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not offer(False, item):
                    return
            offer(True, None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for it
            offer(True, error)

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            finished, value = made.get()
            if not finished:
                yield value
            elif value is None:
                return
            else:
                raise value
    finally:
        closed.set()
        thread.join()
