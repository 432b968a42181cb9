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
"""vidseg export: write a checkpoint as ONNX or OpenVINO IR, checked against torch."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument('checkpoint', help='shipped name or file')
    parser.add_argument('--format', choices=('onnx', 'openvino'), default='onnx')
    parser.add_argument('--size', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
                        help="image size; the checkpoint's own if not given")  # fmt: skip
    parser.add_argument('--out', type=Path, required=True, help='file (.onnx or .xml)')


def main(args: argparse.Namespace) -> int:
    """Run the command."""
    from vidseg_ros.checkpoints.store import find_checkpoint, load_checkpoint
    from vidseg_ros.engines.export import export_onnx, export_openvino
    from vidseg_ros.networks.deploy import deploy

    network, metadata = load_checkpoint(find_checkpoint(args.checkpoint))
    deployed = deploy(network, metadata.mean, metadata.std)
    size = tuple(args.size) if args.size else metadata.input_size
    args.out.parent.mkdir(parents=True, exist_ok=True)
    export = {'onnx': export_onnx, 'openvino': export_openvino}[args.format]
    error = export(deployed, size, args.out)
    print(f'wrote {args.out} for {size[1]}x{size[0]}; largest difference from torch {error:.1e}')
    return 0
