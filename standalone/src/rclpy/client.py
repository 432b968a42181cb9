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
"""Clients of services."""

import threading
from typing import Any, Generic, TypeVar

from rclpy._handles import ClientHandle
from rclpy.context import Context
from rclpy.qos import QoSProfile
from rclpy.task import Future

SrvType = TypeVar('SrvType')


class _Unblock:
    """Ends the wait for a response."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def wake(self) -> None:
        self.event.set()


class Client(Generic[SrvType]):
    """Calls a service; made by Node.create_client()."""

    def __init__(
        self, context: Context, client_impl: ClientHandle, srv_type: Any, srv_name: str,
        qos_profile: QoSProfile, callback_group: Any,
    ) -> None:
        self.context = context
        self.__client = client_impl
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.qos_profile = qos_profile
        self._pending_requests: dict[int, Future] = {}
        self.callback_group = callback_group
        self._executor_event = False
        self._lock = threading.Lock()

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """
        Call and wait for the response; None on timeout or shutdown.

        The node must be spinning in another thread, or this waits for ever. Raises TypeError
        for anything but a request of this service.
        """
        if not isinstance(request, self.srv_type.Request):
            raise TypeError()
        unblock = _Unblock()
        self.context.add_sleeper(unblock)
        future = self.call_async(request)
        future.add_done_callback(lambda _: unblock.wake())
        unblock.event.wait(timeout_sec)
        if not future.done():
            self.remove_pending_request(future)
        return future.result()

    def call_async(self, request: Any) -> Future:
        """Call, and return the future of the response."""
        if not isinstance(request, self.srv_type.Request):
            raise TypeError()
        with self._lock:
            with self.handle:
                sequence_number = self.__client.send_request(request)
            if sequence_number in self._pending_requests:
                raise RuntimeError(f'Sequence ({sequence_number}) conflicts with pending request')
            future = Future()
            self._pending_requests[sequence_number] = future
            future.add_done_callback(self.remove_pending_request)
        return future

    def get_pending_request(self, sequence_number: int) -> Future:
        """Return the future of a call; raises KeyError when none waits under that number."""
        with self._lock:
            return self._pending_requests[sequence_number]

    def remove_pending_request(self, future: Future) -> None:
        """Stop waiting for a response."""
        with self._lock:
            for sequence_number, pending in list(self._pending_requests.items()):
                if pending is future:
                    del self._pending_requests[sequence_number]

    def service_is_ready(self) -> bool:
        """Return whether a server is there."""
        with self.handle:
            return self.__client.service_server_is_available()

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait until a server is there; False on timeout or shutdown."""
        with self.handle:
            return self.__client.wait_for_server(timeout_sec)

    def configure_introspection(self, *args: Any, **kwargs: Any) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError('Client.configure_introspection() is not available')

    @property
    def handle(self) -> ClientHandle:
        """The middleware's client."""
        return self.__client

    @property
    def service_name(self) -> str:
        """The resolved name of the service."""
        with self.handle:
            return self.__client.service_name

    def destroy(self) -> None:
        """Destroy the client; see Node.destroy_client()."""
        self.__client.destroy_when_not_in_use()
