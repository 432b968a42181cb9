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
TensorRT's Python interface as far as the engine uses it, with ONNX Runtime doing the work.

Names, parameters and the order they come in are those that the bindings of TensorRT 10.16 and
11.4 document; what isn't there, or is called otherwise than there, fails. Buffers are given as
addresses, as to TensorRT, and read and written there.
"""

import ctypes
import enum
import json

import numpy as np
import onnx
import onnxruntime

__version__ = '11.4.0'

calls: list = []
# What the next build or deserialisation should come to nothing for.
failures: set = set()

NetworkDefinitionCreationFlag = enum.IntEnum(
    'NetworkDefinitionCreationFlag', {'STRONGLY_TYPED': 0}
)
MemoryPoolType = enum.Enum('MemoryPoolType', 'WORKSPACE DLA_MANAGED_SRAM')
DataType = enum.Enum('DataType', 'FLOAT HALF UINT8')

_NUMPY = {DataType.FLOAT: np.float32, DataType.HALF: np.float16, DataType.UINT8: np.uint8}
_ONNX = {1: DataType.FLOAT, 10: DataType.HALF, 2: DataType.UINT8}


def nptype(trt_type):
    return _NUMPY[trt_type]


class Logger:
    WARNING = 2

    def __init__(self, min_severity=WARNING):
        pass


class _Tensor:
    def __init__(self, value):
        self.name = value.name
        kind = value.type.tensor_type
        self.dtype = _ONNX[kind.elem_type]
        self.shape = tuple(d.dim_value if d.HasField('dim_value') else -1 for d in kind.shape.dim)


class _Network:
    def __init__(self):
        self.model = b''
        self._inputs = []

    def read(self, model):
        graph = onnx.load_from_string(model).graph
        # TensorRT takes bytes as inputs, but does nothing with them before they were cast.
        for node in graph.node:
            for value in graph.input:
                if value.name in node.input and value.type.tensor_type.elem_type == 2:
                    assert node.op_type == 'Cast', f'{node.op_type} of bytes'
        self.model = model
        self._inputs = [_Tensor(v) for v in graph.input]

    @property
    def num_inputs(self):
        return len(self._inputs)

    def get_input(self, index):
        return self._inputs[index]


class _ParserError:
    def desc(self):
        return 'Unsupported operator'


class OnnxParser:
    def __init__(self, network, logger):
        assert isinstance(network, _Network) and isinstance(logger, Logger)
        self._network = network
        self.num_errors = 0

    def parse(self, model, path=None):
        assert isinstance(model, bytes)
        calls.append('parse')
        if 'parse' in failures:
            self.num_errors = 1
            return False
        self._network.read(model)
        return True

    def get_error(self, index):
        assert index < self.num_errors
        return _ParserError()


class _Profile:
    def __init__(self):
        self.shapes = {}

    def set_shape(self, input, min, opt, max):
        assert len(min) == len(opt) == len(max)
        assert all(a <= b <= c for a, b, c in zip(min, opt, max, strict=True))
        self.shapes[input] = [list(min), list(opt), list(max)]


class _HostMemory(bytes):
    pass


class _TimingCache:
    def __init__(self, content):
        self.content = content

    def serialize(self):
        return _HostMemory(self.content + b'+')


class _Config:
    def __init__(self):
        self.profiles = []
        self.timing = None

    def set_memory_pool_limit(self, pool, pool_size):
        assert isinstance(pool, MemoryPoolType) and pool_size > 0

    def add_optimization_profile(self, profile):
        self.profiles.append(profile)
        return len(self.profiles) - 1

    def create_timing_cache(self, serialized_timing_cache):
        assert isinstance(serialized_timing_cache, bytes)
        calls.append(f'timing cache of {len(serialized_timing_cache)}')
        return _TimingCache(serialized_timing_cache)

    def set_timing_cache(self, cache, ignore_mismatch):
        assert ignore_mismatch is False
        self.timing = cache
        return True

    def get_timing_cache(self):
        return self.timing


class Builder:
    def __init__(self, logger):
        assert isinstance(logger, Logger)

    def create_network(self, flags=0):
        assert flags == 1 << int(NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        return _Network()

    def create_builder_config(self):
        return _Config()

    def create_optimization_profile(self):
        return _Profile()

    def build_serialized_network(self, network, config):
        calls.append('build')
        if 'build' in failures:
            return None
        is_open = any(-1 in network.get_input(i).shape for i in range(network.num_inputs))
        assert bool(config.profiles) == is_open, 'open shapes need a profile'
        profile = config.profiles[0].shapes if config.profiles else {}
        return _HostMemory(json.dumps(profile).encode() + b'\n' + network.model)


class _Context:
    def __init__(self, engine):
        self.engine = engine
        self._shapes = {}
        self._addresses = {}

    def set_input_shape(self, name, shape):
        low, _, high = self.engine.profile.get(name, [list(shape)] * 3)
        if not all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True)):
            return False
        self._shapes[name] = tuple(shape)
        return True

    def get_tensor_shape(self, name):
        assert set(self._shapes) == {t.name for t in self.engine.inputs}, 'shapes not all set'
        inputs = {
            t.name: np.zeros(self._shapes[t.name], _NUMPY[t.dtype]) for t in self.engine.inputs
        }
        return self.engine.session.run([name], inputs)[0].shape

    def set_tensor_address(self, name, memory):
        assert isinstance(memory, int) and memory
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle):
        assert isinstance(stream_handle, int)
        calls.append('execute')
        if 'execute' in failures:
            return False
        inputs = {}
        for tensor in self.engine.inputs:
            shape, dtype = self._shapes[tensor.name], np.dtype(_NUMPY[tensor.dtype])
            count = int(np.prod(shape)) * dtype.itemsize
            content = ctypes.string_at(self._addresses[tensor.name], count)
            inputs[tensor.name] = np.frombuffer(content, dtype).reshape(shape)
        names = [t.name for t in self.engine.outputs]
        for name, array in zip(names, self.engine.session.run(names, inputs), strict=True):
            ctypes.memmove(self._addresses[name], array.tobytes(), array.nbytes)
        return True


class _Engine:
    def __init__(self, plan):
        profile, _, model = plan.partition(b'\n')
        self.profile = json.loads(profile)
        graph = onnx.load_from_string(model).graph
        self.inputs = [_Tensor(v) for v in graph.input]
        self.outputs = [_Tensor(v) for v in graph.output]
        self.session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])

    def create_execution_context(self):
        return _Context(self)

    def get_tensor_dtype(self, name):
        return {t.name: t.dtype for t in [*self.inputs, *self.outputs]}[name]


class Runtime:
    def __init__(self, logger):
        assert isinstance(logger, Logger)

    def deserialize_cuda_engine(self, serialized_engine):
        assert isinstance(serialized_engine, bytes)
        calls.append('deserialise')
        if 'deserialise' in failures:
            failures.discard('deserialise')
            return None
        return _Engine(serialized_engine)
