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
"""The service that runs launch descriptions."""

import asyncio
import contextlib
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

from . import events
from . import logging as launch_logging
from .event import Event
from .event_handlers import OnIncludeLaunchDescription, OnShutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .utilities import is_a_subclass, visit_all_entities_and_collect_futures


class LaunchService:
    """Visit launch descriptions, handle events, and wait until all is done.

    :param argv: kept in the context for whoever asks.
    :param noninteractive: no terminal sends Ctrl-C to the processes, so the service must.
    :param debug: log more.
    """

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False,
                 debug: bool = False) -> None:
        launch_logging.launch_config.level = logging.DEBUG if debug else logging.INFO
        self.__debug = debug
        self.__logger = launch_logging.get_logger('launch')
        self.context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self.context.register_event_handler(OnIncludeLaunchDescription())
        self.context.register_event_handler(OnShutdown(on_shutdown=self.__on_shutdown))
        self.event_loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task | None = None
        self.__pairs: list[tuple[LaunchDescriptionEntity, asyncio.Future]] = []
        self.__lock = threading.RLock()
        self.__shutting_down = False
        self.__ending_signal: signal.Signals | None = None

    def emit_event(self, event: Event) -> None:
        """Emit an event, from any thread; it waits until the service runs."""
        self.__in_own_thread(self.context.emit_event_sync, event)

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Have a launch description visited, from any thread."""
        self.emit_event(events.IncludeLaunchDescription(launch_description))

    def shutdown(self, force_sync: bool = False) -> asyncio.Future | None:
        """Shut down, from any thread; does nothing unless the service runs.

        In the service's own thread this returns something that may be awaited.
        """
        with self.__lock:
            if self.event_loop is None:
                return None
            own = self.__in_own_thread(self.__begin_shutdown, 'LaunchService.shutdown() called')
            if not own or force_sync:
                return None
            done = self.event_loop.create_future()
            done.set_result(None)
            return done

    def __in_own_thread(self, function: Any, argument: Any) -> bool:
        """Call the function in the service's thread; return whether it is this one."""
        with self.__lock:
            try:
                running: Any = asyncio.get_running_loop()
            except RuntimeError:
                running = None
            if self.event_loop is None or running is self.event_loop:
                function(argument)
                return True
            self.event_loop.call_soon_threadsafe(function, argument)
            return False

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run until all is done; return 0, or 1 after an error. Only from the main thread."""
        loop = asyncio.new_event_loop()
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(self.run_async(shutdown_when_idle=shutdown_when_idle))
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """Run as a coroutine, see ``run()``."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError('LaunchService can only be run in the main thread.')
        with self.__running():
            launch_logging.log_launch_config(logger=self.__logger)
            return_code = await self.__main_loop(shutdown_when_idle)
        if self.__ending_signal is not None:
            # All children are gone; now end as anyone who sent the signal expects.
            sys.stdout.flush()
            signal.raise_signal(self.__ending_signal)
            return_code = 1
        return return_code

    async def __main_loop(self, shutdown_when_idle: bool) -> int:
        return_code = 0
        next_event: asyncio.Task | None = None
        queue = self.context._event_queue
        try:
            while True:
                try:
                    futures = self.__unfinished()
                    received = next_event is not None and next_event.done()
                    if not futures and queue.empty() and not received:
                        if self.__shutting_down:
                            return return_code
                        if shutdown_when_idle:
                            self.__begin_shutdown('idle')
                            continue
                    if next_event is None:
                        next_event = asyncio.ensure_future(queue.get())
                    await asyncio.wait([next_event, *futures],
                                       return_when=asyncio.FIRST_COMPLETED)
                    if next_event.done():
                        event, next_event = next_event.result(), None
                        self.__process_event(event)
                except Exception as error:
                    self.__logger.debug(traceback.format_exc())
                    message = f'Caught exception in launch (see debug for traceback): {error}'
                    self.__logger.error(message)
                    self.__begin_shutdown(message)
                    return_code = 1
        except asyncio.CancelledError:
            self.__logger.error('run task was canceled')
            return 1
        finally:
            if next_event is not None:
                next_event.cancel()

    def __unfinished(self) -> list[asyncio.Future]:
        """Return what is waited for; raise what has failed."""
        futures = [future for _, future in self.__pairs] + self.context._completion_futures
        self.__pairs = [pair for pair in self.__pairs if not pair[1].done()]
        self.context._completion_futures = [
            future for future in self.context._completion_futures if not future.done()]
        for future in futures:
            if future.done() and not future.cancelled():
                future.result()
        return [future for future in futures if not future.done()]

    def __process_event(self, event: Event) -> None:
        self.__logger.debug(f"processing event: '{event}'")
        for handler in tuple(self.context._event_handlers):
            if not handler.matches(event):
                continue
            self.__logger.debug(f"processing event: '{event}' ✓ '{handler}'")
            self.context._push_locals()
            try:
                entities: Any = handler.handle(event, self.context)
                for entity in entities if isinstance(entities, Iterable) else [entities]:
                    if entity is None:
                        continue
                    if not is_a_subclass(entity, LaunchDescriptionEntity):
                        raise RuntimeError('expected a LaunchDescriptionEntity from '
                                           f"event_handler, got '{entity}'")
                    visit_all_entities_and_collect_futures(entity, self.context, self.__pairs)
            finally:
                self.context._pop_locals()

    def __on_shutdown(self, event: Event, context: LaunchContext) -> None:
        self.__shutting_down = context.is_shutdown = True

    def __begin_shutdown(self, reason: str, due_to_sigint: bool = False) -> None:
        if not self.__shutting_down:
            self.context.emit_event_sync(
                events.Shutdown(reason=reason, due_to_sigint=due_to_sigint))
        self.__shutting_down = self.context.is_shutdown = True

    def __on_sigint(self) -> None:
        message = 'user interrupted with ctrl-c (SIGINT)'
        if self.__shutting_down:
            self.__logger.warning(f'{message} again, ignoring...')
            return
        self.__logger.warning(message)
        self.__begin_shutdown('ctrl-c (SIGINT)', due_to_sigint=True)

    def __on_ending_signal(self, signum: signal.Signals) -> None:
        if self.__ending_signal is not None:
            self.__logger.warning(f'received {signum.name} again, killing the processes')
            self.__kill_processes()
            return
        self.__ending_signal = signum
        self.__logger.warning(f'received {signum.name}, shutting down')
        self.__begin_shutdown(signum.name)

    def __kill_processes(self) -> None:
        for process in tuple(self.context._running_processes):
            process.send_signal(signal.SIGKILL)

    @contextlib.contextmanager
    def __running(self) -> Iterator[None]:
        """Bind the service to the running loop and to the signals of this process."""
        with self.__lock:
            if self.event_loop is not None:
                raise RuntimeError('LaunchService cannot be run multiple times concurrently.')
            self.event_loop = self.context.asyncio_loop = loop = asyncio.get_running_loop()
        self.task = asyncio.current_task()
        self.__shutting_down = self.context.is_shutdown = False
        self.__ending_signal = None
        if self.__debug:
            loop.set_debug(True)
        previous = {}
        try:
            for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
                handler = signal.getsignal(signum)
                if signum == signal.SIGHUP and handler == signal.SIG_IGN:
                    continue  # nohup
                previous[signum] = handler
                if signum == signal.SIGINT:
                    loop.add_signal_handler(signum, self.__on_sigint)
                else:
                    loop.add_signal_handler(signum, self.__on_ending_signal, signum)
            yield
        finally:
            self.__kill_processes()
            for signum, handler in previous.items():
                loop.remove_signal_handler(signum)
                signal.signal(signum, signal.SIG_DFL if handler is None else handler)
            with self.__lock:
                self.event_loop = self.context.asyncio_loop = self.task = None
                self.__shutting_down = False
