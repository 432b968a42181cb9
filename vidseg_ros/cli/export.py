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
"""vidseg export: write a checkpoint for other runtimes, or build the engines of this machine."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

_SUFFIXES = {'onnx': '.onnx', 'openvino': '.xml'}
# What --build-only builds with, by --format.
_ENGINES = {'onnx': 'onnxruntime', 'openvino': 'openvino', 'tensorrt': 'tensorrt', 'auto': 'auto'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('checkpoint', help='shipped name or file')
    parser.add_argument('--format', choices=tuple(_ENGINES), default='onnx',
                        help='tensorrt and auto go with --build-only (default: %(default)s)')
    parser.add_argument('--precision', choices=('fp32', 'bf16', 'fp16', 'int8'), default='',
                        help='onnx: fp32, fp16, int8; openvino: fp32, bf16, int8 (default: '
                             'fp32, and with --build-only what suits the machine)')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="image size; the checkpoint's own if not given")
    parser.add_argument('--sizes', choices=('fixed', 'open'), default='fixed',
                        help='whether the file takes images of that size only, or of any '
                             '(default: %(default)s; int8: open)')
    parser.add_argument('--out', type=Path, help='file to write (.onnx or .xml)')
    parser.add_argument('--build-only', action='store_true',
                        help='write no file: build and measure the engines for this machine, '
                             'so that nodes find them in the cache')
    parser.add_argument('--method', default='', metavar='NAME',
                        help="the method whose networks are built or calibrated (default: the "
                             "network's own)")
    parser.add_argument('--calibrate', metavar='DATASET',
                        help='int8: data set that the activations are measured on')
    parser.add_argument('--root', type=Path, metavar='DIR', help="the data set's directory")
    parser.add_argument('--split', default='train', metavar='NAME',
                        help='its split to calibrate on (default: %(default)s)')
    parser.add_argument('--score', default='val', metavar='NAME',
                        help="its split to measure the loss in mIoU on; '' for none "
                             '(default: %(default)s)')
    parser.add_argument('--frames', type=int, default=128, metavar='N',
                        help='frames to calibrate with (default: %(default)s)')
    parser.add_argument('--keep', action='append', default=[], metavar='REGEX',
                        help='int8: leave layers of such names as they are; may be given again')


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    if args.build_only:
        return _build(args)
    if args.format not in _SUFFIXES:
        raise ValueError(f'--format {args.format} writes no file: it goes with --build-only')
    if args.out is None:
        raise ValueError('--out: say which file to write, or --build-only')
    if args.out.suffix != _SUFFIXES[args.format]:
        raise ValueError(f'--out: {args.out} should end in {_SUFFIXES[args.format]}')
    precision = args.precision or 'fp32'
    allowed = ('fp32', 'fp16', 'int8') if args.format == 'onnx' else ('fp32', 'bf16', 'int8')
    if precision not in allowed:
        raise ValueError(f'--precision: {args.format} has {", ".join(allowed)}')
    if precision == 'int8':
        return _int8(args)

    from vidseg_ros.checkpoints.store import find_checkpoint, load_checkpoint
    from vidseg_ros.engines.export import export_onnx, export_openvino
    from vidseg_ros.engines.exported import ExportedModel, describe_files, write_description
    from vidseg_ros.networks.deploy import deploy

    network, metadata = load_checkpoint(find_checkpoint(args.checkpoint))
    deployed = deploy(network, metadata.mean, metadata.std)
    size = tuple(args.size) if args.size else metadata.input_size
    args.out.parent.mkdir(parents=True, exist_ok=True)
    export = {'onnx': export_onnx, 'openvino': export_openvino}[args.format]
    error = export(
        deployed, size, args.out, sizes_open=args.sizes == 'open', half=precision != 'fp32'
    )
    write_description(ExportedModel(
        path=args.out, kind=args.format, precision=precision,
        inputs=tuple(deployed.input_names), outputs=tuple(deployed.output_names),
        size=None if args.sizes == 'open' else size, files=describe_files(args.out),
        checkpoint=asdict(metadata), source=args.checkpoint,
    ))  # fmt: skip
    extent = 'any size' if args.sizes == 'open' else f'{size[1]}x{size[0]}'
    print(f'wrote {args.out} for {extent}; largest difference from torch {error:.1e}')
    return 0


def _int8(args: argparse.Namespace) -> int:
    from vidseg_ros.checkpoints.store import find_checkpoint, read_metadata
    from vidseg_ros.datasets.registry import open_dataset
    from vidseg_ros.engines.quantisation import require_nncf
    from vidseg_ros.evaluation.int8 import Int8Order, export_int8

    if not args.calibrate:
        raise ValueError('--precision int8 needs --calibrate DATASET and its --root')
    if args.score == args.split:
        raise ValueError('--score: a split that was calibrated on does not show what is lost')
    if args.frames < 1:
        raise ValueError('--frames: at least 1')
    require_nncf()
    metadata = read_metadata(find_checkpoint(args.checkpoint))
    order = Int8Order(
        checkpoint=args.checkpoint, kind=args.format, path=args.out,
        calibration=open_dataset(args.calibrate, args.root, args.split),
        scored=open_dataset(args.calibrate, args.root, args.score) if args.score else None,
        size=tuple(args.size) if args.size else metadata.input_size,
        method=args.method, frames=args.frames, ignore=tuple(args.keep),
    )  # fmt: skip
    export_int8(order)
    print(f'wrote {args.out} for any size, and {args.out.name}.json beside it')
    return 0


def _build(args: argparse.Namespace) -> int:
    from vidseg_ros.checkpoints.store import find_checkpoint, read_metadata
    from vidseg_ros.engines.auto_engine import AutoEngine
    from vidseg_ros.engines.base import Engine
    from vidseg_ros.engines.cache import default_folder
    from vidseg_ros.engines.exported import is_exported
    from vidseg_ros.evaluation.int8 import method_of
    from vidseg_ros.methods.registry import MethodOptions, create_method

    def thorough(engine: Engine) -> Engine:
        if isinstance(engine, AutoEngine):
            engine.budget_s = float('inf')
        return engine

    method, size = args.method, tuple(args.size) if args.size else None
    if is_exported(args.checkpoint):
        if not method or size is None:
            raise ValueError('to build for an exported model, name --method and --size')
    else:
        metadata = read_metadata(find_checkpoint(args.checkpoint))
        method, size = method or method_of(metadata.network), size or metadata.input_size
    segmenter = create_method(method, MethodOptions(
        checkpoint=args.checkpoint, engine=_ENGINES[args.format], input_size=size,
        precision=args.precision or 'auto', wrap_engine=thorough,
    ))  # fmt: skip
    try:
        segmenter.prepare(size)
        print(f'built for {method} on images of {size[1]}x{size[0]}, kept in {default_folder()}')
        for key, value in segmenter.describe().items():
            print(f'  {key}: {value}')
    finally:
        segmenter.close()
    return 0
