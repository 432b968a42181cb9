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
From torch to the files that engines read: ONNX, OpenVINO's IR, TorchScript; by way of the cache.

Conversion runs the network in Python for seconds and holds the interpreter's lock meanwhile, so
that in a node that is segmenting frames it would stop them. There a child process does it.
"""

from __future__ import annotations

import copy
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vidseg_ros.engines.base import DeployedNetwork, EngineError, frames_would_wait
from vidseg_ros.engines.cache import EngineCache
from vidseg_ros.engines.identity import network_digest, package_version
from vidseg_ros.engines.low_priority import give_way

_logger = logging.getLogger(__name__)

# Any size will do to trace a network whose sizes stay open; a small one is quick.
TRACED_SIZE = (64, 64)
# A second one shows what changes with the size.
OTHER_SIZE = (128, 192)
# And that nothing is taken for granted that strides divide.
_ODD_SIZE = (75, 102)
# Much longer than any conversion; a child that hangs must not hang the build for ever.
_CHILD_TIMEOUT_S = 600.0
OPSET = 17
_FILES = {'openvino': 'model.xml', 'onnx': 'model.onnx', 'torchscript': 'model.pt'}
# By how much of its size a result may differ from the network's own, on the mean.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Form:
    """
    What to convert to.

    ``kind`` 'openvino', 'onnx' or 'torchscript'; ``shapes`` of the inputs, in their order, or
    None to leave batch and sizes open; ``half``: weights in fp16, and in ONNX sums, too; inputs
    and outputs as they were. TorchScript there is with open sizes and in full precision only.
    """

    kind: str
    shapes: tuple[tuple[int, ...], ...] | None = None
    half: bool = False

    @property
    def file(self) -> str:
        """Return the name of the file that engines read."""
        return _FILES[self.kind]


@dataclass
class Converted:
    """Where a converted network lies, and in how many seconds it was made (0: it lay there)."""

    path: Path
    seconds: float = 0.0
    keep: Any = field(default=None, repr=False)


def shapes_of(network: DeployedNetwork, inputs: Mapping[str, NDArray]) -> tuple[
    tuple[int, ...], ...
]:
    """Return the shapes of inputs in the order of the network's arguments."""
    return tuple(inputs[name].shape for name in network.input_names)


def as_tuple(outputs: torch.Tensor | Iterable[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return a network's outputs as a tuple, be they one or several."""
    return (outputs,) if isinstance(outputs, torch.Tensor) else tuple(outputs)


class HalfPrecision(nn.Module):
    """A copy of a network that computes in fp16; float inputs and outputs stay fp32."""

    def __init__(self, network: DeployedNetwork) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).to(torch.float16)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the network."""
        outputs = self.network(*(t.half() if t.is_floating_point() else t for t in inputs))
        return tuple(t.float() for t in as_tuple(outputs))


def open_axes(network: DeployedNetwork) -> dict[str, dict[int, str]]:
    """Return the axes that stay open in ONNX, by input: the batch and what sizes change."""
    one, other = network.example_inputs(TRACED_SIZE), network.example_inputs(OTHER_SIZE)
    return {
        name: {
            axis: f'{name}_{axis}'
            for axis in range(array.ndim)
            if axis == 0 or array.shape[axis] != other[name].shape[axis]
        }
        for name, array in one.items()
    }


def write_onnx(network: DeployedNetwork, form: Form, path: Path) -> None:
    """
    Write the network as ONNX.

    :raises EngineError: if the network cannot be written so, for example with open sizes.
    """
    example = list(network.example_inputs(TRACED_SIZE).values())
    if form.shapes:
        example = [np.zeros(s, a.dtype) for s, a in zip(form.shapes, example, strict=True)]
    module: Any = HalfPrecision(network) if form.half else network
    try:
        torch.onnx.export(
            module,
            tuple(torch.from_numpy(array) for array in example),
            path,
            input_names=list(network.input_names),
            output_names=list(network.output_names),
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes=None if form.shapes else open_axes(network),
        )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineError(f'the network cannot be written as ONNX: {reason}') from error


def write_openvino(network: DeployedNetwork, form: Form, path: Path) -> None:
    """Write the network as OpenVINO IR; its inputs are in the network's order."""
    import openvino as ov

    example = network.example_inputs(TRACED_SIZE)
    tensors = tuple(torch.from_numpy(array) for array in example.values())
    with torch.no_grad():
        traced = torch.jit.trace(network, tensors, check_trace=False)
    model = ov.convert_model(traced, example_input=tensors)
    if form.shapes:
        model.reshape({p: list(s) for p, s in zip(model.inputs, form.shapes, strict=True)})
    for port, name in [
        *zip(model.inputs, network.input_names, strict=True),
        *zip(model.outputs, network.output_names, strict=True),
    ]:
        port.get_tensor().set_names({name})
    ov.save_model(model, path, compress_to_fp16=form.half)


def write_torchscript(network: DeployedNetwork, form: Form, path: Path) -> None:
    """
    Write the network as TorchScript, with constant weights and normalisations folded into them.

    :raises EngineError: if that computes another thing for another size or several frames.
    """
    try:
        network.to(memory_format=torch.channels_last)
        with torch.no_grad():
            example = _random_inputs(network, TRACED_SIZE, 1)
            traced = torch.jit.trace(network, example, check_trace=False)
            torch.jit.save(torch.jit.freeze(traced), path)
        program = torch.jit.load(str(path))
        with torch.no_grad(), torch.jit.optimized_execution(False):
            for size, count in ((OTHER_SIZE, 2), (_ODD_SIZE, 1)):
                other = _random_inputs(network, size, count)
                for found, expected in zip(
                    as_tuple(program(*other)), as_tuple(network(*other)), strict=True
                ):
                    off = (found.float() - expected.float()).abs().mean()
                    if not off <= _ROUNDING * expected.float().abs().mean():
                        raise ValueError('what it computes depends on the size it is traced with')
    except Exception as error:  # of whatever kind: the network is run in a way it may not know
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EngineError(f'the network cannot be written as TorchScript: {reason}') from error


def _random_inputs(
    network: DeployedNetwork, size: tuple[int, int], count: int
) -> tuple[torch.Tensor, ...]:
    """Return inputs for ``count`` images of ``size``, of values as they come."""
    rng = np.random.default_rng(0)
    found = []
    for array in network.example_inputs(size).values():
        shape = (count, *array.shape[1:])
        values = rng.integers(0, 256, shape) if array.dtype == np.uint8 else rng.normal(size=shape)
        found.append(torch.from_numpy(values.astype(array.dtype)))
    return tuple(found)


_WRITERS = {'openvino': write_openvino, 'onnx': write_onnx, 'torchscript': write_torchscript}


def write(network: DeployedNetwork, form: Form, folder: Path) -> None:
    """Convert the network in this process and write it to ``folder``."""
    writer = _WRITERS[form.kind]
    # The images are tiny; more threads would only wait for each other, on a busy machine for long.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        writer(network, form, folder / form.file)
    finally:
        torch.set_num_threads(threads)


def _write_in_child(network: DeployedNetwork, form: Form, folder: Path) -> None:
    """
    Convert the network in a process of its own, of low priority.

    The module goes there by pickle through a pipe: no file is ever unpickled.

    :raises EngineError: if the network cannot be converted.
    :raises OSError, pickle.PicklingError, AttributeError, TypeError: if there can be no child.
    """
    order = pickle.dumps((network, form, str(folder)))
    # Not what happens to lie in the working directory, but this package wherever it lies.
    paths = [*(p for p in sys.path if p), str(Path(__file__).resolve().parents[2])]
    environment = {
        **os.environ, 'PYTHONPATH': os.pathsep.join(paths), 'PYTHONSAFEPATH': '1',
    }  # fmt: skip
    child = subprocess.run(
        [sys.executable, '-W', 'ignore', '-m', 'vidseg_ros.engines.conversion'],
        input=order, capture_output=True, env=environment, timeout=_CHILD_TIMEOUT_S, check=False,
    )  # fmt: skip
    lines = child.stderr.decode(errors='replace').strip().splitlines()
    if child.returncode == 2:
        raise EngineError(lines[-1] if lines else 'the network cannot be converted')
    if child.returncode != 0 or not (folder / form.file).is_file():
        raise OSError(f'converting ended with {child.returncode}: {lines[-1:]}')


def _write(network: DeployedNetwork, form: Form, folder: Path) -> None:
    if frames_would_wait():
        try:
            _write_in_child(network, form, folder)
            return
        except (OSError, subprocess.SubprocessError, pickle.PicklingError, AttributeError,
                TypeError) as error:  # fmt: skip
            _logger.info('converting in this process: %s', error)
    write(network, form, folder)


def identity(network: DeployedNetwork, form: Form, digest: str = '') -> dict[str, str]:
    """Return what the cache knows a converted network by."""
    used = ('torch',) if form.kind == 'torchscript' else ('torch', form.kind)
    return {
        'what': 'converted network',
        'network': digest or network_digest(network),
        'form': f'{form.kind} {form.shapes or "open"} {"fp16" if form.half else "fp32"}',
        **{name: package_version(name) for name in used},
    }


def converted(
    network: DeployedNetwork, form: Form, cache: EngineCache, digest: str = ''
) -> Converted:
    """
    Return the network in another form, from the cache or made now.

    :raises EngineError: if it cannot be converted.
    """
    known = identity(network, form, digest)
    folder = cache.load(known)
    if folder is not None:
        return Converted(folder / form.file)
    begun = time.perf_counter()
    folder = cache.store(known, lambda part: _write(network, form, part))
    keep = None
    if folder is None:
        keep = tempfile.TemporaryDirectory(prefix='vidseg_engine_')
        folder = Path(keep.name)
        _write(network, form, folder)
    return Converted(folder / form.file, time.perf_counter() - begun, keep)


def _child() -> int:
    give_way()
    torch.set_num_threads(1)
    network, form, folder = pickle.load(sys.stdin.buffer)  # from the parent, see above
    try:
        write(network, form, Path(folder))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(_child())
