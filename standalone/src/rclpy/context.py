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
"""Contexts: what lies between init and shutdown."""

import atexit
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from inspect import ismethod
from types import TracebackType
from typing import Any

from standalone_ros import arguments, console
from standalone_ros.dds.library import DdsError
from standalone_ros.dds.participant import Participant
from standalone_ros.graph import Graph
from standalone_ros.hand_over import Inbox

from rclpy._rclpy_pybind11 import RCLError, UnknownROSArgsError
from rclpy._wakers import Wakers
from rclpy.destroyable import Destroyable

_contexts: 'weakref.WeakSet[Context]' = weakref.WeakSet()


class _ContextHandle(Destroyable):
    """What entities hold of their context."""


class Context:
    """
    A connection to one ROS domain, from init() to shutdown().

    As a context manager it initialises itself from the process's arguments.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._callbacks: list[Any] = []
        self._sleepers = Wakers()
        self._handle: _ContextHandle | None = None
        self._valid = False
        self._closed = True
        self._logs = False
        self._domain_id = 0
        self.arguments = arguments.Arguments()
        # What is to be closed after the participant, by those who still hold it or not.
        self.inboxes: weakref.WeakSet[Inbox] = weakref.WeakSet()
        # Both are there from init() on.
        self.participant: Participant
        self.graph: Graph

    @property
    def handle(self) -> _ContextHandle | None:
        """The handle that entities of this context enter, None before init()."""
        return self._handle

    def init(
        self, args: Sequence[str] | None = None, *, initialize_logging: bool = True,
        domain_id: int | None = None,
    ) -> None:
        """
        Join the domain (default: ROS_DOMAIN_ID, or 0) with the given ROS arguments.

        Raises RuntimeError when called twice and RCLError when the arguments can't be understood
        or the domain can't be joined.
        """
        with self._lock:
            if domain_id is not None and domain_id < 0:
                raise RuntimeError(f'Domain id ({domain_id}) should not be lower than zero.')
            if self._handle is not None:
                raise RuntimeError('Context.init() must only be called once')
            try:
                self.arguments = arguments.parse(sys.argv if args is None else args)
                if domain_id is None:
                    domain_id = int(os.environ.get('ROS_DOMAIN_ID') or 0)
            except arguments.UnknownArgumentsError as error:
                raise UnknownROSArgsError(str(error)) from None
            except ValueError as error:
                if isinstance(error, arguments.ArgumentError):
                    console.log(40, 'rcl', 'Failed to parse global arguments')
                raise RCLError(f'failed to initialize rcl: {error}') from None
            if initialize_logging:
                try:
                    console.configure(self.arguments)
                except OSError as error:
                    raise RCLError(f'failed to initialize logging: {error}') from None
            self._logs = initialize_logging
            console.warn_of_deprecated(self.arguments)
            try:
                self.participant = Participant(domain_id, self.arguments.enclave)
                try:
                    self.graph = Graph(self.participant, self.arguments.enclave)
                except BaseException:
                    self.participant.close()
                    raise
            except BaseException as error:
                if initialize_logging:
                    console.release()
                if isinstance(error, DdsError):
                    raise RCLError(f'failed to initialize rcl: {error}') from None
                raise
            self._domain_id = domain_id
            self._handle = _ContextHandle()
            self._valid, self._closed = True, False
            _contexts.add(self)

    def ok(self) -> bool:
        """Return whether the context is initialised and not shut down."""
        return self._valid

    def get_domain_id(self) -> int:
        """Return the domain; raises RuntimeError before init()."""
        if self._handle is None:
            raise RuntimeError('Context must be initialized before it can have a domain id')
        return self._domain_id

    def shutdown(self) -> None:
        """
        Leave the domain.

        Raises RuntimeError before init() and RCLError when a signal has shut the context down.
        """
        if self._handle is None:
            raise RuntimeError('Context must be initialized before it can be shutdown')
        interrupted = not self._valid
        self._close()
        if interrupted:
            raise RCLError('failed to shutdown: rcl_shutdown already called on the given context')

    def try_shutdown(self) -> None:
        """Leave the domain unless that was done."""
        self._close()

    def destroy(self) -> None:
        """Release the context."""
        self._close()

    def _close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            # As in rclpy, whoever registered is told of a shutdown by the program alone: after a
            # signal the context is invalid already.
            callbacks = self._callbacks if self._valid else []
            self._callbacks = []
            self.interrupt()
        for reference in callbacks:
            callback = reference() if isinstance(reference, weakref.WeakMethod) else reference
            if callback is not None:
                callback()
        self.graph.close()
        self.participant.close()
        for inbox in list(self.inboxes):
            inbox.close()
        if self._logs:
            console.release()

    def interrupt(self) -> None:
        """Make the context invalid and wake whoever waits, as a signal does."""
        self._valid = False
        self._sleepers.wake()
        if self._handle is not None:
            self.graph.wake()

    def add_sleeper(self, sleeper: Any) -> None:
        """Have `sleeper.wake()` called when the context becomes invalid."""
        self._sleepers.add(sleeper)

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """
        Call `callback` at shutdown(), or now if the context is not valid any more.

        A signal does not call it. Methods are held weakly.
        """
        if not callable(callback):
            raise TypeError('callback should be a callable, got {}', type(callback))
        with self._lock:
            if self._handle is None or self._valid:
                self._callbacks.append(
                    weakref.WeakMethod(callback) if ismethod(callback) else callback)
                return
        callback()

    def __enter__(self) -> 'Context':
        self.init()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.try_shutdown()


def interrupt_all() -> None:
    """Make every context invalid."""
    for context in list(_contexts):
        context.interrupt()


@atexit.register
def _close_all() -> None:
    """Leave the domain at exit, so that peers need not wait for the lease to run out."""
    if _contexts and threading.current_thread() is threading.main_thread():
        # The second of two ctrl-C in a row must not stop this halfway.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for context in list(_contexts):
        context.interrupt()
        context._close()
