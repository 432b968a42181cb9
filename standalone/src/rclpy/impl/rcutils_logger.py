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
"""Loggers."""

import inspect
import os
from types import FrameType
from typing import Any

from standalone_ros import console

from rclpy.clock import Clock
from rclpy.impl.logging_severity import LoggingSeverity

_FILTERS: dict[str, dict[str, Any]] = {
    'throttle': {'throttle_duration_sec': None, 'throttle_time_source_type': Clock()},
    'skip_first': {'skip_first': None},
    'once': {'once': None},
}


def _detect_filters(options: dict[str, Any]) -> list[str]:
    """Return the filters asked for, and fill in what they were not given."""
    detected = [name for name, params in _FILTERS.items() if any(options.get(p) for p in params)]
    for name in detected:
        for param, default in _FILTERS[name].items():
            if param not in options:
                if default is None:
                    raise TypeError(f'required parameter "{param}" not specified but is required '
                                    f'for the the logging filter "{name}"')
                options[param] = default
    known = [param for params in _FILTERS.values() for param in params]
    for param in options:
        if param not in known:
            raise TypeError(f'parameter "{param}" is not one of the recognized logging options '
                            f'"{known}"')
    return detected


class _CallSite:
    """What one logging call in the source has done so far."""

    def __init__(
        self, name: str, severity: LoggingSeverity, filters: list[str], options: dict[str, Any],
    ) -> None:
        self.name, self.severity, self.filters, self.options = name, severity, filters, options
        self.last_logged = 0
        self.first_skipped = False
        self.logged_once = False
        clock = options.get('throttle_time_source_type')
        if 'throttle' in filters and not isinstance(clock, Clock):
            raise ValueError(f'Received throttle_time_source_type of "{clock}" is not a clock '
                             'instance')

    def check(
        self, name: str, severity: LoggingSeverity, filters: list[str], options: dict[str, Any],
    ) -> None:
        if severity != self.severity:
            raise ValueError('Logger severity cannot be changed between calls.')
        if name != self.name:
            raise ValueError('Logger name cannot be changed between calls.')
        if filters != self.filters:
            raise ValueError('Requested logging filters cannot be changed between calls.')
        if any(options.get(p) != self.options.get(p) for f in filters for p in _FILTERS[f]):
            raise ValueError('Logging filter parameters cannot be changed between calls.')

    def should_log(self) -> bool:
        return all(getattr(self, f'_{name}')() for name in self.filters)

    def _throttle(self) -> bool:
        now = self.options['throttle_time_source_type'].now().nanoseconds
        if now < self.last_logged + self.options['throttle_duration_sec'] * 1e9:
            return False
        self.last_logged = now
        return True

    def _skip_first(self) -> bool:
        skipped, self.first_skipped = self.first_skipped, True
        return skipped

    def _once(self) -> bool:
        logged, self.logged_once = self.logged_once, True
        return not logged


def _caller() -> FrameType:
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    assert frame is not None
    return frame


class RcutilsLogger:
    """A named logger; dots in the name make a hierarchy of levels."""

    def __init__(self, name: str = '') -> None:
        self.name = name
        self._call_sites: dict[tuple[str, int, int], _CallSite] = {}

    def get_child(self, name: str) -> 'RcutilsLogger':
        """Return the logger `self.name + '.' + name`."""
        if not name:
            raise ValueError('Child logger name must not be empty.')
        return RcutilsLogger(f'{self.name}.{name}' if self.name else name)

    def set_level(self, level: int) -> None:
        """Set the level below which messages are dropped."""
        console.set_level(self.name, LoggingSeverity(level))

    def get_effective_level(self) -> LoggingSeverity:
        """Return the level in force: own, inherited or default."""
        return LoggingSeverity(console.effective_level(self.name))

    def is_enabled_for(self, severity: int) -> bool:
        """Return whether messages of that severity are passed on."""
        severity = LoggingSeverity(severity)
        return severity != 0 and severity >= console.effective_level(self.name)

    def log(self, message: str, severity: int, **kwargs: Any) -> bool:
        """
        Log a message, if the level and the filters let it through.

        Filters: `throttle_duration_sec` (with `throttle_time_source_type`), `skip_first`, `once`.
        Their state belongs to the line of code that calls. Returns whether it was logged.
        """
        severity = LoggingSeverity(severity)
        if not self.is_enabled_for(severity):
            return False
        name = kwargs.pop('name', self.name)
        filters = _detect_filters(kwargs)
        frame = _caller()
        key = (frame.f_code.co_filename, frame.f_lineno, frame.f_lasti)
        site = self._call_sites.get(key)
        if site is None:
            site = self._call_sites[key] = _CallSite(name, severity, filters, kwargs)
        else:
            site.check(name, severity, filters, kwargs)
        if not site.should_log():
            return False
        if not isinstance(message, str):
            raise TypeError(f'log message must be a str, not {type(message)}')
        console.log(severity, name, message, frame.f_code.co_name,
                    os.path.abspath(frame.f_code.co_filename), frame.f_lineno)
        return True

    def debug(self, message: str, **kwargs: Any) -> bool:
        """Log with severity DEBUG."""
        return self.log(message, LoggingSeverity.DEBUG, **kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log with severity INFO."""
        return self.log(message, LoggingSeverity.INFO, **kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log with severity WARN."""
        return self.log(message, LoggingSeverity.WARN, **kwargs)

    def warn(self, message: str, **kwargs: Any) -> bool:
        """Log with severity WARN."""
        return self.log(message, LoggingSeverity.WARN, **kwargs)

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log with severity ERROR."""
        return self.log(message, LoggingSeverity.ERROR, **kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log with severity FATAL."""
        return self.log(message, LoggingSeverity.FATAL, **kwargs)
