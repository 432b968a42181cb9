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
"""Handlers for tests."""

from typing import Any

from launch.actions import ExecuteProcess
from launch.event_handlers import OnProcessIO


class StdoutReadyListener(OnProcessIO):
    """Yield entities when a process has written a text to stdout."""

    def __init__(self, *, target_action: ExecuteProcess | None = None,
                 ready_txt: str, actions: list) -> None:
        def on_stdout(event: Any) -> Any:
            return actions if ready_txt in event.text.decode(errors='replace') else None

        super().__init__(target_action=target_action, on_stdout=on_stdout)
