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
"""Timers and rates."""

import threading
import weakref
from collections.abc import Callable
from typing import Any

from rclpy._rclpy_pybind11 import RCLError
from rclpy._wakers import Wakers
from rclpy.clock import Clock, ClockChange, JumpThreshold, TimeJump
from rclpy.context import Context
from rclpy.destroyable import Destroyable
from rclpy.duration import Duration
from rclpy.exceptions import InvalidHandle, ROSInterruptException
from rclpy.utilities import get_default_context

_ANY_JUMP = JumpThreshold(min_forward=Duration(nanoseconds=1),
                          min_backward=Duration(nanoseconds=-1))


class _Schedule(Destroyable):
    """When a timer is due, on its own clock."""

    def __init__(self, clock: Clock, period_ns: int, canceled: bool) -> None:
        super().__init__()
        self.clock, self.period_ns, self.canceled = clock, period_ns, canceled
        self.last_ns = clock._now_ns()
        self.next_ns = self.last_ns + period_ns
        self._elapsed_ns = 0
        schedule = weakref.ref(self)

        def before() -> None:
            if (alive := schedule()) is not None:
                alive._elapsed_ns = clock._now_ns() - alive.last_ns

        def after(jump: TimeJump) -> None:
            if (alive := schedule()) is not None:
                alive._on_jump(jump)

        self._jump_handle = clock.create_jump_callback(
            _ANY_JUMP, pre_callback=before, post_callback=after)

    def _on_jump(self, jump: TimeJump) -> None:
        now = self.clock._now_ns()
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED,
                                 ClockChange.ROS_TIME_DEACTIVATED):
            if now:
                # In the new epoch only the rest of the period is waited for.
                self.last_ns = now - self._elapsed_ns
                self.next_ns = self.last_ns + self.period_ns
        elif now < self.last_ns:
            self.last_ns, self.next_ns = now, now + self.period_ns

    def until_next_ns(self) -> int:
        return self.next_ns - self.clock._now_ns()

    def is_ready(self) -> bool:
        return not self.canceled and self.until_next_ns() <= 0

    def call(self) -> None:
        """Note a call, and skip the periods that were missed."""
        now = self.last_ns = self.clock._now_ns()
        if self.period_ns == 0:
            self.next_ns = now
        else:
            missed = max(now - self.next_ns, 0) // self.period_ns
            self.next_ns += (missed + 1) * self.period_ns

    def reset(self) -> None:
        self.last_ns = self.clock._now_ns()
        self.next_ns = self.last_ns + self.period_ns
        self.canceled = False

    def destroy(self) -> None:
        self._jump_handle.unregister()


class Timer:
    """Calls back periodically, in an executor."""

    def __init__(
        self, callback: Callable | None, callback_group: Any, timer_period_ns: int, clock: Clock,
        *, context: Context | None = None, autostart: bool = True,
    ) -> None:
        if timer_period_ns < 0:
            raise RCLError('failed to create timer: timer period must be non-negative')
        self._context = get_default_context() if context is None else context
        self._clock = clock
        self._schedule = _Schedule(clock, int(timer_period_ns), not autostart)
        self.callback = callback
        self.callback_group = callback_group
        self._executor_event = False
        self._waiters = Wakers()

    @property
    def handle(self) -> _Schedule:
        """The handle of the timer."""
        return self._schedule

    def destroy(self) -> None:
        """Destroy the timer; see Node.destroy_timer()."""
        self._schedule.destroy_when_not_in_use()

    @property
    def clock(self) -> Clock:
        """The clock that the timer follows."""
        return self._clock

    @property
    def timer_period_ns(self) -> int:
        """The period in nanoseconds; a new one counts from the next call on."""
        with self._schedule:
            return self._schedule.period_ns

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        with self._schedule:
            self._schedule.period_ns = int(value)

    def is_ready(self) -> bool:
        """Return whether the timer is due."""
        with self._schedule:
            return self._schedule.is_ready()

    def is_canceled(self) -> bool:
        """Return whether the timer was cancelled."""
        with self._schedule:
            return self._schedule.canceled

    def cancel(self) -> None:
        """Stop calling back until reset()."""
        with self._schedule:
            self._schedule.canceled = True

    def reset(self) -> None:
        """Start the period anew, cancelled or not."""
        with self._schedule:
            self._schedule.reset()
        self._waiters.wake()

    def time_since_last_call(self) -> int:
        """Return nanoseconds since the last call, or since creation."""
        with self._schedule:
            return self._clock._now_ns() - self._schedule.last_ns

    def time_until_next_call(self) -> int | None:
        """Return nanoseconds until the next call, None when cancelled."""
        with self._schedule:
            return None if self._schedule.canceled else self._schedule.until_next_ns()


class Rate:
    """Sleeps in step with a timer; the timer's node must be spinning in another thread."""

    def __init__(self, timer: Timer, *, context: Context) -> None:
        self._timer = timer
        self._is_shutdown = False
        self._is_destroyed = False
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._num_sleepers = 0
        timer.callback = self._event.set
        self._context = context
        context.add_sleeper(self)

    def wake(self) -> None:
        """End all sleeps because the context was shut down."""
        self._is_shutdown = True
        self.destroy()

    def destroy(self) -> None:
        """End all sleeps."""
        self._is_destroyed = True
        self._event.set()

    def sleep(self) -> None:
        """
        Sleep until the timer's next call.

        Raises ROSInterruptException at shutdown and RuntimeError after destroy().
        """
        if self._is_shutdown:
            raise ROSInterruptException()
        if self._is_destroyed:
            raise RuntimeError('Rate cannot sleep because it has been destroyed')
        if self._timer.handle._destruction_requested:
            self.destroy()
            raise InvalidHandle('Rate cannot sleep because the timer has been destroyed')
        with self._lock:
            self._num_sleepers += 1
        try:
            self._event.wait()
        finally:
            with self._lock:
                self._num_sleepers -= 1
                if self._num_sleepers == 0 and not self._is_destroyed:
                    self._event.clear()
        if self._is_shutdown:
            raise ROSInterruptException()
