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
Exported models: a file that engines read, and beside it what one has to know of it.

``vidseg export`` writes both: MODEL.xml (OpenVINO IR, its weights in MODEL.bin) or MODEL.onnx,
and a description, MODEL.xml.json or MODEL.onnx.json: the network and its checkpoint, the
precision, how it was calibrated and what that cost. A node takes MODEL.xml or MODEL.onnx as its
``checkpoint``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vidseg_ros.engines.errors import EngineError

FORMAT = 1
SUFFIXES = {'.xml': 'openvino', '.onnx': 'onnx'}


@dataclass(frozen=True)
class ExportedModel:
    """
    What the file beside an exported model says.

    ``kind`` 'openvino' or 'onnx'; ``size`` (height, width) of the images it takes, None for any;
    ``files`` by name, with their SHA-256; ``checkpoint`` the metadata of the checkpoint it was
    made from and ``source`` its name; ``calibration``, ``accuracy`` and ``speed`` what was done
    and measured when it was quantised.
    """

    path: Path
    kind: str
    precision: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    size: tuple[int, int] | None
    files: dict[str, str]
    checkpoint: dict[str, Any]
    source: str = ''
    calibration: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)
    speed: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """Return what tells this model from others."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()

    def check_files(self) -> None:
        """
        Make sure that the model's files are those that were written.

        :raises EngineError: if one is missing or differs.
        """
        for name, digest in self.files.items():
            path = self.path.parent / name
            try:
                found = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise EngineError(f'{path}: {error.strerror or error}') from error
            if found != digest:
                raise EngineError(
                    f'{path}: not the file that {description_path(self.path).name} describes'
                )


def is_exported(path: str | Path) -> bool:
    """Return whether a checkpoint's name is that of an exported model."""
    return Path(path).suffix in SUFFIXES


def description_path(path: Path) -> Path:
    """Return where the description of the exported model ``path`` lies."""
    return path.with_name(path.name + '.json')


def model_files(path: Path) -> list[Path]:
    """Return the files that the exported model ``path`` consists of."""
    return [path, path.with_suffix('.bin')] if path.suffix == '.xml' else [path]


def write_description(model: ExportedModel) -> Path:
    """Write what is known of an exported model beside it; return where."""
    values = {k: v for k, v in asdict(model).items() if k != 'path'}
    path = description_path(model.path)
    path.write_text(json.dumps(values, indent=1) + '\n')
    return path


def describe_files(path: Path) -> dict[str, str]:
    """Return the files of an exported model by name, with their SHA-256."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in model_files(path)}


def read_exported(path: Path) -> ExportedModel:
    """
    Read what is known of the exported model ``path`` and check its files.

    :raises EngineError: if there is none, or it is none of ours, or its files were changed.
    """
    if not path.is_file():
        raise EngineError(f'{path}: no such exported model')
    beside = description_path(path)
    if not beside.is_file():
        raise EngineError(
            f'{path}: there is no {beside.name} beside it; `vidseg export` writes both'
        )
    try:
        values = json.loads(beside.read_text())
        if values.get('format') != FORMAT:
            raise EngineError(f'{beside}: format {values.get("format")!r}, expected {FORMAT}')
        known = {f.name for f in fields(ExportedModel)} - {'path'}
        model = ExportedModel(path, **{k: v for k, v in values.items() if k in known})
        model = ExportedModel(
            **{
                **{f.name: getattr(model, f.name) for f in fields(model)},
                'inputs': tuple(model.inputs),
                'outputs': tuple(model.outputs),
                'size': tuple(model.size) if model.size else None,
            }
        )
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, EngineError):
            raise
        raise EngineError(f'{beside}: not a description of an exported model: {error}') from error
    if model.kind != SUFFIXES[path.suffix]:
        raise EngineError(f'{beside}: describes a model of kind {model.kind}')
    model.check_files()
    return model
