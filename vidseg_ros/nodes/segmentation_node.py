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
"""The process of the node that segments the images of cameras."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from vidseg_ros.nodes import allocator
from vidseg_ros.pipeline import threads


def _leave(number: int, frame: FrameType | None) -> None:
    """End at once: while modules are loaded there is nothing to clean up."""
    os._exit(0)


def main(args: list[str] | None = None) -> int:
    """Run the node until it is told to stop; return the exit status."""
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    # A frame needs the interpreter's lock some dozens of times, each time for an instant. Who
    # computes for long, such as a method being built, has it taken away after this long, in place
    # of the usual 5 ms.
    sys.setswitchinterval(0.0002)
    threads.set_environment()
    allocator.share_one_arena()
    # Only now, for it takes seconds.
    import rclpy
    from rclpy.exceptions import ParameterException
    from rclpy.executors import ExternalShutdownException

    from vidseg_ros.nodes.lifecycle_segmentation import SegmentationNode
    from vidseg_ros.nodes.live_executor import LiveExecutor

    node = executor = None
    try:
        # Both raise KeyboardInterrupt here, whatever rclpy does with them besides.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        rclpy.init(args=args)
        node = SegmentationNode()
        executor = LiveExecutor()
        executor.add_node(node)
        while rclpy.ok():
            try:
                executor.spin()
            except (ExternalShutdownException, ParameterException):
                raise
            except Exception as error:
                # One bad request must not end the service: a transition that there is not, say,
                # raises out of rclpy's own callback.
                if rclpy.ok():
                    node.report_error(error)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except ParameterException as error:
        print(f'segmentation_node: {error}', file=sys.stderr)
        return 1
    except Exception:
        if rclpy.ok():
            raise  # otherwise it only came from being told to stop in the middle of something
    finally:
        # ctrl-C reaches a launched node twice; the second must not disturb the cleaning up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ended = node is None or node.close()
        if executor is not None:
            executor.shutdown(timeout_sec=5.0)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    if not ended:
        # launch would kill us for waiting longer, and the interpreter must not go while a
        # thread is in a library.
        sys.stderr.flush()
        os._exit(0)
    return 0


if __name__ == '__main__':
    sys.exit(main())
