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
"""What an engine was built from, in a form that changes whenever the engine would."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import os
import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch

from vidseg_ros.engines.base import DeployedNetwork


@cache
def _source_digest(folder: Path) -> str:
    """Return a digest of the Python files in ``folder``: they say what a module computes."""
    found = hashlib.sha256()
    for path in sorted(folder.glob('*.py')):
        found.update(path.name.encode() + b'\0' + path.read_bytes())
    return found.hexdigest()


def _plain(value: Any) -> str:
    """Return an attribute as text without addresses, which differ between processes."""
    if isinstance(value, (torch.Tensor, torch.nn.Module)):
        return ''
    if isinstance(value, (list, tuple)):
        return '(' + ','.join(_plain(v) for v in value) + ')'
    if isinstance(value, dict):
        return '{' + ','.join(f'{k}:{_plain(v)}' for k, v in value.items()) + '}'
    if callable(value):
        return str(getattr(value, '__qualname__', type(value).__qualname__))
    text = repr(value)
    return type(value).__qualname__ if ' at 0x' in text else text


def network_digest(network: DeployedNetwork) -> str:
    """
    Return a digest of a network: its weights, its structure and the code that it runs.

    Equal in every process; different after any change of a weight or of a source file beside
    those of its modules.
    """
    found = hashlib.sha256()
    found.update(repr((tuple(network.input_names), tuple(network.output_names))).encode())
    if not isinstance(network, torch.nn.Module):
        raise TypeError(f'{type(network).__name__} is not a torch module')
    folders = set()
    for name, module in network.named_modules():
        kind = type(module)
        found.update(f'{name}={kind.__module__}.{kind.__qualname__}'.encode())
        for key, value in sorted(vars(module).items()):
            if not key.startswith('_') and key != 'training':
                found.update(f';{key}={_plain(value)}'.encode())
        if not kind.__module__.startswith('torch.'):
            folders.add(Path(inspect.getfile(kind)).parent)
    for folder in sorted(folders):
        found.update(_source_digest(folder).encode())
    for name, tensor in network.state_dict().items():
        array = tensor.detach().cpu().contiguous()
        found.update(f'{name}:{array.dtype}:{tuple(array.shape)}'.encode())
        found.update(array.reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


def package_version(name: str) -> str:
    """Return the version of an installed distribution, '' if it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ''


@cache
def processor() -> str:
    """Return the name of the processor and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                name = line.partition(':')[2].strip()
                break
    except OSError:
        pass
    affinity = getattr(os, 'sched_getaffinity', None)  # not everywhere
    cores = len(affinity(0)) if affinity is not None else os.cpu_count()
    return f'{name}, {cores} cores'


@cache
def accelerator() -> str:
    """Return the name of the GPU and what it can do, '' if torch sees none."""
    if not torch.cuda.is_available():
        return ''
    major, minor = torch.cuda.get_device_capability()
    return f'{torch.cuda.get_device_name()}, compute {major}.{minor}, CUDA {torch.version.cuda}'


def machine() -> dict[str, str]:
    """Return what times measured here depend on, besides what was measured."""
    return {'processor': processor(), 'accelerator': accelerator()}
