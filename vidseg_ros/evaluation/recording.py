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
"""What a bag holds for an evaluation: which cameras, how many images, how much ground truth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

_IMAGES = re.compile(r'/camera/(?P<camera>\w+)/image_raw(?P<compressed>/compressed)?\Z')


class RecordingError(ValueError):
    """A bag can't be evaluated; the message is meant for people."""


@dataclass(frozen=True)
class RecordedCamera:
    """
    One camera of a bag: how many images and ground truth label images it has.

    ``transport`` is 'raw' or 'compressed', as segmentation_node's parameter has it; a bag that
    holds both is played raw.
    """

    name: str
    transport: str
    images: int
    truths: int


def _counts_in_metadata(bag: Path) -> dict[str, int]:
    """Return the number of messages by topic; plain YAML, for launch files to need no more."""
    try:
        metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())
        topics = metadata['rosbag2_bagfile_information']['topics_with_message_count']
        return {topic['topic_metadata']['name']: int(topic['message_count']) for topic in topics}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"'{bag}' is no bag that can be read: {error}") from error


def _counts_in_file(bag: Path) -> dict[str, int]:
    """Return the number of messages by topic of a lone .mcap or .db3 file."""
    from rosbags.rosbag2 import Reader, ReaderError

    counts: dict[str, int] = {}
    try:
        with Reader(bag) as reader:
            for connection in reader.connections:
                counts[connection.topic] = counts.get(connection.topic, 0) + connection.msgcount
    except (ReaderError, OSError, ValueError) as error:
        raise RecordingError(f"'{bag}' is no bag that can be read: {error}") from error
    return counts


def recorded_cameras(bag: Path) -> dict[str, RecordedCamera]:
    """
    Return the cameras of a bag by name, in the bag's order.

    :raises RecordingError: if it can't be read or has no camera.
    """
    if not bag.exists():
        raise RecordingError(f"there is no bag '{bag}'")
    counts = _counts_in_metadata(bag) if bag.is_dir() else _counts_in_file(bag)
    cameras: dict[str, RecordedCamera] = {}
    for topic, number in counts.items():
        match = _IMAGES.match(topic)
        if not match or not number:
            continue
        name = match['camera']
        if name in cameras and match['compressed']:
            continue
        cameras[name] = RecordedCamera(
            name, 'compressed' if match['compressed'] else 'raw', number,
            counts.get(f'/camera/{name}/ground_truth/labels', 0))
    if not cameras:
        raise RecordingError(f"'{bag}' has no images on a topic /camera/<name>/image_raw; it has "
                             f'{", ".join(sorted(counts)) or "nothing"}')
    return cameras


def chosen_cameras(bag: Path, names: list[str]) -> list[RecordedCamera]:
    """
    Return the cameras of a bag with these names, all if none is named.

    :raises RecordingError: as ``recorded_cameras``, or if one is not there, or if some are raw
        and some compressed.
    """
    there = recorded_cameras(bag)
    for name in names:
        if name not in there:
            raise RecordingError(f"'{bag}' has no camera '{name}'; it has {', '.join(there)}")
    chosen = [there[name] for name in names] or list(there.values())
    if len({camera.transport for camera in chosen}) > 1:
        raise RecordingError(f"'{bag}' has raw and compressed cameras, which can't be replayed "
                             'together; name some of one kind')
    return chosen
