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

import datetime
import logging
import os
import socket
import sys
from typing import Any

_DEFAULT = '[{levelname}] [{name}]: {message}'
_TIMESTAMPED = '{created:.7f} ' + _DEFAULT


def _formatter(layout: str, style: Any = '{') -> logging.Formatter:
    return logging.Formatter(layout, style=style)


def _chosen(layout: str, variable: str, style: str | None,
            names: dict[str, str]) -> logging.Formatter:
    """Return the formatter of a layout or of its name; the environment's layout wins."""
    override = os.environ.get(variable)
    if override:
        layout = override.encode('latin1').decode('unicode_escape')
    return _formatter(names.get(layout, layout), style or '{')


class _PerLoggerFormats(logging.Handler):
    """Format each record by the layout set for its logger, or by the common one."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.formats: dict[str, logging.Formatter] = {}

    def format(self, record: logging.LogRecord) -> str:
        chosen: Any = self.formats.get(record.name, self.formatter)
        return chosen.format(record)


class _ScreenHandler(_PerLoggerFormats):
    """Write to what is standard output at the time."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stdout
        encoding = stream.encoding or 'utf-8'
        try:
            stream.write(self.format(record).encode(encoding, 'replace').decode(encoding) + '\n')
            stream.flush()
        except (BrokenPipeError, ValueError):
            # Nobody reads any more, or the stream is closed; the processes matter more.
            pass


class _FileHandler(_PerLoggerFormats):
    """Write to a file of the log directory, opened with the first record."""

    def __init__(self, name: str, formatter: logging.Formatter) -> None:
        super().__init__(formatter)
        self.__name_in_directory = name
        self.__file: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self.__file is None:
                path = launch_config.get_log_file_path(self.__name_in_directory)
                self.__file = open(path, 'a', encoding='utf-8', errors='replace')  # noqa: SIM115
            self.__file.write(self.format(record) + '\n')
            self.__file.flush()
        except OSError as error:
            # A full disk must not end a robot's launch.
            print(f'cannot write {self.__name_in_directory}: {error}', file=sys.stderr)
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
        self._log_dir: str | None = None
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
            home = os.environ.get('ROS_HOME') or os.path.join('~', '.ros')
            base = os.path.normpath(os.path.expanduser(
                os.environ.get('ROS_LOG_DIR') or os.path.join(home, 'log')))
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
        self.screen_handler.setFormatter(_chosen(
            screen_format, 'OVERRIDE_LAUNCH_SCREEN_FORMAT', screen_style,
            {'default': _DEFAULT, 'default_with_timestamp': _TIMESTAMPED}))

    def set_log_format(self, log_format: str, *, log_style: str | None = None) -> None:
        """Set the layout of lines in the log file: default or a format."""
        self._file_formatter = _chosen(
            log_format, 'OVERRIDE_LAUNCH_LOG_FORMAT', log_style, {'default': _TIMESTAMPED})
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
reset = launch_config.reset


def log_launch_config(*, logger: logging.Logger = logging.root) -> None:
    """Tell the user where the log files are and how verbose they are."""
    logger.info(f'All log files can be found below {launch_config.log_dir}')
    level = logging.getLevelName(launch_config.level)
    logger.info(f'Default logging verbosity is set to {level}')


def _attach(name: str, *handlers: logging.Handler) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(launch_config.level)
    launch_config.loggers.add(logger)
    for handler in handlers:
        logger.addHandler(handler)
    return logger


def get_logger(name: str | None = None) -> logging.Logger:
    """Give the logger that writes to the screen and to the launch's log file."""
    return _attach(name or 'launch', launch_config.screen_handler,
                   launch_config.get_log_file_handler())


_ALIASES: dict[str, dict[str, Any]] = {
    'screen': {'both': 'screen'},
    'log': {'both': 'log', 'stderr': 'screen'},
    'both': {'both': ('log', 'screen')},
    'own_log': {'both': 'own_log', 'stdout': 'own_log', 'stderr': 'own_log'},
    'full': {'both': ('screen', 'log', 'own_log'), 'stdout': 'own_log', 'stderr': 'own_log'},
}


def _destinations(config: Any) -> dict[str, set[str]]:
    """Return where stdout, stderr and both go."""
    if isinstance(config, str) and config not in _ALIASES:
        raise ValueError(
            f'{config} is not a valid standard output config i.e. "screen", "log" or "both"')
    if not isinstance(config, (str, dict)):
        raise ValueError(f'{config} is not a valid output configuration')
    result: dict[str, set[str]] = {'both': set(), 'stdout': set(), 'stderr': set()}
    for source, given in (_ALIASES[config] if isinstance(config, str) else config).items():
        if source not in result:
            raise ValueError(
                f'{source} is not a valid output source i.e. "stdout", "stderr" or "both"')
        result[source] = {given} if isinstance(given, str) else set(given)
        for destination in result[source] - {'screen', 'log', 'own_log'}:
            raise ValueError(f'{destination} is not a valid output destination '
                             'i.e. "screen", "log" or "own_log"')
    return result


def get_output_loggers(
    process_name: str, output_config: str | dict[str, Any]
) -> tuple[logging.Logger, logging.Logger]:
    """Give the loggers for what a process writes to stdout and stderr.

    :param output_config: screen, log (all to the log file, stderr to the screen as well), both,
        own_log, full; or a dictionary from stdout, stderr, both to screen, log, own_log.
    :raises ValueError: if it is none of these.
    """
    config = _destinations(output_config)

    def logger_of(source: str) -> logging.Logger:
        logger = _attach(f'{process_name}-{source}')
        # What a process prints is shown whatever the verbosity of launch itself.
        if 'screen' in config['both'] | config[source]:
            launch_config.screen_handler.formats[logger.name] = _formatter('{message}')
            logger.addHandler(launch_config.screen_handler)
        if 'log' in config['both'] | config[source]:
            handler = launch_config.get_log_file_handler()
            handler.formats[logger.name] = _formatter('{created:.7f} {message}')
            logger.addHandler(handler)
        for where, name in ((source, f'{process_name}-{source}.log'),
                            ('both', f'{process_name}.log')):
            if 'own_log' in config[where]:
                handler = launch_config.get_log_file_handler(name)
                handler.setFormatter(_formatter('{message}'))
                logger.addHandler(handler)
        return logger

    return logger_of('stdout'), logger_of('stderr')
