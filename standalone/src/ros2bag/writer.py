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
"""Bags of one or more files, written by a thread of their own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rosbags.interfaces import Qos
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from standalone_ros.structures import definition_text
from standalone_ros.typehash import type_hash

SECOND = 10**9
DISTRO = 'jazzy'


@dataclass(frozen=True)
class BagOptions:
    """How a bag is stored; sizes in bytes, durations in seconds, 0 for no limit.

    `storage` is mcap or sqlite3; `compression` none, file, message or (within mcap) storage.
    """

    storage: str = 'mcap'
    compression: str = 'none'
    max_size: int = 0
    max_duration: int = 0
    custom_data: tuple[tuple[str, str], ...] = ()


class BagWriter:
    """Writes messages into numbered files of one folder, and metadata.yaml at the end."""

    def __init__(self, path: Path, options: BagOptions) -> None:
        self._path, self._options = path, options
        self._topics: dict[str, tuple[str, list[Qos]]] = {}
        self._parts: list[dict[str, Any]] = []
        path.mkdir(parents=True)
        self._begin_part()

    def _begin_part(self) -> None:
        # rosbags makes a folder for each file; its name becomes the file's.
        self._writer = Writer(self._path / f'{self._path.name}_{len(self._parts)}', version=9,
                              storage_plugin=StoragePlugin[self._options.storage.upper()])
        self._writer.set_compression(
            CompressionMode[self._options.compression.upper()], CompressionFormat.ZSTD)
        for key, value in self._options.custom_data:
            self._writer.set_custom_data(key, value)
        self._writer.open()
        self._size, self._begin = 0, -1
        self._connections: dict[str, Any] = {}
        for topic, (type_name, profiles) in self._topics.items():
            self.add_topic(topic, type_name, profiles)

    def add_topic(self, topic: str, type_name: str, profiles: list[Qos]) -> None:
        """Name a topic, the type of its messages and the profiles that it is offered with."""
        self._topics[topic] = (type_name, profiles)
        self._connections[topic] = self._writer.add_connection(
            topic, type_name, msgdef=definition_text(type_name), rihs01=type_hash(type_name),
            offered_qos_profiles=profiles)

    def write(self, topic: str, stamp: int, data: bytes) -> None:
        """Write one serialised message with the time of its reception in nanoseconds."""
        limits = self._options
        if self._begin >= 0 and (
                (limits.max_duration and stamp - self._begin >= limits.max_duration * SECOND)
                or (limits.max_size and self._size >= limits.max_size)):
            self._finish_part()
            self._begin_part()
        if self._begin < 0:
            self._begin = stamp
        self._size += len(data)
        self._writer.write(self._connections[topic], stamp, data)

    def _finish_part(self) -> None:
        self._writer.close()
        folder = self._writer.path
        metadata = folder / 'metadata.yaml'
        part = yaml.safe_load(metadata.read_text())['rosbag2_bagfile_information']
        metadata.unlink()
        for path in folder.iterdir():
            path.rename(self._path / path.name)
        folder.rmdir()
        if not part['message_count']:
            # rosbags gives an empty file the largest stamp there is.
            for entry in (part, *part['files']):
                entry['starting_time'] = {'nanoseconds_since_epoch': 0}
        self._parts.append(part)

    def close(self) -> None:
        """Finish the last file and write metadata.yaml."""
        self._finish_part()
        spans = [(begin, begin + part['duration']['nanoseconds']) for part in self._parts
                 for begin in [part['starting_time']['nanoseconds_since_epoch']]
                 if part['message_count']] or [(0, 0)]
        begin = min(begin for begin, _ in spans)
        counts: Counter[str] = Counter()
        for part in self._parts:
            for entry in part['topics_with_message_count']:
                counts[entry['topic_metadata']['name']] += entry['message_count']
        last = self._parts[-1]
        for entry in last['topics_with_message_count']:
            entry['message_count'] = counts[entry['topic_metadata']['name']]
        whole = {
            **last, 'duration': {'nanoseconds': max(end for _, end in spans) - begin},
            'starting_time': {'nanoseconds_since_epoch': begin},
            'message_count': counts.total(),
            'relative_file_paths': [
                name for part in self._parts for name in part['relative_file_paths']],
            'files': [entry for part in self._parts for entry in part['files']],
            'custom_data': last['custom_data'] or {}, 'ros_distro': DISTRO}
        (self._path / 'metadata.yaml').write_text(
            yaml.safe_dump({'rosbag2_bagfile_information': whole}, sort_keys=False))


class QueuedWriter:
    """Hands messages to a `BagWriter` on a thread, so that the disk does not hold up reception.

    `error` is what ended the writing, if anything has; `lost` counts messages by topic.
    """

    def __init__(self, make_bag: Callable[[], BagWriter], cache_size: int) -> None:
        """Make the bag, on the thread that writes it: SQLite demands that."""
        self._limit, self._waiting = cache_size, 0
        self._lock = threading.Lock()
        self.error: BaseException | None = None
        self.lost: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, 'bag writer')
        try:
            self._bag = self._thread.submit(make_bag).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def _submit(self, function: Callable[..., None], *arguments: Any) -> Future:
        def run() -> None:
            if self.error is None:
                try:
                    function(*arguments)
                except Exception as error:  # the recorder ends and reports it
                    self.error = error

        return self._thread.submit(run)

    def add_topic(self, topic: str, type_name: str, profiles: list[Qos]) -> None:
        """Name a topic before its first message."""
        self._submit(self._bag.add_topic, topic, type_name, profiles)

    def write(self, topic: str, stamp: int, data: bytes) -> None:
        """Take a message to write; count it as lost where too much waits already."""
        with self._lock:
            if self._limit and self._waiting and self._waiting + len(data) > self._limit:
                self.lost[topic] += 1
                return
            self._waiting += len(data)
        written = self._submit(self._write, topic, stamp, data)
        if not self._limit:
            written.result()

    def _write(self, topic: str, stamp: int, data: bytes) -> None:
        with self._lock:
            self._waiting -= len(data)
        self._bag.write(topic, stamp, data)

    def close(self) -> None:
        """Write all that waits, and finish the bag."""
        self._submit(self._bag.close)
        self._thread.shutdown()
