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
"""Things that follow the state of a lifecycle node."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from rclpy._rclpy_pybind11 import TransitionCallbackReturnType as TransitionCallbackReturn

_SUCCESS = TransitionCallbackReturn.SUCCESS


class ManagedEntity:
    """Is told of each transition before it happens, and may refuse it."""

    def on_configure(self, state: Any) -> TransitionCallbackReturn:
        """Prepare, coming from `state`."""
        return _SUCCESS

    def on_cleanup(self, state: Any) -> TransitionCallbackReturn:
        """Undo on_configure()."""
        return _SUCCESS

    def on_shutdown(self, state: Any) -> TransitionCallbackReturn:
        """End for good."""
        return _SUCCESS

    def on_activate(self, state: Any) -> TransitionCallbackReturn:
        """Start to work."""
        return _SUCCESS

    def on_deactivate(self, state: Any) -> TransitionCallbackReturn:
        """Stop to work."""
        return _SUCCESS

    def on_error(self, state: Any) -> TransitionCallbackReturn:
        """Recover from an error, or fail to."""
        return _SUCCESS


class SimpleManagedEntity(ManagedEntity):
    """Is enabled while the node is active."""

    def __init__(self) -> None:
        self._enabled = False

    def on_activate(self, state: Any) -> TransitionCallbackReturn:
        """Enable."""
        self._enabled = True
        return _SUCCESS

    def on_deactivate(self, state: Any) -> TransitionCallbackReturn:
        """Disable."""
        self._enabled = False
        return _SUCCESS

    @property
    def is_activated(self) -> bool:
        """Whether it is enabled."""
        return self._enabled

    @staticmethod
    def when_enabled(
        wrapped: Callable | None = None, *, when_not_enabled: Callable | None = None,
    ) -> Callable:
        """Make a method do nothing, or call `when_not_enabled`, while disabled."""
        def decorator(method: Callable) -> Callable:
            @wraps(method)
            def only_when_enabled(self: SimpleManagedEntity, *args: Any, **kwargs: Any) -> None:
                if self._enabled:
                    method(self, *args, **kwargs)
                elif when_not_enabled is not None:
                    when_not_enabled()

            return only_when_enabled

        return decorator if wrapped is None else decorator(wrapped)
