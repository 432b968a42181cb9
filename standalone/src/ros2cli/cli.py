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

"""Entry point of the `ros2` command."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from ros2cli.verbs import METAVAR, command_listing

# Each module offers DESCRIPTION and add_arguments(parser); it is imported only when its
# command is used, since a user waits for every import.
COMMANDS = {
    'bag': ('ros2bag.command', 'Various rosbag related sub-commands'),
    'daemon': ('ros2cli.daemon', 'Various daemon related sub-commands'),
    'interface': ('ros2interface.verbs', 'Show information about ROS interfaces'),
    'launch': ('ros2launch.command', 'Run a launch file'),
    'lifecycle': ('ros2lifecycle.verbs', 'Various lifecycle related sub-commands'),
    'node': ('ros2node.verbs', 'Various node related sub-commands'),
    'param': ('ros2param.verbs', 'Various param related sub-commands'),
    'pkg': ('ros2pkg.verbs', 'Various package related sub-commands'),
    'run': ('ros2run.command', 'Run a package specific executable'),
    'service': ('ros2service.verbs', 'Various service related sub-commands'),
    'topic': ('ros2topic.command', 'Various topic related sub-commands'),
}


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Leave through the `with` blocks, so that the participant says goodbye to the graph."""
    sys.exit(128 + signum)


def _build_parser(command: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='ros2', description='ros2 is an extensible command-line tool for ROS 2.',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--use-python-default-buffering', action='store_true',
        help='Do not force line buffering in stdout and instead use the python default '
        'buffering, which might be affected by PYTHONUNBUFFERED/-u and depends on whatever '
        'stdout is interactive or not')
    subparsers = parser.add_subparsers(
        title='Commands', metavar=METAVAR.format('ros2'),
        description=command_listing({name: text for name, (_, text) in COMMANDS.items()}))
    for name, (module, description) in COMMANDS.items():
        command_parser = subparsers.add_parser(
            name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        command_parser.set_defaults(main=None, command_parser=command_parser)
        if name == command:
            # The others take time to import.
            importlib.import_module(module).add_arguments(command_parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int | str | None:
    """Run one `ros2` command.

    :param argv: the arguments after `ros2`; those of the process by default.
    :return: what `sys.exit` takes: an exit status, or a message for stderr with status 1.
        Ctrl-C gives 2, as in the original.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in arguments if not word.startswith('-')), None)
    parser = _build_parser(command)
    args = parser.parse_args(arguments)
    if not args.use_python_default_buffering:
        # Line buffering shows `ros2 topic echo | grep` each message as it arrives.
        for stream in (sys.stdout, sys.stderr):
            getattr(stream, 'reconfigure', lambda **_: None)(line_buffering=True)
    if getattr(args, 'main', None) is None:
        getattr(args, 'command_parser', parser).print_help()
        return 0
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = args.main(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return int(signal.SIGINT)
    except BrokenPipeError:
        # The reader (head, less) has gone; keep the interpreter from flushing to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + int(signal.SIGPIPE)
    except RuntimeError as error:
        return str(error)
    finally:
        signal.signal(signal.SIGTERM, before)
    return status


if __name__ == '__main__':
    sys.exit(main())
