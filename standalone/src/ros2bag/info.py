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
"""`ros2 bag info` and `ros2 bag list`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import yaml
from rosbags.rosbag2 import Reader, ReaderError

PLUGINS = {'storage': {'mcap': 'Files with an index, the default',
                       'sqlite3': 'SQLite databases'},
           'converter': {'cdr': 'What DDS carries'},
           'compressor': {'zstd': 'Zstandard'}}


def read_metadata(path: Path) -> dict[str, Any]:
    """Return what metadata.yaml holds, or, of a single file, what it would hold.

    :raises ReaderError: this is no bag.
    """
    folder = path if path.is_dir() else path.parent
    try:
        found = yaml.safe_load((folder / 'metadata.yaml').read_text())
        metadata = found['rosbag2_bagfile_information']
        names = [Path(name).name for name in metadata['relative_file_paths']]
        if path.is_dir() or names == [path.name]:
            return metadata
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        if path.is_dir():
            raise ReaderError(f"Could not read metadata of '{path}': {error}") from error
    with Reader(path) as reader:
        count = reader.message_count
        return {
            'storage_identifier': 'mcap' if path.suffix == '.mcap' else 'sqlite3',
            'ros_distro': reader.ros_distro or '',
            'duration': {'nanoseconds': reader.duration - 1 if count else 0},
            'starting_time': {'nanoseconds_since_epoch': reader.start_time if count else 0},
            'message_count': count,
            'relative_file_paths': [path.name],
            'topics_with_message_count': [
                {'topic_metadata': {'name': connection.topic, 'type': connection.msgtype,
                                    'serialization_format': 'cdr'},
                 'message_count': connection.msgcount} for connection in reader.connections]}


def _size(count: float) -> str:
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if count < 1024:
            return f'{count:.0f} B' if unit == 'B' else f'{count:.1f} {unit}'
        count /= 1024
    return f'{count:.1f} TiB'


def _stamp(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    text = time.strftime('%b %d %Y %H:%M:%S', time.localtime(seconds))
    return f'{text}.{rest:09d} ({seconds}.{rest:09d})'


def report(path: Path, metadata: dict[str, Any]) -> str:
    """Write what `ros2 bag info` prints of a bag."""
    start = metadata['starting_time']['nanoseconds_since_epoch']
    duration = metadata['duration']['nanoseconds']
    names = [str(path)] if path.is_file() else [
        Path(name).name for name in metadata['relative_file_paths']]
    files = [path] if path.is_file() else [file for file in path.rglob('*') if file.is_file()]
    topics = ['Topic: {name} | Type: {type} | Count: {count} | '
              'Serialization Format: {serialization_format}'.format(
                  **entry['topic_metadata'], count=entry['message_count'])
              for entry in metadata['topics_with_message_count']]
    indent = '\n' + ' ' * 19
    return f"""
Files:             {indent.join(names)}
Bag size:          {_size(sum(file.stat().st_size for file in files))}
Storage id:        {metadata['storage_identifier']}
ROS Distro:        {metadata.get('ros_distro', '')}
Duration:          {duration // 10**9}.{duration % 10**9:09d}s
Start:             {_stamp(start)}
End:               {_stamp(start + duration)}
Messages:          {metadata['message_count']}
Topic information: {indent.join(topics)}
Service:           0
Service information: """


def main(args: argparse.Namespace) -> str | None:
    """Print what is in a bag."""
    path = Path(args.bag_path)
    try:
        metadata = read_metadata(path)
        if args.storage and metadata['storage_identifier'] != args.storage:
            return f"[ERROR] [ros2bag]: '{path}' is not stored as {args.storage}"
        if args.topic_name:
            for entry in metadata['topics_with_message_count']:
                print(entry['topic_metadata']['name'])
        else:
            print(report(path, metadata))
    except (ReaderError, KeyError, TypeError) as error:
        return f'[ERROR] [ros2bag]: {error}'
    return None


def list_plugins(args: argparse.Namespace) -> None:
    """Print the names of what bags can be stored in, or compressed with."""
    for name, description in PLUGINS[args.plugin_type].items():
        print(f'{name}\n\t{description}' if args.verbose else name)
