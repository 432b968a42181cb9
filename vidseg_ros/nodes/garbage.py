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
"""Keep Python's garbage collector from stopping a node that segments frames."""

from __future__ import annotations

import gc


def set_aside() -> None:
    """
    Collect garbage now, and leave what is there out of later collections.

    A node loads libraries with hundreds of thousands of objects. A full collection looks at all
    of them and stops every thread meanwhile, for a fifth of a second; methods that are built
    while frames come bring such collections about. What is set aside is freed all the same when
    nothing refers to it; it is looked at again at the next call.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
