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
"""Clocks, and callbacks on jumps of their time."""

import threading
import time as system_time
from collections.abc import Callable
from enum import IntEnum
from types import TracebackType
from typing import NamedTuple

from rclpy._wakers import Wakers
from rclpy.clock_type import ClockType
from rclpy.constants import S_TO_NS
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.exceptions import NotInitializedException
from rclpy.time import Time
from rclpy.utilities import get_default_context


class ClockChange(IntEnum):
    """What happened to a clock when its time jumped."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4

    def __str__(self) -> str:
        return f'ClockChange.{self.name}'


class JumpThreshold:
    """Which jumps matter: of at least so much forward or backward, or of the time's source."""

    def __init__(
        self, *, min_forward: Duration | None, min_backward: Duration | None,
        on_clock_change: bool = True,
    ) -> None:
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError('min_forward must be a positive non-zero duration')
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError('min_backward must be a negative non-zero duration')
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError('At least one jump threshold must be enabled')
        self.min_forward = min_forward
        self.min_backward = min_backward
        self.on_clock_change = on_clock_change

    def _exceeded(self, jump: 'TimeJump') -> bool:
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED,
                                 ClockChange.ROS_TIME_DEACTIVATED):
            return self.on_clock_change
        delta = jump.delta.nanoseconds
        if delta > 0:
            return self.min_forward is not None and delta >= self.min_forward.nanoseconds
        return (delta < 0 and self.min_backward is not None
                and delta <= self.min_backward.nanoseconds)


class TimeJump:
    """A jump: what changed, and by how much time went on or back."""

    def __init__(self, clock_change: ClockChange, delta: Duration) -> None:
        if not isinstance(clock_change, ClockChange):
            raise TypeError('clock_change must be an instance of rclpy.clock.ClockChange')
        self._clock_change = clock_change
        self._delta = delta

    @property
    def clock_change(self) -> ClockChange:
        """What changed."""
        return self._clock_change

    @property
    def delta(self) -> Duration:
        """The new time minus the old."""
        return self._delta


class JumpHandle:
    """A registered pair of callbacks; a context manager that unregisters them."""

    def __init__(
        self, *, clock: 'Clock', threshold: JumpThreshold,
        pre_callback: Callable[[], None] | None, post_callback: Callable[[TimeJump], None] | None,
    ) -> None:
        if pre_callback is None and post_callback is None:
            raise ValueError('One of pre_callback or post_callback must be callable')
        for name, callback in (('pre_callback', pre_callback), ('post_callback', post_callback)):
            if callback is not None and not callable(callback):
                raise ValueError(f'{name} must be callable if given')
        self._clock: Clock | None = clock
        self.threshold = threshold
        self.pre_callback = pre_callback
        self.post_callback = post_callback
        clock._jump_handles.append(self)

    def unregister(self) -> None:
        """Stop calling the callbacks."""
        if self._clock is not None:
            self._clock._jump_handles.remove(self)
            self._clock = None

    def __enter__(self) -> 'JumpHandle':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unregister()


class _Sleeper:
    """Somebody inside sleep_until()."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def wake(self) -> None:
        self.event.set()


class _Override(NamedTuple):
    active: bool
    nanoseconds: int


class Clock:
    """A clock; with ClockType.ROS_TIME it is a ROSClock, which may follow `/clock`."""

    _clock_type: ClockType

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> 'Clock':
        if not isinstance(clock_type, ClockType):
            raise TypeError('Clock type must be a ClockType enum')
        self = super().__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)
        self._clock_type = clock_type
        self._override = _Override(False, 0)
        self._jump_handles = []
        # Executors that wait for timers of this clock.
        self._waiters = Wakers()
        return self

    _override: _Override
    _jump_handles: list[JumpHandle]
    _waiters: Wakers

    @property
    def clock_type(self) -> ClockType:
        """The kind of clock."""
        return self._clock_type

    def __repr__(self) -> str:
        return f'Clock(clock_type={self.clock_type.name})'

    def _now_ns(self) -> int:
        if self._override.active:
            return self._override.nanoseconds
        if self._clock_type is ClockType.STEADY_TIME:
            return system_time.monotonic_ns()
        return system_time.time_ns()

    def now(self) -> Time:
        """Return the time."""
        return Time(nanoseconds=self._now_ns(), clock_type=self.clock_type)

    def create_jump_callback(
        self, threshold: JumpThreshold, *, pre_callback: Callable[[], None] | None = None,
        post_callback: Callable[[TimeJump], None] | None = None,
    ) -> JumpHandle:
        """Call back before and after the clock's time jumps by more than a threshold."""
        return JumpHandle(clock=self, threshold=threshold, pre_callback=pre_callback,
                          post_callback=post_callback)

    def _jump(self, override: _Override, change: ClockChange, delta_ns: int) -> None:
        jump = TimeJump(change, Duration(nanoseconds=delta_ns))
        handles = [h for h in list(self._jump_handles) if h.threshold._exceeded(jump)]
        for handle in handles:
            if handle.pre_callback is not None:
                handle.pre_callback()
        self._override = override
        for handle in handles:
            if handle.post_callback is not None:
                handle.post_callback(jump)
        self._waiters.wake()

    def sleep_until(self, until: Time, context: Context | None = None) -> bool:
        """
        Sleep until this clock shows `until`.

        Returns False when the context was shut down or the clock's source changed meanwhile.
        Raises NotInitializedException without a context and ValueError for another clock type.
        """
        context = get_default_context() if context is None else context
        if not context.ok():
            raise NotInitializedException()
        if until.clock_type != self._clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        sleeper = _Sleeper()
        context.add_sleeper(sleeper)
        source_changed = False

        def on_jump(jump: TimeJump) -> None:
            nonlocal source_changed
            source_changed |= jump.clock_change in (
                ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED)
            sleeper.wake()

        threshold = JumpThreshold(min_forward=Duration(nanoseconds=1),
                                  min_backward=Duration(nanoseconds=-1), on_clock_change=True)
        with self.create_jump_callback(threshold, post_callback=on_jump):
            while context.ok() and not source_changed:
                left = until.nanoseconds - self._now_ns()
                if left <= 0:
                    return True
                sleeper.event.wait(None if self._override.active else left / S_TO_NS)
                sleeper.event.clear()
        return False

    def sleep_for(self, rel_time: Duration, context: Context | None = None) -> bool:
        """Sleep for a span of this clock's time; see sleep_until()."""
        return self.sleep_until(self.now() + rel_time, context)


class ROSClock(Clock):
    """A clock that shows the system's time or, when active, simulated time."""

    def __new__(cls) -> 'ROSClock':
        return super().__new__(Clock, clock_type=ClockType.ROS_TIME)  # type: ignore[return-value]

    @property
    def ros_time_is_active(self) -> bool:
        """Whether the clock shows simulated time."""
        return self._override.active

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled != self._override.active:
            self._jump(self._override._replace(active=enabled),
                       ClockChange.ROS_TIME_ACTIVATED if enabled
                       else ClockChange.ROS_TIME_DEACTIVATED, 0)

    def set_ros_time_override(self, time: Time) -> None:
        """Set the simulated time."""
        if not isinstance(time, Time):
            raise TypeError('Time must be specified as rclpy.time.Time. '
                            f'Received type: {type(time)}')
        override = self._override._replace(nanoseconds=time.nanoseconds)
        if self._override.active:
            self._jump(override, ClockChange.ROS_TIME_NO_CHANGE,
                       time.nanoseconds - self._override.nanoseconds)
        else:
            self._override = override
