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
"""Build methods in the background, so that the running one goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vidseg_ros.methods.base import VideoSegmenter
from vidseg_ros.methods.registry import MethodError, create_method
from vidseg_ros.nodes.settings import Settings

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """The outcome of a build: a segmenter, or why there is none."""

    settings: Settings
    segmenter: VideoSegmenter | None
    failure: str = ''


class SegmenterBuilder:
    """
    Build one segmenter after the other in a thread of its own.

    ``done`` is called in that thread with every outcome that is still wanted when it is there;
    a request that came meanwhile supersedes it. ``sizes`` returns the image sizes (height,
    width) that a new segmenter has to be ready for.
    """

    def __init__(self, done: Callable[[Built], None],
                 sizes: Callable[[], Iterable[tuple[int, int]]]) -> None:
        self._done = done
        self._sizes = sizes
        self._condition = threading.Condition()
        self._request: Settings | None = None
        self._busy: Settings | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name='segmenter_builder', daemon=True)
        self._thread.start()

    def request(self, settings: Settings) -> None:
        """Ask for a segmenter; return at once."""
        with self._condition:
            self._request = settings
            self._condition.notify_all()

    def cancel(self) -> None:
        """Let no outcome be wanted any more."""
        with self._condition:
            self._request = None
            self._busy = None

    @property
    def building(self) -> str:
        """Return in words what is being built, '' if nothing is."""
        with self._condition:
            settings = self._request or self._busy
        if settings is None:
            return ''
        parts = [settings['method'], settings['network'], settings['checkpoint']]
        return ' '.join(part for part in parts if part) + f' ({settings["engine"]})'

    def close(self, timeout: float = 10.0) -> bool:
        """Stop after the build in work; return whether that ended within ``timeout`` seconds."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        self.cancel()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while True:
            with self._condition:
                while self._request is None and not self._closing:
                    self._condition.wait()
                if self._closing:
                    return
                settings, self._request = self._request, None
                self._busy = settings
            assert settings is not None
            built = self._build(settings)
            with self._condition:
                wanted = self._busy is settings and self._request is None and not self._closing
                if not wanted:
                    self._busy = None
            if not wanted:
                if built.segmenter is not None:
                    built.segmenter.close()
                continue
            try:
                self._done(built)
            except Exception:
                _logger.exception('what was built could not be handed over')
            with self._condition:
                if self._busy is settings:
                    self._busy = None

    def _build(self, settings: Settings) -> Built:
        segmenter = None
        try:
            segmenter = create_method(settings['method'], settings.method_options())
            own = (settings['input_height'], settings['input_width'])
            for size in list(self._sizes()) or ([own] if all(own) else []):
                segmenter.prepare(size)
        except MethodError as error:
            return self._failed(settings, segmenter, str(error))
        except Exception as error:  # a package that is broken, a device without memory
            _logger.debug('build failed', exc_info=True)
            return self._failed(settings, segmenter, f'{type(error).__name__}: {error}')
        return Built(settings, segmenter)

    @staticmethod
    def _failed(settings: Settings, segmenter: VideoSegmenter | None, reason: str) -> Built:
        if segmenter is not None:
            segmenter.close()
        return Built(settings, None, f'{settings["method"]}: {reason}')
