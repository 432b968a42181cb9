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
"""Waiting for one message."""

import time
from typing import Any

from standalone_ros.dds.waitset import Guard, WaitSet

from rclpy.qos import QoSProfile


class _Interrupt:
    """Wakes the wait when the context is shut down."""

    def __init__(self) -> None:
        self.guard = Guard()

    def wake(self) -> None:
        self.guard.set()


def wait_for_message(
    msg_type: Any, node: Any, topic: str, *, qos_profile: QoSProfile | int = 1,
    time_to_wait: float | int = -1,
) -> tuple[bool, Any]:
    """
    Return (True, message) with the next message, (False, None) on timeout or shutdown.

    The node need not be spinning. A negative `time_to_wait` (seconds) waits for ever.
    """
    interrupt, wait_set = _Interrupt(), WaitSet()
    node.context.add_sleeper(interrupt)
    subscription = node.create_subscription(msg_type, topic, lambda _: None, qos_profile)
    conditions = (*subscription.handle.conditions, interrupt.guard.entity)
    deadline = None if time_to_wait < 0 else time.monotonic() + time_to_wait
    try:
        while node.context.ok():
            left = -1 if deadline is None else max(int((deadline - time.monotonic()) * 1e9), 0)
            wait_set.wait(conditions, left)
            taken = subscription.handle.take_message(msg_type, False)
            if taken is not None:
                return True, taken[0]
            if left == 0:
                break
    finally:
        node.destroy_subscription(subscription)
        wait_set.close()
        interrupt.guard.close()
    return False, None
