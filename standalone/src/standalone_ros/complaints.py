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
"""What malformed input is counted and logged by."""

import time

from standalone_ros import console

_ERROR = 40


class Complaints:
    """
    Counts what one endpoint dropped.

    Logs it, once a second at most, and the last count at the end.
    """

    def __init__(self, logger_name: str, what: str) -> None:
        self.count = 0
        self._logger_name, self._what = logger_name, what
        self._logged_count, self._logged_at = 0, float('-inf')

    def add(self, why: object) -> None:
        """Count one, dropped because of `why`."""
        self.count += 1
        now = time.monotonic()
        if now - self._logged_at >= 1.0:
            self._logged_count, self._logged_at = self.count, now
            console.log(_ERROR, self._logger_name,
                        f'dropped malformed {self._what} ({self.count} so far): {why}')

    def close(self) -> None:
        """Say how many there were in all, unless that was said."""
        if self.count > self._logged_count:
            self._logged_count = self.count
            console.log(_ERROR, self._logger_name,
                        f'dropped malformed {self._what} ({self.count} in all)')
