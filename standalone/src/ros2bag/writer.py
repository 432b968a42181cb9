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
from collections import Counter, deque
from collections.abc import Callable
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
        self._path = path
        self._options = options
        self._topics: dict[str, tuple[str, list[Qos]]] = {}
        self._connections: dict[str, Any] = {}
        self._parts: list[dict[str, Any]] = []
        self._size = 0
        self._begin: int | None = None
        path.mkdir(parents=True)
        self._writer = self._next_writer()

    def _next_writer(self) -> Writer:
        # rosbags makes a folder for each file; its name becomes the file's.
        name = f'{self._path.name}_{len(self._parts)}'
        writer = Writer(self._path / name, version=9,
                        storage_plugin=StoragePlugin[self._options.storage.upper()])
        writer.set_compression(
            CompressionMode[self._options.compression.upper()], CompressionFormat.ZSTD)
        for key, value in self._options.custom_data:
            writer.set_custom_data(key, value)
        writer.open()
        self._connections = {}
        self._size, self._begin = 0, None
        self._writer = writer
        for topic in self._topics:
            self._connect(topic)
        return writer

    def _connect(self, topic: str) -> None:
        type_name, profiles = self._topics[topic]
        self._connections[topic] = self._writer.add_connection(
            topic, type_name, msgdef=definition_text(type_name), rihs01=type_hash(type_name),
            offered_qos_profiles=profiles)

    def add_topic(self, topic: str, type_name: str, profiles: list[Qos]) -> None:
        """Name a topic, the type of its messages and the profiles that it is offered with."""
        self._topics[topic] = (type_name, profiles)
        self._connect(topic)

    def write(self, topic: str, stamp: int, data: bytes) -> None:
        """Write one serialised message with the time of its reception in nanoseconds."""
        limits = self._options
        if self._begin is not None and (
                (limits.max_duration and stamp - self._begin >= limits.max_duration * SECOND)
                or (limits.max_size and self._size >= limits.max_size)):
            self._finish_part()
            self._next_writer()
        if self._begin is None:
            self._begin = stamp
        self._size += len(data)
        self._writer.write(self._connections[topic], stamp, data)

    def _finish_part(self) -> None:
        self._writer.close()
        folder = self._writer.path
        metadata = folder / 'metadata.yaml'
        part = yaml.safe_load(metadata.read_text())['rosbag2_bagfile_information']
        metadata.unlink()
        for name in part['relative_file_paths']:
            (folder / name).rename(self._path / name)
        folder.rmdir()
        self._parts.append(part)

    def close(self) -> None:
        """Finish the last file and write metadata.yaml."""
        self._finish_part()
        full = [part for part in self._parts if part['message_count']]
        begin = min((part['starting_time']['nanoseconds_since_epoch'] for part in full), default=0)
        end = max((part['starting_time']['nanoseconds_since_epoch']
                   + part['duration']['nanoseconds'] for part in full), default=0)
        counts: Counter[str] = Counter()
        for part in self._parts:
            if not part['message_count']:
                # rosbags gives an empty file the largest stamp there is.
                part['files'][0]['starting_time']['nanoseconds_since_epoch'] = 0
            for entry in part['topics_with_message_count']:
                counts[entry['topic_metadata']['name']] += entry['message_count']
        last = self._parts[-1]
        whole = {
            **last, 'duration': {'nanoseconds': end - begin},
            'starting_time': {'nanoseconds_since_epoch': begin},
            'message_count': sum(counts.values()),
            'topics_with_message_count': [
                {**entry, 'message_count': counts[entry['topic_metadata']['name']]}
                for entry in last['topics_with_message_count']],
            'relative_file_paths': [
                name for part in self._parts for name in part['relative_file_paths']],
            'files': [entry for part in self._parts for entry in part['files']],
            'custom_data': last['custom_data'] or {}, 'ros_distro': DISTRO}
        (self._path / 'metadata.yaml').write_text(
            yaml.safe_dump({'rosbag2_bagfile_information': whole}, sort_keys=False))


class QueuedWriter:
    """Hands messages to a `BagWriter` on a thread, so that the disk does not hold up reception."""

    def __init__(self, make_bag: Callable[[], BagWriter], cache_size: int) -> None:
        """Make the bag, on the thread that writes it: SQLite demands that."""
        self._make_bag = make_bag
        self._made = threading.Event()
        self._limit = cache_size
        self._queue: deque[tuple[Any, ...]] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = False
        self.error: Exception | None = None
        self.lost: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, name='bag writer')
        self._thread.start()
        self._made.wait()
        if self.error is not None:
            raise self.error

    def add_topic(self, topic: str, type_name: str, profiles: list[Qos]) -> None:
        """Name a topic before its first message."""
        with self._changed:
            self._queue.append((topic, type_name, profiles))
            self._changed.notify_all()

    def write(self, topic: str, stamp: int, data: bytes) -> None:
        """Take a message to write; count it as lost where too much waits already."""
        with self._changed:
            if not self._limit:
                self._changed.wait_for(lambda: not self._queue or self.error is not None)
            elif self._bytes + len(data) > self._limit and self._queue:
                self.lost[topic] += 1
                return
            self._queue.append((topic, stamp, data))
            self._bytes += len(data)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            bag = self._make_bag()
            self._made.set()
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._queue or self._closing)
                    if not self._queue:
                        break
                    topic, second, third = self._queue.popleft()
                    if isinstance(third, bytes):
                        self._bytes -= len(third)
                    self._changed.notify_all()
                if isinstance(third, bytes):
                    bag.write(topic, second, third)
                else:
                    bag.add_topic(topic, second, third)
            bag.close()
        except Exception as error:  # the recorder ends and reports it
            with self._changed:
                self.error = error
                self._queue.clear()
                self._changed.notify_all()
            self._made.set()

    def close(self) -> None:
        """Write all that waits, and finish the bag."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
