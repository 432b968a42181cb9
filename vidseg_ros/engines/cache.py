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
"""The disk cache of engines: what took long to build or to measure, so that it is done once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)

_ENTRY = 'entry.json'
_PART = '.part-'
# What is kept in bytes; the entries that nobody asked for the longest go first.
LIMIT = 4 << 30
_PART_LIFE_S = 24 * 3600


def default_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/vidseg_ros/engines``, by default under ``~/.cache``."""
    base = os.environ.get('XDG_CACHE_HOME') or os.path.join(os.path.expanduser('~'), '.cache')
    return Path(base) / 'vidseg_ros' / 'engines'


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def key_of(identity: Mapping[str, str]) -> str:
    """Return the name of the entry that holds what ``identity`` describes."""
    return hashlib.sha256(json.dumps(dict(identity), sort_keys=True).encode()).hexdigest()[:40]


class EngineCache:
    """
    Folders of files and small values, each under an identity: what they were made from and with.

    An entry that is damaged, that belongs to somebody else or that says it is of something else
    is taken for absent. A folder that can't be written is no error: nothing is kept then.
    Processes may use one folder at a time; an entry appears whole or not at all.
    """

    def __init__(self, folder: Path | None = None, limit: int = LIMIT) -> None:
        self.folder = folder or default_folder()
        self._limit = limit

    def load(self, identity: Mapping[str, str]) -> Path | None:
        """Return the folder with the files of ``identity``, or None if there is no sound one."""
        folder = self.folder / key_of(identity)
        try:
            entry = json.loads((folder / _ENTRY).read_text())
            sound = (
                folder.stat().st_uid in (os.getuid(), 0)
                and entry['identity'] == dict(identity)
                and all(_digest(folder / n) == d for n, d in entry['files'].items())
            )
        except FileNotFoundError:
            sound = not folder.exists()
            if sound:
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            sound = False
        if not sound:
            _logger.warning('%s is damaged or not ours; it is made anew', folder)
            self.discard(identity)
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / _ENTRY)
        return folder

    def store(
        self, identity: Mapping[str, str], write: Callable[[Path], None]
    ) -> Path | None:
        """
        Keep the files that ``write`` puts into the folder it is given; return where they lie.

        Returns None where nothing can be kept: without calling ``write`` if that shows before, or
        after it where the disk is full. Other errors of ``write`` pass through. Neither leaves a
        trace.
        """
        part = self._part()
        if part is None:
            return None
        try:
            write(part)
            files = {p.name: _digest(p) for p in sorted(part.iterdir())}
            entry = {'identity': dict(identity), 'files': files}
            (part / _ENTRY).write_text(json.dumps(entry, indent=1, sort_keys=True))
            final = self.folder / key_of(identity)
            try:
                part.rename(final)
            except OSError:
                # Another process was quicker, or what lay there was not sound.
                if self.load(identity) is None:
                    shutil.rmtree(final, ignore_errors=True)
                    part.rename(final)
        except OSError as error:
            _logger.warning('%s is not kept: %s', identity.get('what', 'an engine'), error)
            return None
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._prune(final)
        return final

    def discard(self, identity: Mapping[str, str]) -> None:
        """Remove the files of ``identity``, as far as that is possible."""
        path = self.folder / key_of(identity)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()

    def recall(self, identity: Mapping[str, str]) -> Any:
        """Return the value remembered for ``identity``, None if there is none."""
        try:
            found = json.loads((self.folder / f'{key_of(identity)}.json').read_text())
            return found['value'] if found['identity'] == dict(identity) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, identity: Mapping[str, str], value: Any) -> None:
        """Keep a small value, of what JSON can hold, for ``identity``, where that is possible."""
        path = self.folder / f'{key_of(identity)}.json'
        text = json.dumps({'identity': dict(identity), 'value': value}, indent=1, sort_keys=True)
        part = self._part()
        if part is None:
            return
        try:
            (part / path.name).write_text(text)
            (part / path.name).replace(path)
        except OSError as error:
            _logger.debug('%s is not kept: %s', path, error)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _part(self) -> Path | None:
        """Return a new folder to write to, or None where the cache can't be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return Path(tempfile.mkdtemp(prefix=_PART, dir=self.folder))
        except OSError as error:
            _logger.info('engines are not kept in %s: %s', self.folder, error)
            return None

    def _prune(self, keep: Path) -> None:
        """Remove what was left half written and, beyond the limit, what was used longest ago."""
        found = []
        with contextlib.suppress(OSError):
            for folder in self.folder.iterdir():
                with contextlib.suppress(OSError):
                    if folder.name.startswith(_PART):
                        if time.time() - folder.stat().st_mtime > _PART_LIFE_S:
                            shutil.rmtree(folder, ignore_errors=True)
                    elif folder.is_dir():
                        size = sum(p.stat().st_size for p in folder.iterdir())
                        found.append(((folder / _ENTRY).stat().st_mtime, size, folder))
        total = sum(size for _, size, _ in found)
        for _, size, folder in sorted(found):
            if total <= self._limit:
                break
            if folder != keep:
                shutil.rmtree(folder, ignore_errors=True)
                total -= size
