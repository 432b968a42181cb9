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
"""
Checkpoints: weights in safetensors with what is needed to use and to judge them.

A checkpoint holds the tensors of one network (half precision when shipped) and, in the file's
metadata, a JSON object under the key ``vidseg_ros``. Nothing is unpickled, ever.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from vidseg_ros.labels.registry import label_space
from vidseg_ros.networks.registry import UnknownNetworkError, network_spec

_KEY = 'vidseg_ros'
FORMAT = 1

# The statistics of ImageNet, in RGB and on [0, 1], which the field normalises by.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


# What metadata must be: a value of that type or, with a length, so many numbers of it.
_KINDS: dict[str, tuple[type | tuple[type, ...], int]] = {
    'network': (str, 0), 'label_space': (str, 0), 'data': (str, 0), 'licence': (str, 0),
    'recipe': (dict, 0), 'metrics': (dict, 0),
    'input_size': (int, 2), 'mean': ((int, float), 3), 'std': ((int, float), 3),
}  # fmt: skip


def _numbers(values: Any, kind: type | tuple[type, ...], length: int) -> bool:
    """Tell whether these are so many numbers of a kind."""
    return (isinstance(values, (list, tuple)) and len(values) == length
            and all(isinstance(v, kind) and not isinstance(v, bool) for v in values))  # fmt: skip


class CheckpointError(ValueError):
    """A file is no checkpoint of ours, or does not fit; the message says which and why."""


@dataclass(frozen=True)
class CheckpointMetadata:
    """
    What a checkpoint says of itself.

    ``network`` is 'network/variant', ``label_space`` its classes, ``mean`` and ``std`` the
    normalisation in RGB on [0, 1], ``input_size`` (height, width) what it was trained for,
    ``data`` and ``recipe`` where it comes from, ``metrics`` what was measured.
    """

    network: str
    label_space: str
    input_size: tuple[int, int]
    mean: tuple[float, float, float] = MEAN
    std: tuple[float, float, float] = STD
    data: str = ''
    recipe: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    licence: str = ''
    format: int = FORMAT

    @classmethod
    def parse(cls, text: str, path: Path) -> CheckpointMetadata:
        """
        Read the JSON of a checkpoint's metadata.

        :raises CheckpointError: if it is not ours or has keys this version does not know.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise CheckpointError(f'{path}: metadata is not JSON: {error}') from error
        if not isinstance(values, dict):
            raise CheckpointError(f'{path}: metadata is not a JSON object')
        if values.get('format') != FORMAT:
            raise CheckpointError(
                f'{path}: checkpoint format {values.get("format")!r}, expected {FORMAT}'
            )
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise CheckpointError(f'{path}: unknown metadata: {", ".join(sorted(unknown))}')
        missing = {'network', 'label_space', 'input_size'} - set(values)
        if missing:
            raise CheckpointError(f'{path}: metadata lacks {", ".join(sorted(missing))}')
        for name, (kind, length) in _KINDS.items():
            if name not in values:
                continue
            value = values[name]
            right = isinstance(value, kind) if length == 0 else _numbers(value, kind, length)
            if not right:
                raise CheckpointError(f'{path}: metadata {name} is {value!r}')
            if length:
                values[name] = tuple(value)
        return cls(**values)


def save_checkpoint(path: Path, network: nn.Module, metadata: CheckpointMetadata) -> None:
    """
    Write the network's tensors and metadata to ``path``.

    Weights of convolutions go in half precision; biases and the statistics of normalisation,
    which are few and may be large, in single.
    """
    tensors = {
        name: (t.half() if t.is_floating_point() and t.ndim > 1 else t).contiguous().cpu()
        for name, t in network.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.part')
    save_file(tensors, partial, {_KEY: json.dumps(asdict(metadata), sort_keys=True)})
    partial.replace(path)


def read_metadata(path: Path) -> CheckpointMetadata:
    """
    Read what the checkpoint says of itself, without its tensors.

    :raises CheckpointError: if there is no such file or it is none of ours.
    """
    if not path.is_file():
        raise CheckpointError(f'{path}: no such checkpoint')
    try:
        with safe_open(path, 'pt') as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'{path}: not a safetensors file: {error}') from error
    if _KEY not in metadata:
        raise CheckpointError(f'{path}: a safetensors file, but not a vidseg_ros checkpoint')
    return CheckpointMetadata.parse(metadata[_KEY], path)


def load_checkpoint(path: Path) -> tuple[nn.Module, CheckpointMetadata]:
    """
    Build the checkpoint's network and load its weights, in single precision and eval mode.

    :raises CheckpointError: as ``read_metadata``, and if the tensors do not fit the network.
    """
    metadata = read_metadata(path)
    try:
        spec = network_spec(metadata.network)
        network = spec.build(label_space(metadata.label_space).num_classes)
    except (UnknownNetworkError, ValueError, KeyError) as error:
        raise CheckpointError(f'{path}: {error}') from error
    load_tensors(path, network)
    return network.eval(), metadata


def load_tensors(path: Path, network: nn.Module, *, partial: bool = False) -> list[str]:
    """
    Copy the tensors of ``path`` into ``network``; return the names of those not in the file.

    With ``partial`` (to start one variant from another's weights) tensors may be missing on
    either side; otherwise none may.

    :raises CheckpointError: if names or shapes do not fit.
    """
    state = network.state_dict()
    loaded = set()
    try:
        with safe_open(path, 'pt') as file, torch.no_grad():
            for name in file.keys():  # noqa: SIM118 (safe_open is no mapping)
                if name not in state:
                    if partial:
                        continue
                    raise CheckpointError(f'{path}: the network has no tensor {name!r}')
                tensor = file.get_tensor(name)
                if tensor.shape != state[name].shape:
                    raise CheckpointError(
                        f'{path}: {name!r} has shape {list(tensor.shape)}, '
                        f'the network wants {list(state[name].shape)}'
                    )
                state[name].copy_(tensor)
                loaded.add(name)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f'{path}: not a safetensors file: {error}') from error
    missing = [n for n in state if n not in loaded and not n.endswith('num_batches_tracked')]
    if missing and not partial:
        raise CheckpointError(f'{path}: lacks the tensors {", ".join(missing[:5])}')
    return missing


def shipped_checkpoints() -> dict[str, Path]:
    """Return the checkpoints that come with the package, by the file's stem."""
    folder = resources.files('vidseg_ros.checkpoints') / 'weights'
    found = {}
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.name.endswith('.safetensors'):
                found[entry.name.removesuffix('.safetensors')] = Path(str(entry))
    return found


def find_checkpoint(name_or_path: str) -> Path:
    """
    Return the path of a shipped checkpoint by its name, or the path itself.

    :raises CheckpointError: with the shipped names, if there is neither.
    """
    shipped = shipped_checkpoints()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path).expanduser()
    if not path.is_file():
        names = ', '.join(sorted(shipped)) or 'none'
        raise CheckpointError(
            f'{name_or_path}: no such checkpoint file, nor one that is shipped ({names})'
        )
    return path
