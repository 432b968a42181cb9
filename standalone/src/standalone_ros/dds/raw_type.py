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
"""Data types whose samples are serialised bytes: Cyclone DDS only learns their names."""

import re
from functools import cache

from cyclonedds.idl import IdlStruct, make_idl_struct


class _Nothing(IdlStruct):
    """A structure of no size."""


@cache
def raw_type(type_name: str) -> type:
    """
    Return a topic type of the given DDS name whose samples may hold anything.

    Cyclone checks what it receives against the members it knows. The one declared here has no
    size, so whatever follows the encapsulation header passes unchanged, and decoding is left to
    the reader. Its name tells types apart: structure, not the type's name, decides on matches.
    """
    member = re.sub(r'\W+', '_', type_name)
    return make_idl_struct(type_name.rpartition('::')[2], type_name, {member: _Nothing})
