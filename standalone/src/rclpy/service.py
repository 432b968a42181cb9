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
"""Services."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from standalone_ros.dds.service import RequestId

from rclpy._handles import ServiceHandle
from rclpy.qos import QoSProfile

SrvType = TypeVar('SrvType')


class Service(Generic[SrvType]):
    """Answers requests; made by Node.create_service()."""

    def __init__(
        self, service_impl: ServiceHandle, srv_type: Any, srv_name: str, callback: Callable,
        callback_group: Any, qos_profile: QoSProfile,
    ) -> None:
        self.__service = service_impl
        self.srv_type = srv_type
        self.srv_name = srv_name
        self.callback = callback
        self.callback_group = callback_group
        self._executor_event = False
        self.qos_profile = qos_profile

    def send_response(self, response: Any, header: RequestId) -> None:
        """Answer a request; raises TypeError for anything but a response of this service."""
        if not isinstance(response, self.srv_type.Response):
            raise TypeError()
        if not isinstance(header, RequestId):
            raise TypeError()
        with self.handle:
            self.__service.service_send_response(response, header)

    def configure_introspection(self, *args: Any, **kwargs: Any) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError('Service.configure_introspection() is not available')

    @property
    def handle(self) -> ServiceHandle:
        """The middleware's service."""
        return self.__service

    @property
    def service_name(self) -> str:
        """The resolved name of the service."""
        with self.handle:
            return self.__service.name

    def destroy(self) -> None:
        """Destroy the service; see Node.destroy_service()."""
        self.__service.destroy_when_not_in_use()
