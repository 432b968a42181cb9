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
"""The default context and other things that many parts need."""

import sys
import threading
from collections.abc import Sequence

from standalone_ros import arguments, console

from rclpy.constants import S_TO_NS
from rclpy.context import Context

_default_context: Context | None = None
_lock = threading.RLock()


def get_default_context(*, shutting_down: bool = False) -> Context:
    """Return the context used where none is given, made on first use or after shutdown."""
    global _default_context
    with _lock:
        if _default_context is None:
            _default_context = Context()
        context = _default_context
        if shutting_down:
            _default_context = None
        return context


def remove_ros_args(args: Sequence[str] | None = None) -> list[str]:
    """Return the arguments (default: the process's) that are not for ROS."""
    parsed = arguments.parse(sys.argv if args is None else args)
    console.warn_of_deprecated(parsed)
    return parsed.unparsed


def ok(*, context: Context | None = None) -> bool:
    """Return whether the context is initialised and not shut down."""
    return (get_default_context() if context is None else context).ok()


def shutdown(*, context: Context | None = None) -> None:
    """Shut a context down; raises RuntimeError when it is not initialised."""
    (get_default_context(shutting_down=True) if context is None else context).shutdown()


def try_shutdown(*, context: Context | None = None) -> None:
    """Shut a context down unless that was done."""
    global _default_context
    if context is not None:
        context.try_shutdown()
        return
    with _lock:
        if _default_context is not None:
            _default_context.try_shutdown()
            if not _default_context.ok():
                _default_context = None


def get_rmw_implementation_identifier() -> str:
    """Return the name of the middleware."""
    return 'rmw_cyclonedds_cpp'


def timeout_sec_to_nsec(timeout_sec: float | None) -> int:
    """Return a timeout in nanoseconds, -1 for one that never ends."""
    if timeout_sec is None or timeout_sec < 0:
        return -1
    return int(float(timeout_sec) * S_TO_NS)
