"""Tasks on a Ray cluster, which shares no files with this process (extra `gpproxy[ray]`).

In: importable functions with arguments that can be pickled, and files of Python that the user named, which travel as
source. Out: results as bytes, which this process alone writes down. Short tasks travel in batches; so many are out at a
time that nobody waits, and no more. What a lost machine or a killed process had begun is repeated elsewhere.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from gpproxy.errors import ConfigError, RunError
from gpproxy.execution import workfolder
from gpproxy.execution.task import DEADLY, ERROR, Message, Stop, call, messages, never, packed, unpacked
from gpproxy.execution.travel import Sources, arrive, sources

RAY = "ray"
#: Seconds between two looks at whether tasks with reports are to stop, here and there, and between their messages;
#: where very many run, see `pause_of`.
PAUSE = 0.5
#: Seconds that a batch of short tasks is to take, beside which its way is short, and most tasks of one.
BATCH, MOST = 0.5, 256
#: Batches or long tasks that are out for each that the cluster runs at a time, and seconds between two looks at that.
AHEAD, ASKED = 2, 5.0
#: Batches or tasks from which on it pays to ask twice: for the first that is done, and then for all that are.
MANY = 32
#: Messages a second that the command is to get from long tasks at most, however many run.
MESSAGES = 200
#: Processes that a task may kill.
KILLS = 3

#: A task as it travels: its number, and the function with its arguments.
Sent = tuple[int, bytes]


def check_cluster(cluster: str) -> None:
    """Raises ConfigError for another place than `ray` or `ray:ADDRESS` or an empty one, and where Ray is missing."""
    kind, _, address = cluster.partition(":")
    if kind not in ("", RAY):
        raise ConfigError(f"cluster must be 'ray' or empty, but is '{cluster}'.")
    if address.startswith("ray:"):
        raise ConfigError(
            f"cluster_address={address} is that of a Ray Client, through which long tasks cannot report. Run the "
            "command on a machine of the cluster and give HOST:PORT or auto."
        )
    there = sys.modules["ray"] is not None if "ray" in sys.modules else find_spec("ray") is not None
    if cluster and not there:
        raise ConfigError("cluster = 'ray' needs Ray: pip install 'gpproxy[ray]'.")


def connect(cluster: str) -> Any:
    """Ray, connected to what `ray:ADDRESS` names. Raises as `check_cluster`, and RunError where nothing answers."""
    check_cluster(cluster)
    import ray

    if not ray.is_initialized():  # type: ignore[attr-defined]
        # A local cluster would run its processes at the lowest priority.
        os.environ.setdefault("RAY_worker_niceness", "0")
        address = cluster.partition(":")[2] or None
        before = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False)  # type: ignore[attr-defined]
        except Exception as error:  # Ray raises plain ones, too
            what = " ".join(str(error).split())
            raise RunError(
                f"No Ray cluster answers at {address or os.environ.get('RAY_ADDRESS') or 'this machine'}: "
                f"{what} Start one with: ray start --head"
            ) from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray takes it; what it means is decided elsewhere
    return ray


class RayCluster:
    """See `Place`. Ray decides where a task runs and how many run at a time.

    A task whose process is killed is repeated, by itself; one that has done so three times is `DEADLY`. One whose
    machine is gone is repeated as often as it takes. A long task goes on from what its `WorkFolder` held at last.

    Args:
        ray: what `connect` returns.
        steps: whether functions yield reports and take a `Stop` as their last argument.
        stop: asked now and then; once it is True, no further task begins and those with reports are to end.
        gpus: share of a GPU that a task takes; Ray hides GPUs from tasks that ask for none.

    Raises ConfigError where a GPU is asked for and no machine has one.
    """

    def __init__(self, ray: Any, *, steps: bool = False, stop: Stop = never, gpus: float = 0.0):
        self._ray, self._steps, self._stop, self._gpus = ray, steps, stop, gpus
        self._here = _versions()
        how: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpus, "max_retries": 0}
        if steps:
            self._remote = ray.remote(_in_steps).options(num_returns="streaming", **how)
        else:
            self._remote = ray.remote(_batch).options(**how)
        self._tasks: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self._left: deque[int] = deque()
        #: what is out: numbers of the tasks by what Ray calls it
        self._out: dict[Any, list[int]] = {}
        self._ready: deque[Message] = deque()
        self._kills: Counter[int] = Counter()
        self._apart: set[int] = set()
        self._each, self._slots, self._asked = math.nan, 1, -math.inf
        self._flag: Any = None
        self._stopped = False
        if gpus and not ray.cluster_resources().get("GPU"):
            raise ConfigError("The Ray cluster has no machine with a GPU. Use --device cpu, or start one that has.")

    def __enter__(self) -> RayCluster:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        for left in self._out:
            self._ray.cancel(left)
        self._out.clear()
        self._left.clear()
        if self._flag is not None:
            self._ray.kill(self._flag)

    @property
    def workers(self) -> int:
        """Tasks that the cluster can run at a time, as it is now."""
        if time.monotonic() - self._asked > ASKED:
            self._asked, there = time.monotonic(), self._ray.cluster_resources()
            self._slots = int(there.get("GPU", 0) / self._gpus if self._gpus else there.get("CPU", 0)) or 1
        return self._slots

    def submit(self, number: int, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        """See `Place.submit`."""
        self._tasks[number] = (function, arguments)
        self._left.append(number)
        self._hand_out()

    def complete(self) -> None:
        """See `Place.complete`."""

    def take(self) -> Message | None:
        """See `Place.take`. Raises RunError where the cluster itself has ended."""
        while not self._ready:
            if self._steps and not self._stopped and self._stop():
                self._stopped = True
                self._left.clear()
                if self._flag is not None:
                    self._ray.get(self._flag.set.remote())
            self._hand_out()
            if not self._out:
                return None
            for one in self._done():
                self._read(one)
        return self._ready.popleft()

    def _done(self) -> list[Any]:
        """What has something to tell, as soon as anything has; everything at once, for each question is about all."""
        out = list(self._out)
        done: list[Any] = self._ray.wait(out, num_returns=1, timeout=PAUSE)[0]
        if done and len(out) > MANY:
            done = self._ray.wait(out, num_returns=len(out), timeout=0)[0]
        return done

    def _hand_out(self) -> None:
        """Sends tasks while there is room for them."""
        while self._left and not self._stopped and len(self._out) < AHEAD * self.workers:
            numbers = [self._left.popleft() for _ in range(self._size())]
            sent = [(number, self._packed(number)) for number in numbers]
            more = () if not self._steps else (self._raised(), workfolder.CARRY, pause_of(self.workers))
            self._out[self._remote.remote(sent, sources(), self._here, *more)] = numbers

    def _size(self) -> int:
        """How many tasks travel next: what takes `BATCH` seconds, and no more than leaves work for all."""
        if self._steps or math.isnan(self._each) or self._left[0] in self._apart:
            return 1
        alike = min(int(BATCH / max(self._each, 1e-6)), MOST, -(-len(self._left) // (AHEAD * self.workers)))
        apart = next((i for i, number in enumerate(self._left) if i >= alike or number in self._apart), alike)
        return max(min(alike, apart, len(self._left)), 1)

    def _packed(self, number: int) -> bytes:
        function, arguments = self._tasks[number]
        return pickle.dumps((function, workfolder.travelling(arguments)))

    def _raised(self) -> Any:
        """The flag that says to stop; it is on this machine, so that it ends with this process alone."""
        if self._flag is None:
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            here = NodeAffinitySchedulingStrategy(self._ray.get_runtime_context().get_node_id(), soft=False)
            self._flag = self._ray.remote(_Flag).options(num_cpus=0, scheduling_strategy=here).remote()
            self._ray.get(self._flag.get.remote())  # else the first tasks would have no answer for a while
        return self._flag

    def _read(self, one: Any) -> None:
        """Takes what is there of a batch or of a long task."""
        numbers = self._out[one]
        try:
            seconds, said = self._ray.get(next(one) if self._steps else one)
        except StopIteration:
            del self._out[one]
            return
        except self._ray.exceptions.RayError as error:
            del self._out[one]
            self._lost(numbers, error)
            return
        if not self._steps:
            del self._out[one]
            each = seconds / len(numbers)
            self._each = each if math.isnan(self._each) else 0.8 * self._each + 0.2 * each
        for data in said:
            if isinstance(data, dict):
                workfolder.write(self._folder(numbers[0]), data)
                continue
            message = unpacked(data)
            self._ready.append(message)
            if message.last:
                self._tasks.pop(message.number, None)

    def _folder(self, number: int) -> Any:
        return next(one.path for one in self._tasks[number][1] if isinstance(one, workfolder.WorkFolder))

    def _lost(self, numbers: Sequence[int], error: Exception) -> None:
        """Has tasks repeated whose process or machine is gone. Raises what is no such loss."""
        kinds = self._ray.exceptions
        killed = isinstance(error, (kinds.WorkerCrashedError, kinds.OutOfMemoryError))
        if not killed and not isinstance(error, (kinds.NodeDiedError, kinds.ObjectLostError)):
            cause = getattr(error, "cause", None)
            raise RunError(f"The Ray cluster has failed: {type(error).__name__}: {cause or error}") from error
        for number in reversed(numbers):
            self._kills[number] += killed and len(numbers) == 1
            if self._kills[number] < KILLS:
                self._apart.add(number)
                self._left.appendleft(number)
                continue
            del self._tasks[number]
            surely = "" if isinstance(error, kinds.OutOfMemoryError) else "most likely "
            why = f"has ended its process {KILLS} times, {surely}because memory ran out"
            self._ready.append(Message(number, DEADLY, why))


def pause_of(tasks: int) -> float:
    """Seconds between two messages of each of so many long tasks that run at a time."""
    return max(PAUSE, tasks / MESSAGES)


class _Flag:
    """Says to tasks everywhere whether they are to stop."""

    def __init__(self) -> None:
        self.raised = False

    def set(self) -> None:
        self.raised = True

    def get(self) -> bool:
        return self.raised


def _versions() -> tuple[str, str]:
    """Of gpproxy and of torch."""
    import torch

    import gpproxy

    return gpproxy.__version__, str(torch.__version__)


def _begin(found: Sources, there: tuple[str, str]) -> None:
    """Makes a process ready. Raises RunError where its versions are not those of the machine that sends tasks."""
    try:  # Ray gives its processes the lowest priority, at which they would starve beside anything else
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, os.getppid()), 0))
    except (AttributeError, OSError):  # only root may, or it is another system
        pass
    import torch

    torch.set_num_threads(1)
    here = _versions()
    if here != there:
        told = [f"gpproxy {one[0]} with torch {one[1]}" for one in (here, there)]
        raise RunError(
            f"The machine {os.uname().nodename} of the Ray cluster has {told[0]}, but the command runs with {told[1]}. "
            "Scores could differ: install the same there."
        )
    arrive(found)


def _batch(sent: Sequence[Sent], found: Sources, there: tuple[str, str]) -> tuple[float, list[bytes]]:
    """Some short tasks over there: seconds that they took, and their messages."""
    try:
        _begin(found, there)
    except Exception as error:
        return 0.0, [packed(Message(number, ERROR, error)) for number, _ in sent]
    start = time.monotonic()
    said = [packed(message) for number, task in sent for message in messages(number, call, (task,), None)]
    return time.monotonic() - start, said


def _in_steps(
    sent: Sequence[Sent], found: Sources, there: tuple[str, str], flag: Any, carry: float, pause: float
) -> Iterator[tuple[float, list[bytes | workfolder.Files]]]:
    """One long task over there: what it tells, and the files of its folder that have changed, now and then."""
    import ray
    from ray.exceptions import RayError

    asked, question, stopped = -math.inf, None, False

    def stop() -> bool:
        # Never waits for the answer: Ray would take a core that waits for a free one, and begin a further task there.
        nonlocal asked, question, stopped
        try:
            if question is not None and ray.wait([question], timeout=0)[0]:  # type: ignore[attr-defined]
                question, stopped = None, ray.get(question)  # type: ignore[attr-defined]
            if not stopped and question is None and time.monotonic() - asked >= pause:
                asked, question = time.monotonic(), flag.get.remote()
        except RayError:  # nobody waits any more
            stopped = True
        return stopped

    ((number, task),) = sent
    if stop():
        return
    said: list[bytes | workfolder.Files] = []
    told = time.monotonic()
    try:
        _begin(found, there)
        function, arguments = pickle.loads(task)
    except Exception as error:
        yield 0.0, [packed(Message(number, ERROR, error))]
        return
    with workfolder.unpacked(arguments, carry) as luggage:
        for message in messages(number, function, luggage.arguments, stop):
            # What a last word speaks of has to be there before it.
            if files := luggage.changed(last=message.last):
                said.append(files)
            said.append(packed(message))
            if message.last or files or time.monotonic() - told >= pause:
                yield 0.0, said
                said, told = [], time.monotonic()
