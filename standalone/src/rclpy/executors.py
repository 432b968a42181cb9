# Copyright 2026 The vidseg_ros Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""
Executors: they wait until callbacks are ready, and run them.

An executor sleeps in one DDS wait set on everything that its nodes wait for. Timers set how long
it may sleep; wake() ends the sleep so that it looks again at what there is to do.
"""

import inspect
import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple

from standalone_ros.dds.waitset import Guard, WaitSet

from rclpy.client import Client
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.guard_condition import GuardCondition
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.task import Future, Task
from rclpy.timer import Timer
from rclpy.utilities import get_default_context, timeout_sec_to_nsec
from rclpy.waitable import Waitable


async def await_or_execute(callback: Callable, *args: Any) -> Any:
    """Await a coroutine function, or call an ordinary one."""
    if inspect.iscoroutinefunction(callback):
        return await callback(*args)
    return callback(*args)


class TimeoutException(Exception):
    """Nothing became ready in time."""


class ShutdownException(Exception):
    """The executor was shut down."""


class ExternalShutdownException(Exception):
    """The context was shut down."""


class ConditionReachedException(Exception):
    """The future waited for is done."""


class TimeoutObject:
    """A timeout that may change while it is waited for."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout


class _Work(NamedTuple):
    """A task with the entity and the node that it is for, if any."""

    task: Task
    entity: Any
    node: Any


class _WorkTracker:
    """Counts callbacks that run."""

    def __init__(self) -> None:
        self._running = 0
        self._condition = threading.Condition()

    def __enter__(self) -> None:
        with self._condition:
            self._running += 1

    def __exit__(self, *exception: object) -> None:
        with self._condition:
            self._running -= 1
            self._condition.notify_all()

    def wait(self, timeout_sec: float | None) -> bool:
        """Wait until none runs; negative or None waits for ever."""
        timeout = None if timeout_sec is None or timeout_sec < 0 else timeout_sec
        with self._condition:
            return self._condition.wait_for(lambda: self._running == 0, timeout)


class _Alarm:
    """A guard condition for one executor that is only set while somebody sleeps on it."""

    def __init__(self) -> None:
        self.guard = Guard()
        self._lock = threading.Lock()
        self._sleeping = False
        self._rung = False

    def trigger(self) -> None:
        """End the present sleep, or the next before it starts."""
        with self._lock:
            self._rung = True
            if self._sleeping:
                self.guard.set()

    def about_to_sleep(self) -> bool:
        """Return False when triggered since the last call, and there is cause to look again."""
        with self._lock:
            self._sleeping = not self._rung
            self._rung = False
            return self._sleeping

    def awake(self) -> None:
        """Note that the sleep is over."""
        with self._lock:
            self._sleeping = False
            self.guard.clear()


class Executor:
    """
    The base of executors; a subclass defines spin_once().

    :param context: the context, or the default one.
    """

    def __init__(self, *, context: Context | None = None) -> None:
        self._context = get_default_context() if context is None else context
        with self._context.handle:  # type: ignore[union-attr]
            self._alarm: _Alarm | None = _Alarm()
        self._nodes: set[Any] = set()
        self._nodes_lock = threading.RLock()
        # Ready to run, and begun but awaiting something.
        self._ready: deque[_Work] = deque()
        self._awaiting: set[_Work] = set()
        self._tasks_lock = threading.Lock()
        self._is_shutdown = False
        self._shutdown_lock = threading.Lock()
        self._work_tracker = _WorkTracker()
        self._wait_set = WaitSet()
        self._wait_lock = threading.Lock()
        self._context.add_sleeper(self)

    @property
    def context(self) -> Context:
        """The context of the executor."""
        return self._context

    # Nodes and tasks.

    def add_node(self, node: Any) -> bool:
        """Run a node's callbacks from now on; False if it was added before."""
        with self._nodes_lock:
            if node in self._nodes:
                return False
            self._nodes.add(node)
            node.executor = self
            self._alarm.trigger()  # type: ignore[union-attr]
            return True

    def remove_node(self, node: Any) -> None:
        """Stop running a node's callbacks."""
        with self._nodes_lock:
            if node in self._nodes:
                self._nodes.remove(node)
                self.wake()

    def get_nodes(self) -> list[Any]:
        """Return the nodes added."""
        with self._nodes_lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Look again at what there is to do."""
        if (alarm := self._alarm) is not None:
            alarm.trigger()

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Task:
        """Run a function or coroutine in the executor; returns its future."""
        task = Task(callback, args, kwargs, executor=self)
        with self._tasks_lock:
            self._ready.append(_Work(task, None, None))
        self._alarm.trigger()  # type: ignore[union-attr]
        return task

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """
        Stop, and wait until running callbacks are through.

        Returns False when they are not within `timeout_sec`. A callback that shuts its own
        executor down does not wait for itself, and after the context nobody waits: a callback
        may be stuck in something that never comes any more.
        """
        with self._shutdown_lock:
            first = not self._is_shutdown
            self._is_shutdown = True
        self.wake()
        if first and self._context.ok() and getattr(_running, 'executor', None) is not self \
                and not self._work_tracker.wait(timeout_sec):
            return False
        with self._nodes_lock:
            self._nodes = set()
        with self._shutdown_lock, self._wait_lock:
            alarm, self._alarm = self._alarm, None
            if alarm is not None:
                alarm.guard.close()
                self._wait_set.close()
        return True


    def __enter__(self) -> 'Executor':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    # Spinning.

    def spin(self) -> None:
        """Run callbacks until shutdown."""
        while self._context.ok() and not self._is_shutdown:
            self.spin_once()

    def spin_until_future_complete(
        self, future: Future, timeout_sec: float | None = None,
    ) -> None:
        """Run callbacks until a future is done, the time is up or shutdown."""
        future._resume_when_done(self.wake)
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not self._is_shutdown:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            self.spin_once_until_future_complete(future, left)
            if end is not None and time.monotonic() >= end:
                return

    def _spin_once_impl(
        self, timeout_sec: float | TimeoutObject | None, condition: Callable[[], bool],
    ) -> None:
        """Run one callback, unless `condition` holds first; raises what callbacks raise."""
        raise NotImplementedError()

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it; None or negative waits for ever."""
        self._spin_once_impl(timeout_sec, lambda: False)

    def spin_once_until_future_complete(
        self, future: Future, timeout_sec: float | TimeoutObject | None = None,
    ) -> None:
        """Run one callback, unless the future is done first."""
        future._resume_when_done(self.wake)
        self._spin_once_impl(timeout_sec, future.done)

    # Waiting.

    def can_execute(self, entity: Any) -> bool:
        """Return whether an entity is free to run its callback."""
        return not entity._executor_event and entity.callback_group.can_execute(entity)

    def wait_for_ready_callbacks(
        self, timeout_sec: float | TimeoutObject | None = None, nodes: list[Any] | None = None,
        condition: Callable[[], bool] = lambda: False,
    ) -> tuple[Task, Any, Any]:
        """
        Return the next (task, entity, node) to run, waiting for it.

        Raises TimeoutException, ShutdownException, ExternalShutdownException when the context
        was shut down, and ConditionReachedException when `condition` holds.
        """
        if isinstance(timeout_sec, TimeoutObject):
            timeout_sec = timeout_sec.timeout
        timeout_ns = timeout_sec_to_nsec(timeout_sec)
        deadline_ns = None if timeout_ns < 0 else time.monotonic_ns() + timeout_ns
        last_look = False
        while True:
            if self._is_shutdown:
                raise ShutdownException()
            if condition():
                raise ConditionReachedException()
            if (work := self._next_ready(nodes)) is not None:
                return work
            if not self._context.ok():
                raise ExternalShutdownException()
            if last_look:
                raise TimeoutException()
            left_ns = -1 if deadline_ns is None else max(deadline_ns - time.monotonic_ns(), 0)
            last_look = left_ns == 0
            with self._wait_lock:
                if not self._is_shutdown:
                    self._gather(self.get_nodes() if nodes is None else nodes, left_ns)

    def _next_ready(self, nodes: list[Any] | None) -> _Work | None:
        with self._tasks_lock:
            for _ in range(len(self._ready)):
                work = self._ready.popleft()
                if work.task.done():
                    continue
                if work.node is None or nodes is None or work.node in nodes:
                    return work
                self._ready.append(work)
        return None

    def _gather(self, nodes: list[Any], timeout_ns: int) -> None:
        """Sleep until something is ready or the time is up, and make tasks of what is ready."""
        alarm = self._alarm
        if alarm is None:
            return
        entities: list[tuple[Any, Any]] = []
        conditions = {alarm.guard.entity}
        for node in nodes:
            for entity in (*node.waitables, *node.timers, *node.subscriptions, *node.guards,
                           *node.clients, *node.services):
                if not self.can_execute(entity):
                    continue
                entities.append((entity, node))
                if isinstance(entity, Timer):
                    timeout_ns = self._shorten(timeout_ns, entity)
                elif isinstance(entity, GuardCondition):
                    entity._waiters.add(self)
                    if entity._executor_triggered:
                        timeout_ns = 0
                elif isinstance(entity, Waitable):
                    conditions.update(entity.dds_entities())
                else:
                    conditions.update(entity.handle.conditions)
        if not alarm.about_to_sleep():
            timeout_ns = 0
        triggered = self._wait_set.wait(conditions, timeout_ns)
        alarm.awake()
        if not self._context.ok() or self._is_shutdown:
            return
        for entity, node in entities:
            if self._is_ready(entity, triggered) and self.can_execute(entity):
                self._make_task(entity, node)

    def _shorten(self, timeout_ns: int, timer: Timer) -> int:
        """Return the time to sleep when a timer is to be called in time."""
        schedule = timer.handle
        timer._waiters.add(self)
        timer.clock._waiters.add(self)
        if schedule.canceled or schedule._destruction_requested:
            return timeout_ns
        until_ns = schedule.until_next_ns()
        if timer.clock._override.active:
            # Simulated time wakes the executor when it moves.
            return 0 if until_ns <= 0 else timeout_ns
        until_ns = max(until_ns, 0)
        return until_ns if timeout_ns < 0 else min(timeout_ns, until_ns)

    @staticmethod
    def _is_ready(entity: Any, triggered: set[int]) -> bool:
        try:
            if isinstance(entity, Timer):
                return entity.is_ready()
            if isinstance(entity, GuardCondition):
                return entity._executor_triggered
            if isinstance(entity, Waitable):
                return entity.is_ready(triggered)
            return not triggered.isdisjoint(entity.handle.conditions)
        except InvalidHandle:
            return False

    # Running.

    def _make_task(self, entity: Any, node: Any) -> None:
        entity._executor_event = True
        task = Task(self._handle, (entity,), executor=self)
        with self._tasks_lock:
            self._ready.append(_Work(task, entity, node))

    async def _handle(self, entity: Any) -> None:
        """Take what an entity has, and run its callback."""
        if self._is_shutdown or not entity.callback_group.beginning_execution(entity):
            entity._executor_event = False
            self.wake()
            return
        with self._work_tracker:
            try:
                try:
                    execute = _TAKERS.get(type(entity), _taker_of(entity))(self, entity)
                except InvalidHandle:
                    execute = None
                finally:
                    entity._executor_event = False
                    self.wake()
                if execute is not None:
                    await execute
            finally:
                entity.callback_group.ending_execution(entity)
                self.wake()

    def _run(self, work: _Work) -> None:
        """Run a task until its end or its next await, and see to it that it goes on after that."""
        previous = getattr(_running, 'executor', None)
        _running.executor = self
        try:
            work.task()
        finally:
            _running.executor = previous
        if work.task.done():
            return
        with self._tasks_lock:
            self._awaiting.add(work)

        def resume() -> None:
            with self._tasks_lock:
                self._awaiting.discard(work)
                self._ready.append(work)
            self.wake()

        awaited = work.task._awaited
        if isinstance(awaited, Future):
            awaited._resume_when_done(resume)
        else:
            resume()

    # Taking: each returns an awaitable that runs the callback, or None when there is nothing.

    def _take_timer(self, timer: Timer) -> Any:
        with timer.handle:
            if not timer.handle.is_ready():
                return None
            timer.handle.call()
        return await_or_execute(timer.callback)  # type: ignore[arg-type]

    def _take_subscription(self, subscription: Subscription) -> Any:
        with subscription.handle:
            taken = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        if taken is None:
            return None
        if subscription._callback_type is Subscription.CallbackType.MessageOnly:
            return await_or_execute(subscription.callback, taken[0])
        return await_or_execute(subscription.callback, *taken)

    def _take_guard(self, guard: GuardCondition) -> Any:
        guard._executor_triggered = False
        return await_or_execute(guard.callback)  # type: ignore[arg-type]

    def _take_client(self, client: Client) -> Any:
        with client.handle:
            taken = client.handle.take_response(client.srv_type.Response)
        if taken is None:
            return None
        sequence_number, response = taken

        async def finish() -> None:
            try:
                future = client.get_pending_request(sequence_number)
            except KeyError:
                return  # nobody waits for it any more
            future._set_executor(self)
            future.set_result(response)

        return finish()

    def _take_service(self, service: Service) -> Any:
        with service.handle:
            request, header = service.handle.service_take_request(service.srv_type.Request)
        if header is None:
            return None

        async def answer() -> None:
            response = await await_or_execute(
                service.callback, request, service.srv_type.Response())
            service.send_response(response, header)

        return answer()

    def _take_waitable(self, waitable: Waitable) -> Any:
        data = waitable.take_data()
        for future in waitable._futures:
            future._set_executor(self)
        return waitable.execute(data)


_running = threading.local()
_TAKERS: dict[type, Callable[[Executor, Any], Any]] = {}


def _taker_of(entity: Any) -> Callable[[Executor, Any], Any]:
    for kind, take in ((Timer, Executor._take_timer),
                       (Subscription, Executor._take_subscription),
                       (GuardCondition, Executor._take_guard),
                       (Client, Executor._take_client),
                       (Service, Executor._take_service),
                       (Waitable, Executor._take_waitable)):
        if isinstance(entity, kind):
            _TAKERS[type(entity)] = take
            return take
    raise TypeError(f'{entity!r} can not be executed')


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that spins."""

    def _spin_once_impl(
        self, timeout_sec: float | TimeoutObject | None, condition: Callable[[], bool],
    ) -> None:
        try:
            work = self.wait_for_ready_callbacks(timeout_sec, None, condition)
        except (ShutdownException, TimeoutException, ConditionReachedException):
            return
        self._run(work)  # type: ignore[arg-type]
        task = work[0]
        if task.exception() is not None:
            raise task.exception()  # type: ignore[misc]


def _fill(pool: ThreadPoolExecutor, num_threads: int) -> None:
    """Have a pool start all of its threads."""
    barrier = threading.Barrier(num_threads)
    for waiting in [pool.submit(barrier.wait) for _ in range(num_threads)]:
        waiting.result()


class MultiThreadedExecutor(Executor):
    """
    Runs callbacks in a pool of threads, as their callback groups allow.

    :param num_threads: size of the pool; by default the number of CPUs the process may use.
    """

    def __init__(
        self, num_threads: int | None = None, *, context: Context | None = None,
    ) -> None:
        super().__init__(context=context)
        if num_threads is None:
            num_threads = len(os.sched_getaffinity(0))
        if num_threads == 1:
            warnings.warn('MultiThreadedExecutor is used with a single thread.\n'
                          'Use the SingleThreadedExecutor instead.', stacklevel=2)
        self._executor = ThreadPoolExecutor(num_threads)
        # Ctrl-C may strike inside submit() between the start of a thread and its registration;
        # nobody would ever end that thread. So another thread, which signals do not reach, has
        # the pool start all of its own now.
        starter = threading.Thread(target=_fill, args=(self._executor, num_threads), daemon=True)
        starter.start()
        starter.join()
        self._failed: deque[Task] = deque()

    def _run_in_pool(self, work: _Work) -> None:
        self._run(work)
        if work.task.done() and work.task.exception() is not None:
            self._failed.append(work.task)
            self.wake()

    def _raise_failure(self) -> None:
        if self._failed:
            self._failed.popleft().result()

    def _spin_once_impl(
        self, timeout_sec: float | TimeoutObject | None, condition: Callable[[], bool],
    ) -> None:
        try:
            work = self.wait_for_ready_callbacks(
                timeout_sec, None, lambda: bool(self._failed) or condition())
        except (ExternalShutdownException, ShutdownException, TimeoutException,
                ConditionReachedException):
            pass
        else:
            self._executor.submit(self._run_in_pool, work)  # type: ignore[arg-type]
        self._raise_failure()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop, and wait until running callbacks are through."""
        done = super().shutdown(timeout_sec)
        self._executor.shutdown(wait=False)
        return done
