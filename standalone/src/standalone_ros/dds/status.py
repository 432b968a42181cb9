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
"""Communication status: what DDS tells about matches, deadlines, liveliness and lost samples."""

import ctypes as ct
from typing import Any, NamedTuple

from standalone_ros.dds import library as dds

_c = dds.dds_c_t


class StatusKind(NamedTuple):
    """One kind of status: its bit in a status mask and the C structure that it is read into."""

    bit: int
    getter: str
    structure: type[ct.Structure]


OFFERED_DEADLINE_MISSED = StatusKind(
    1 << 1, 'dds_get_offered_deadline_missed_status', _c.offered_deadline_missed_status)
REQUESTED_DEADLINE_MISSED = StatusKind(
    1 << 2, 'dds_get_requested_deadline_missed_status', _c.requested_deadline_missed_status)
OFFERED_INCOMPATIBLE_QOS = StatusKind(
    1 << 3, 'dds_get_offered_incompatible_qos_status', _c.offered_incompatible_qos_status)
REQUESTED_INCOMPATIBLE_QOS = StatusKind(
    1 << 4, 'dds_get_requested_incompatible_qos_status', _c.requested_incompatible_qos_status)
SAMPLE_LOST = StatusKind(1 << 5, 'dds_get_sample_lost_status', _c.sample_lost_status)
LIVELINESS_LOST = StatusKind(1 << 9, 'dds_get_liveliness_lost_status', _c.liveliness_lost_status)
LIVELINESS_CHANGED = StatusKind(
    1 << 10, 'dds_get_liveliness_changed_status', _c.liveliness_changed_status)
PUBLICATION_MATCHED = StatusKind(
    1 << 11, 'dds_get_publication_matched_status', _c.publication_matched_status)
SUBSCRIPTION_MATCHED = StatusKind(
    1 << 12, 'dds_get_subscription_matched_status', _c.subscription_matched_status)


def enable(entity: int, kinds: 'set[StatusKind]') -> None:
    """Let exactly these kinds of status trigger wait sets that `entity` is attached to."""
    mask = 0
    for kind in kinds:
        mask |= kind.bit
    dds.check(dds.dds_set_status_mask(entity, mask), 'cannot set a status mask')


def changed(entity: int, kind: StatusKind) -> bool:
    """Return whether the status changed since it was last read."""
    mask = ct.c_uint32()
    return (dds.dds_get_status_changes(entity, ct.byref(mask)) >= 0
            and bool(mask.value & kind.bit))


def take(entity: int, kind: StatusKind) -> dict[str, Any]:
    """Read a status, field by field, and mark it as seen."""
    status = kind.structure()
    function = getattr(dds.dll, kind.getter)
    function.argtypes = [dds.entity_t, ct.c_void_p]
    dds.check(function(entity, ct.byref(status)), 'cannot read a status')
    return {name: getattr(status, name) for name, *_ in kind.structure._fields_}
