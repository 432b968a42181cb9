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
"""What a measurement was made on and with."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

PACKAGES = ('vidseg_ros', 'numpy', 'opencv-python-headless', 'opencv-python', 'torch', 'openvino',
            'onnxruntime', 'tensorrt', 'rosbags', 'cyclonedds')


@functools.cache
def machine() -> dict[str, str]:
    """Return processor, cores, memory, GPUs and system, as text for people."""
    facts = {
        'processor': _processor(),
        'cores': str(len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity')
                     else os.cpu_count() or 1),
        'memory': _memory(),
        'gpu': _gpus(),
        'system': _system(),
    }
    return {key: value for key, value in facts.items() if value}


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of Python, ROS and the packages that matter to the figures."""
    found = {'python': platform.python_version(),
             'ros': os.environ.get('ROS_DISTRO') or 'standalone runtime'}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return []


def _processor() -> str:
    for line in _lines('/proc/cpuinfo'):
        key, _, value = line.partition(':')
        if key.strip() in ('model name', 'Model'):
            return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    for line in _lines('/proc/meminfo'):
        if line.startswith('MemTotal:'):
            return f'{int(line.split()[1]) / 2**20:.0f} GiB'
    return ''


def _gpus() -> str:
    tool = shutil.which('nvidia-smi')
    if tool is None:
        return ''
    try:
        asked = subprocess.run([tool, '--query-gpu=name', '--format=csv,noheader'], check=True,
                               capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ''
    return ', '.join(line.strip() for line in asked.stdout.splitlines() if line.strip())


def _system() -> str:
    names = dict(line.split('=', 1) for line in _lines('/etc/os-release') if '=' in line)
    name = names.get('PRETTY_NAME', '').strip('"')
    return ', '.join(part for part in (name, f'{platform.system()} {platform.release()}') if part)
