"""Jobs on Dask: a cluster of this machine's own, or one that is there; what became of each job, in any order.

Dask is an extra and imported late. A job is submitted when a worker is free for it, not before: a worker that
dies then takes down one job, and no innocent one is counted as a killer.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from napari_welllog import __version__
from napari_welllog.archive.job import Done, Job, do_job
from napari_welllog.errors import ArchiveError, Cancelled

if TYPE_CHECKING:
    from distributed import Client, Future

MISSING = (
    "reading many scans needs Dask, which is not installed; "
    "install it with: pip install 'napari-welllog[batch]'"
)

TRIES = 3
"""How often a scan may take a worker of a local cluster down before it is given up."""

BYTES_OF_A_WORKER = 2.5e9
"""Memory that a worker may need for a long scan."""

_CONNECT_SECONDS = 30
_TICK = 0.5


@dataclass(frozen=True)
class Died:
    """A worker went away while it had a scan, which is tried again.

    Parameters
    ----------
    job : Job
        The scan's.
    worker : str
        Address of the worker.
    """

    job: Job
    worker: str


@dataclass(frozen=True)
class Ended:
    """What became of a job: done, or why not.

    Parameters
    ----------
    job : Job
        The scan's.
    done : Done or None
        What came of it.
    reason : str
        Why nothing came of it, in one line.
    """

    job: Job
    done: Done | None
    reason: str = ""


@dataclass(frozen=True)
class Waiting:
    """A moment in which nothing else happened.

    Parameters
    ----------
    running : tuple of Job
        On workers now.
    workers : int
        How many workers there are.
    """

    running: tuple[Job, ...]
    workers: int


def require_dask() -> None:
    """Refuse to go on where Dask is not installed.

    Raises
    ------
    ArchiveError
        The message says what to install.
    """
    if find_spec("distributed") is None:
        raise ArchiveError(MISSING)


def usual_workers() -> int:
    """How many workers this machine has room for: one for each core, as far as its memory goes.

    Examples
    --------
    >>> usual_workers() >= 1
    True
    """
    import psutil
    from dask.system import CPU_COUNT

    room = int(psutil.virtual_memory().available / BYTES_OF_A_WORKER)
    return max(1, min(int(CPU_COUNT), room))


@contextmanager
def cluster(address: str | None = None, workers: int | None = None) -> Iterator[Client]:
    """Start a cluster on this machine, or go to one that is there.

    Parameters
    ----------
    address : str, optional
        Of an existing scheduler, such as tcp://10.0.0.5:8786.
    workers : int, optional
        Processes of a local cluster.

    Raises
    ------
    ArchiveError
        If no scheduler answers, or a worker has not the same napari-welllog.
    """
    require_dask()
    import dask
    from dask.system import CPU_COUNT
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        if address is None:
            count = workers or usual_workers()
            # The scheduler lives in this process and reads this when it is made.
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": TRIES - 1}))
            local = LocalCluster(
                n_workers=count,
                # A process reads one scan at a time; its threads are the network's.
                threads_per_worker=max(1, CPU_COUNT // count),
                processes=True,
                dashboard_address=None,
                silence_logs=_SILENT,
            )
            stack.enter_context(local)
            client = stack.enter_context(Client(local))
            client.register_plugin(_deaf_to_interrupts())
        else:
            client = stack.enter_context(_connected(address))
            _check_versions(client)
        yield client


_SILENT = 60
"""Above every level of logging: what happens to workers is told by the journal."""


def _connected(address: str) -> Client:
    """Go to an existing scheduler."""
    from distributed import Client

    try:
        return Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        raise ArchiveError(
            f"{address}: no Dask scheduler answers there; start one with: dask scheduler"
        ) from error


def _check_versions(client: Client) -> None:
    """Refuse workers that have not our own version."""
    try:
        versions = client.run(_version_of_worker)
    except Exception as error:
        raise ArchiveError(
            f"a worker cannot load napari-welllog ({error}); install napari-welllog[batch] on every worker"
        ) from error
    for worker, version in versions.items():
        if version != __version__:
            raise ArchiveError(
                f"worker {worker} has napari-welllog {version}, not {__version__}; install the same everywhere"
            )


def _version_of_worker() -> str:
    """The version of napari-welllog where this runs."""
    from napari_welllog import __version__

    return __version__


def _deaf_to_interrupts() -> Any:
    """A plugin by which a worker leaves Ctrl-C, which the terminal sends to all processes, to the run itself."""
    from distributed import WorkerPlugin

    class DeafToInterrupts(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    return DeafToInterrupts()


def run_jobs(client: Client, jobs: Sequence[Job]) -> Iterator[Ended | Died | Waiting]:
    """Do jobs on the workers of a cluster, one at a time on each, and tell what happens.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    jobs : sequence of Job
        What to do, in the order in which to begin.

    Yields
    ------
    Ended once for each job; Died for each worker that took a job with it; Waiting about twice a second.

    Raises
    ------
    ArchiveError
        If the scheduler goes away.
    """
    waiting, running = deque(jobs), dict[str, Job]()
    futures: dict[str, Future] = {}
    happened: queue.SimpleQueue[Future | Died] = queue.SimpleQueue()
    client.subscribe_topic("all", lambda event: _tell_of_deaths(event, running, happened))
    unfinished = Counter[str]()
    while waiting or running:
        workers = _count_workers(client)
        while waiting and len(running) < max(workers, 1):
            job = waiting.popleft()
            key = f"welllog-{job.folder.name}-{os.urandom(6).hex()}"
            running[key] = job
            futures[key] = client.submit(_on_worker, job, key=key, pure=False)
            futures[key].add_done_callback(happened.put)
        try:
            event = happened.get(timeout=_TICK)
        except queue.Empty:
            yield Waiting(tuple(running.values()), workers)
            continue
        if isinstance(event, Died):
            yield event
            continue
        job = running.pop(event.key)
        del futures[event.key]
        try:
            ended = Ended(job, event.result())
        except Cancelled:  # its worker was sent away in good order
            unfinished[str(job.scan)] += 1
            if unfinished[str(job.scan)] < TRIES:
                waiting.append(job)
                continue
            ended = Ended(job, None, "its workers were stopped while reading it; run again")
        except Exception as error:
            ended = Ended(job, None, _why(error, event))
        yield ended


def _why(error: Exception, future: Future) -> str:
    """Say why nothing came of a job."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return (
            f"each of the {TRIES} workers that tried it died, perhaps for want of memory; "
            "use fewer workers, or cut the scan in parts"
        )
    if future.cancelled() or future.status == "lost":
        raise ArchiveError(
            "the Dask scheduler has gone away; what is done is kept: start it and run the same command again"
        ) from error
    return f"unexpected {type(error).__name__}: {error}; please report it"


def _count_workers(client: Client) -> int:
    """How many workers there are now."""
    try:
        return len(client.nthreads())
    except (OSError, TimeoutError) as error:
        raise ArchiveError(
            "the Dask scheduler has gone away; what is done is kept: start it and run the same command again"
        ) from error


def _tell_of_deaths(event: Any, running: dict[str, Job], happened: queue.SimpleQueue[Any]) -> None:
    """Pick from the scheduler's events the workers that took a job with them."""
    _, what = event
    if what.get("action") == "remove-worker" and not what.get("expected"):
        for key in what.get("processing-tasks", ()):
            if key in running:
                happened.put(Died(running[key], str(what.get("worker", ""))))


_ONE_AT_A_TIME = threading.Lock()


def _on_worker(job: Job) -> Done:
    """Do a job on the worker where this runs, with as many threads as the worker has."""
    from distributed import Status, get_worker

    worker = get_worker()
    gone = (Status.closing, Status.closed, Status.failed)
    with _ONE_AT_A_TIME:  # a worker of many threads may be given several scans, but has the memory for one
        return do_job(job, worker.state.nthreads, lambda: worker.status in gone)
