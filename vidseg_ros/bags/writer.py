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
"""Writing rosbag2 bags of cameras with their ground truth."""

from __future__ import annotations

import heapq
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin, Writer

from vidseg_ros.bags import messages, qos
from vidseg_ros.bags.errors import BagError
from vidseg_ros.bags.messages import Compression
from vidseg_ros.bags.track import CameraTrack
from vidseg_ros.bags.typestore import jazzy_typestore

Storage = Literal['mcap', 'sqlite3']

STORAGES: Final[tuple[Storage, ...]] = ('mcap', 'sqlite3')

_PLUGINS: Final = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
_BAG_SUFFIXES: Final = ('.mcap', '.db3', '.db3-shm', '.db3-wal', '.yaml')
# The version of metadata.yaml that Jazzy itself writes.
_VERSION: Final = 9


@dataclass(frozen=True)
class BagSummary:
    """What was written: messages by topic, size in bytes, from the first stamp to the last."""

    path: Path
    messages: dict[str, int]
    size_bytes: int
    duration_ns: int


class _CameraTopics:
    """The topics of one camera in an open bag."""

    def __init__(self, bag: Writer, track: CameraTrack, compression: Compression | None) -> None:
        self._bag = bag
        self._track = track
        self._compression = compression
        base = f'/camera/{track.camera}'
        if compression is None:
            self._image = self._add(f'{base}/image_raw', 'sensor_msgs/msg/Image')
        else:
            self._image = self._add(f'{base}/image_raw/compressed',
                                    'sensor_msgs/msg/CompressedImage')
        self._camera_info = self._add(f'{base}/camera_info', 'sensor_msgs/msg/CameraInfo')
        self._labels: Connection | None = None
        if track.labelled:
            self._labels = self._add(f'{base}/ground_truth/labels', 'sensor_msgs/msg/Image')
            label_info = self._add(f'{base}/ground_truth/label_info',
                                   'vision_msgs/msg/LabelInfo', qos.LATCHED)
            stamp = track.stamps_ns[0]
            self._write(label_info, stamp, messages.label_info(
                track.dataset.label_space, stamp, track.frame_id))

    def _add(self, topic: str, kind: str, profile: Qos = qos.STREAM) -> Connection:
        return self._bag.add_connection(topic, kind, typestore=jazzy_typestore(),
                                        offered_qos_profiles=[profile])

    def _write(self, connection: Connection, stamp_ns: int, message: Any) -> None:
        self._bag.write(connection, stamp_ns, messages.serialize(message))

    def write_frame(self, position: int) -> None:
        """Read one frame of the track and write its messages."""
        track = self._track
        index, stamp = track.indices[position], track.stamps_ns[position]
        pixels = track.dataset.image(index)
        labels = None if self._labels is None else track.dataset.labels(index)
        self._write(self._camera_info, stamp, messages.camera_info(
            pixels.shape[:2], track.dataset.camera_matrix(index), stamp, track.frame_id))
        if self._compression is None:
            self._write(self._image, stamp, messages.image(pixels, stamp, track.frame_id))
        else:
            self._write(self._image, stamp, messages.compressed_image(
                pixels, self._compression, stamp, track.frame_id))
        if self._labels is not None and labels is not None:
            self._write(self._labels, stamp, messages.image(labels, stamp, track.frame_id))


def _in_time(tracks: Sequence[CameraTrack]) -> Iterator[tuple[int, int]]:
    """Yield (track, position) of all frames, in the order of their stamps."""
    def entries(number: int, track: CameraTrack) -> Iterator[tuple[int, int, int]]:
        for position, stamp in enumerate(track.stamps_ns):
            yield stamp, number, position
    for _, number, position in heapq.merge(*(entries(*item) for item in enumerate(tracks))):
        yield number, position


def _check_target(path: Path, overwrite: bool) -> None:
    """Refuse to replace what is there, unless it is a bag and that was asked for."""
    if not path.exists() and not path.is_symlink():
        return
    if not overwrite:
        raise BagError(f'{path} exists already')
    if not path.is_dir() or path.is_symlink():
        raise BagError(f'{path} is not replaced: it is no folder')
    strange = [entry.name for entry in path.iterdir()
               if entry.suffix not in _BAG_SUFFIXES or not entry.is_file()]
    if strange or not (path / 'metadata.yaml').is_file():
        raise BagError(f'{path} is not replaced: it is no bag'
                       + (f', it holds {strange[0]}' if strange else ''))


def write_bag(path: Path | str, tracks: Sequence[CameraTrack], *, storage: Storage = 'mcap',
              compression: Compression | None = None, overwrite: bool = False,
              progress: Callable[[int, int], None] | None = None) -> BagSummary:
    """
    Write a bag that `ros2 bag play` of Jazzy and later reads.

    For each camera: ``image_raw`` (rgb8; with ``compression`` ``image_raw/compressed``),
    ``camera_info``, and where the data set has labels ``ground_truth/labels`` (mono8 class ids,
    255 unlabelled) and, once, ``ground_truth/label_info``. Message and receive stamps are the
    tracks'. One frame at a time is in memory. The bag appears at ``path`` only when it is
    complete; until then, and after any error, what was there is untouched. ``progress`` is told
    (frames done, frames in all).

    :raises BagError: if ``path`` exists and ``overwrite`` is false or it is no bag, if two
        cameras have one name, or the disk doesn't take it.
    :raises DatasetError: if a frame can't be read.
    """
    target = Path(path).expanduser()
    target = target.parent.resolve() / target.name
    if not target.name:
        raise BagError(f"'{path}' is no name for a bag")
    if not tracks:
        raise BagError('a bag needs at least one camera')
    cameras = [track.camera for track in tracks]
    if len(set(cameras)) != len(cameras):
        raise BagError(f'two cameras have one name: {", ".join(cameras)}')
    _check_target(target, overwrite)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f'.{target.name}.', dir=target.parent) as folder:
            unfinished = Path(folder) / target.name
            summary = _write(unfinished, target, tracks, storage, compression, progress)
            if target.exists():
                shutil.rmtree(target)
            unfinished.rename(target)
    except OSError as error:
        raise BagError(f"can't write {target}: {error.strerror or error}") from error
    except sqlite3.Error as error:
        raise BagError(f"can't write {target}: {error}") from error
    return summary


def _write(path: Path, target: Path, tracks: Sequence[CameraTrack], storage: Storage,
           compression: Compression | None,
           progress: Callable[[int, int], None] | None) -> BagSummary:
    total = sum(len(track.indices) for track in tracks)
    with Writer(path, version=_VERSION, storage_plugin=_PLUGINS[storage]) as bag:
        for track in tracks:
            prefix = f'{track.camera}.'
            bag.set_custom_data(f'{prefix}dataset', track.dataset.name)
            bag.set_custom_data(f'{prefix}split', track.dataset.split)
            bag.set_custom_data(f'{prefix}label_space', track.dataset.label_space.name)
        topics = [_CameraTopics(bag, track, compression) for track in tracks]
        for done, (number, position) in enumerate(_in_time(tracks), start=1):
            topics[number].write_frame(position)
            if progress is not None:
                progress(done, total)
    counts = {connection.topic: bag.counts[connection.id] for connection in bag.connections}
    size = sum(file.stat().st_size for file in path.iterdir())
    return BagSummary(target, counts, size, bag.max_timestamp - bag.min_timestamp)
