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

"""Logging to the screen, to the launch's log file and to files of single processes."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import sys
from typing import Any

_DEFAULT = '[{levelname}] [{name}]: {message}'
_TIMESTAMPED = '{created:.7f} ' + _DEFAULT


def _formatter(layout: str) -> logging.Formatter:
    return logging.Formatter(layout, style='{')


def _logging_directory() -> str:
    path = os.environ.get('ROS_LOG_DIR')
    if not path:
        home = os.environ.get('ROS_HOME') or os.path.join('~', '.ros')
        path = os.path.join(home, 'log')
    return os.path.normpath(os.path.expanduser(path))


class _PerLoggerFormats(logging.Handler):
    """Format each record by the layout set for its logger, or by the common one."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.formats: dict[str, logging.Formatter] = {}

    def format(self, record: logging.LogRecord) -> str:
        chosen = self.formats.get(record.name) or self.formatter
        return chosen.format(record) if chosen is not None else record.getMessage()


class _ScreenHandler(_PerLoggerFormats):
    """Write to what is standard output at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stdout
        line = self.format(record) + '\n'
        try:
            try:
                stream.write(line)
            except UnicodeEncodeError:
                encoding = stream.encoding or 'ascii'
                stream.write(line.encode(encoding, 'replace').decode(encoding))
            stream.flush()
        except (BrokenPipeError, ValueError):
            # Nobody reads any more, or the stream is closed; the processes matter more.
            pass


class _FileHandler(_PerLoggerFormats):
    """Write to a file of the log directory, opened with the first record."""

    def __init__(self, name: str, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        self.name_in_directory = name
        self.__file: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.__file is None:
                path = launch_config.get_log_file_path(self.name_in_directory)
                self.__file = open(path, 'a', encoding='utf-8', errors='replace')  # noqa: SIM115
            self.__file.write(self.format(record) + '\n')
            self.__file.flush()
        except OSError as error:
            if self.__file is not None or self.name_in_directory == 'launch.log':
                # A full disk must not end a robot's launch.
                print(f'cannot write {self.name_in_directory}: {error}', file=sys.stderr)
            self.__file = open(os.devnull, 'w')  # noqa: SIM115

    def close(self) -> None:
        if self.__file is not None:
            self.__file.close()
            self.__file = None
        super().close()


class LaunchConfig:
    """Configure the logging of launch."""

    def __init__(self) -> None:
        self.file_handlers: dict[str, _FileHandler] = {}
        self.screen_handler = _ScreenHandler(_formatter(_DEFAULT))
        self.loggers: set[logging.Logger] = set()
        self._level = logging.INFO
        self._log_dir: str | None = None
        self.reset()

    def reset(self) -> None:
        """Forget log directory, files and levels."""
        for handler in self.file_handlers.values():
            handler.close()
        for logger in self.loggers:
            logger.handlers.clear()
        self.file_handlers.clear()
        self.loggers.clear()
        self.screen_handler.formats.clear()
        self._log_dir = None
        self.level = logging.INFO
        self.set_screen_format('default')
        self.set_log_format('default')

    @property
    def level(self) -> int:
        return self._level

    @level.setter
    def level(self, new_level: int) -> None:
        self._level = new_level
        for logger in self.loggers:
            logger.setLevel(new_level)

    @property
    def log_dir(self) -> str:
        """Give the log directory of this process, made at first use."""
        if self._log_dir is None:
            base = _logging_directory()
            now = datetime.datetime.now().strftime('%Y-%m-%d-%H-%M-%S-%f')
            path = os.path.join(base, f'{now}-{socket.gethostname()}-{os.getpid()}')
            os.makedirs(path, exist_ok=True)
            self._log_dir = path
            latest = os.path.join(base, 'latest')
            try:
                if os.path.islink(latest):
                    os.unlink(latest)
                os.symlink(path, latest, target_is_directory=True)
            except OSError:
                # Another launch was faster; the link is a convenience.
                pass
        return self._log_dir

    @log_dir.setter
    def log_dir(self, new_log_dir: str | None) -> None:
        if new_log_dir is not None and not os.path.isdir(new_log_dir):
            raise ValueError(f'{new_log_dir} is not a directory')
        self._log_dir = new_log_dir

    def set_screen_format(self, screen_format: str, *, screen_style: str | None = None) -> None:
        """Set the layout of lines on the screen: default, default_with_timestamp or a format."""
        override = os.environ.get('OVERRIDE_LAUNCH_SCREEN_FORMAT')
        layout = override.encode('latin1').decode('unicode_escape') if override else screen_format
        layout = {'default': _DEFAULT, 'default_with_timestamp': _TIMESTAMPED}.get(layout, layout)
        self.screen_handler.setFormatter(
            logging.Formatter(layout, style=screen_style or '{')  # type: ignore[arg-type]
        )

    def set_log_format(self, log_format: str, *, log_style: str | None = None) -> None:
        """Set the layout of lines in the log file: default or a format."""
        override = os.environ.get('OVERRIDE_LAUNCH_LOG_FORMAT')
        layout = override.encode('latin1').decode('unicode_escape') if override else log_format
        layout = {'default': _TIMESTAMPED}.get(layout, layout)
        self._file_formatter = logging.Formatter(
            layout, style=log_style or '{'  # type: ignore[arg-type]
        )
        for handler in self.file_handlers.values():
            handler.setFormatter(self._file_formatter)

    def get_screen_handler(self) -> logging.Handler:
        return self.screen_handler

    def get_log_file_path(self, file_name: str = 'launch.log') -> str:
        return os.path.join(self.log_dir, file_name)

    def get_log_file_handler(self, file_name: str = 'launch.log') -> _FileHandler:
        """Give the handler that writes this file, always the same one."""
        if file_name not in self.file_handlers:
            self.file_handlers[file_name] = _FileHandler(file_name, self._file_formatter)
        return self.file_handlers[file_name]


launch_config = LaunchConfig()


def log_launch_config(*, logger: logging.Logger = logging.root) -> None:
    """Tell the user where the log files are and how verbose they are."""
    logger.info(f'All log files can be found below {launch_config.log_dir}')
    level = logging.getLevelName(launch_config.level)
    logger.info(f'Default logging verbosity is set to {level}')


def _attach(logger: logging.Logger, *handlers: logging.Handler) -> logging.Logger:
    logger.propagate = False
    logger.setLevel(launch_config.level)
    launch_config.loggers.add(logger)
    for handler in handlers:
        if handler not in logger.handlers:
            logger.addHandler(handler)
    return logger


def get_logger(name: str | None = None) -> logging.Logger:
    """Give the logger that writes to the screen and to the launch's log file."""
    return _attach(logging.getLogger(name or 'launch'), launch_config.get_screen_handler(),
                   launch_config.get_log_file_handler())


_ALIASES: dict[str, dict[str, set[str]]] = {
    'screen': {'both': {'screen'}},
    'log': {'both': {'log'}, 'stderr': {'screen'}},
    'both': {'both': {'log', 'screen'}},
    'own_log': {'both': {'own_log'}, 'stdout': {'own_log'}, 'stderr': {'own_log'}},
    'full': {'both': {'screen', 'log', 'own_log'}, 'stdout': {'own_log'}, 'stderr': {'own_log'}},
}


def _normalize_output_configuration(config: Any) -> dict[str, set[str]]:
    normalized: dict[str, set[str]] = {'both': set(), 'stdout': set(), 'stderr': set()}
    if isinstance(config, str):
        if config not in _ALIASES:
            raise ValueError(
                f'{config} is not a valid standard output config i.e. "screen", "log" or "both"'
            )
        return {**normalized, **_ALIASES[config]}
    if not isinstance(config, dict):
        raise ValueError(f'{config} is not a valid output configuration')
    for source, destinations in config.items():
        if source not in normalized:
            raise ValueError(
                f'{source} is not a valid output source i.e. "stdout", "stderr" or "both"'
            )
        normalized[source] = {destinations} if isinstance(destinations, str) else set(destinations)
        for destination in normalized[source]:
            if destination not in ('screen', 'log', 'own_log'):
                raise ValueError(
                    f'{destination} is not a valid output destination '
                    'i.e. "screen", "log" or "own_log"'
                )
    return normalized


def get_output_loggers(
    process_name: str, output_config: str | dict[str, Any]
) -> tuple[logging.Logger, logging.Logger]:
    """Give the loggers for what a process writes to stdout and stderr.

    :param output_config: screen, log (all to the log file, stderr to the screen as well), both,
        own_log, full; or a dictionary from stdout, stderr, both to screen, log, own_log.
    :raises ValueError: if it is none of these.
    """
    config = _normalize_output_configuration(output_config)
    loggers = []
    for source in ('stdout', 'stderr'):
        logger = _attach(logging.getLogger(f'{process_name}-{source}'))
        # What a process prints is shown whatever the verbosity of launch itself.
        destinations = config['both'] | config[source]
        if 'screen' in destinations:
            launch_config.screen_handler.formats[logger.name] = _formatter('{message}')
            logger.addHandler(launch_config.screen_handler)
        if 'log' in destinations:
            handler = launch_config.get_log_file_handler()
            handler.formats[logger.name] = _formatter('{created:.7f} {message}')
            logger.addHandler(handler)
        own_files = [f'{process_name}-{source}.log'] if 'own_log' in config[source] else []
        own_files += [f'{process_name}.log'] if 'own_log' in config['both'] else []
        for name in own_files:
            handler = launch_config.get_log_file_handler(name)
            handler.setFormatter(_formatter('{message}'))
            logger.addHandler(handler)
        loggers.append(logger)
    return loggers[0], loggers[1]


def reset() -> None:
    """Forget all that was configured."""
    launch_config.reset()
