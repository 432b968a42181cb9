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
The ROS 2 client library for Python, on Cyclone DDS and nothing else.

Names and behaviour are those of rclpy in ROS 2 Jazzy.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import (
    SignalHandlerOptions,
    install_signal_handlers,
    uninstall_signal_handlers,
)
from rclpy.task import Future
from rclpy.utilities import (
    get_default_context,
    get_rmw_implementation_identifier,
    ok,
    try_shutdown,
)
from rclpy.utilities import shutdown as _shutdown

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

__all__ = [
    'Context', 'Future', 'Parameter', 'SignalHandlerOptions', 'create_node',
    'get_default_context', 'get_global_executor', 'get_rmw_implementation_identifier', 'init',
    'ok', 'shutdown', 'spin', 'spin_once', 'spin_until_future_complete', 'try_shutdown']

_executor: Any = None


def init(
    *, args: Sequence[str] | None = None, context: Context | None = None,
    domain_id: int | None = None, signal_handler_options: SignalHandlerOptions | None = None,
) -> None:
    """
    Initialise a context (default: the default one) with ROS arguments (default: sys.argv).

    For the default context SIGINT and SIGTERM are handled unless told otherwise.
    """
    context = get_default_context() if context is None else context
    if signal_handler_options is None:
        signal_handler_options = (SignalHandlerOptions.ALL if context is get_default_context()
                                  else SignalHandlerOptions.NO)
    context.init(args, domain_id=domain_id)
    install_signal_handlers(signal_handler_options)


def get_global_executor() -> 'Executor':
    """Return the executor that spin() and its like use where none is given."""
    global _executor
    if _executor is None or not _executor.context.ok():
        from rclpy.executors import SingleThreadedExecutor

        executor = SingleThreadedExecutor()
        if not get_default_context().ok():
            return executor  # a signal came first; it will not spin
        _executor = executor

        def reset() -> None:
            global _executor
            executor, _executor = _executor, None
            if executor is not None:
                executor.shutdown()

        get_default_context().on_shutdown(reset)
    return _executor


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Shut a context down (default: the default one, and its signal handlers)."""
    _shutdown(context=context)
    if uninstall_handlers or (uninstall_handlers is None and context is None):
        uninstall_signal_handlers()


def create_node(node_name: str, **kwargs: Any) -> 'Node':
    """Create a node; see rclpy.node.Node."""
    from rclpy.node import Node

    return Node(node_name, **kwargs)


def spin_once(
    node: 'Node', *, executor: 'Executor | None' = None, timeout_sec: float | None = None,
) -> None:
    """Run one callback of a node, waiting for it."""
    executor = get_global_executor() if executor is None else executor
    try:
        executor.add_node(node)
        executor.spin_once(timeout_sec=timeout_sec)
    finally:
        executor.remove_node(node)


def spin(node: 'Node', executor: 'Executor | None' = None) -> None:
    """
    Run the callbacks of a node until shutdown.

    Raises ExternalShutdownException when a signal shuts down, KeyboardInterrupt for SIGINT.
    """
    from rclpy.executors import ExternalShutdownException

    executor = get_global_executor() if executor is None else executor
    try:
        executor.add_node(node)
        if not executor.context.ok():
            raise ExternalShutdownException()  # a signal came first
        while executor.context.ok():
            executor.spin_once()
    finally:
        executor.remove_node(node)


def spin_until_future_complete(
    node: 'Node', future: Future, executor: 'Executor | None' = None,
    timeout_sec: float | None = None,
) -> None:
    """Run the callbacks of a node until a future is done, the time is up or shutdown."""
    executor = get_global_executor() if executor is None else executor
    added = False
    try:
        added = executor.add_node(node)
        executor.spin_until_future_complete(future, timeout_sec)
    finally:
        if added:
            executor.remove_node(node)
