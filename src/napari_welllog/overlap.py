"""Reading, computing and writing at the same time, each on a thread of its own, never far ahead of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from threading import Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


@contextmanager
def read_ahead(items: Iterable[Item]) -> Iterator[Iterator[Item]]:
    """Take each item while the one before is being worked on.

    Parameters
    ----------
    items : iterable
        Worked through on a thread of its own, one item ahead; what it raises is raised where its item is asked for.

    Examples
    --------
    >>> with read_ahead(number**2 for number in range(4)) as squares:
    ...     list(squares)
    [0, 1, 4, 9]
    """
    source, end = iter(items), object()
    pool = ThreadPoolExecutor(1, "read ahead")

    def taken() -> Iterator[Item]:
        coming = pool.submit(next, source, end)
        while True:
            item = coming.result()
            if item is end:
                return
            coming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]

    try:
        yield taken()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Stopped(Exception):
    """Raised in a writer when what it writes will never be complete."""


class WriteBehind(Generic[Item]):
    """Hands items to a function that works through them on a thread of its own.

    Used as a context manager: leaving it waits until all is written, and raises what the writing raised. When the
    block raises, the writer gets `Stopped` in place of a further item, and is waited for.

    Parameters
    ----------
    write : function of an iterator
        Works through the items as they come.
    room : int
        Items that may wait; `add` waits while there are as many.

    Examples
    --------
    >>> written = []
    >>> with WriteBehind(written.extend) as writer:
    ...     for number in range(5):
    ...         writer.add(number)
    >>> written
    [0, 1, 2, 3, 4]
    """

    def __init__(self, write: Callable[[Iterator[Item]], object], room: int = 2) -> None:
        self._write = write
        self._waiting: Queue[tuple[bool, Item | None]] = Queue(room)
        self._error: BaseException | None = None
        self._stopped = False
        self._ended = False
        self._thread = Thread(target=self._run, name="write behind", daemon=True)

    def __enter__(self) -> WriteBehind[Item]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped = kind is not None
        self._waiting.put((False, None))
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def add(self, item: Item) -> None:
        """Hand over the next item; raises what the writing has raised meanwhile."""
        if self._error is not None:
            raise self._error
        self._waiting.put((True, item))

    def _run(self) -> None:
        """Write, and take what still comes after an error, so that nobody waits for room in vain."""
        try:
            self._write(self._items())
        except BaseException as error:
            self._error = error
        while not self._ended:
            self._take()

    def _take(self) -> tuple[bool, Item | None]:
        """The next item, if there is one."""
        is_item, item = self._waiting.get()
        self._ended = not is_item
        return is_item, item

    def _items(self) -> Iterator[Item]:
        """The items in order."""
        while True:
            is_item, item = self._take()
            if is_item:
                yield item  # type: ignore[misc]
            elif self._stopped:
                raise Stopped
            else:
                return
