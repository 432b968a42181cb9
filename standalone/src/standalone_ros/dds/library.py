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
The C functions of Cyclone DDS that the Python binding does not offer, or offers at a cost.

Writing and waiting through ctypes releases the interpreter lock, and taking serialised data hands
out the middleware's own buffer, so that a large image is copied once on its way to a message.
"""

import ctypes as ct
from collections.abc import Sequence

from cyclonedds.internal import DDS, dds_c_t

INFINITE = 0x7FFFFFFFFFFFFFFF
RETCODE_TIMEOUT = -10
ROOT_HANDLE = 0x7FFF0100
ANY_STATE = 0x7F

entity_t = ct.c_int32
SampleInfo = dds_c_t.sample_info

dll = DDS._dll_handle


class SampleBuffer(ct.Structure):
    """A serialised sample: address and size, also the layout of an iovec."""

    _fields_ = [('address', ct.c_void_p), ('size', ct.c_size_t)]


class Guid(ct.Structure):
    """The 16 bytes that name an entity on the network."""

    _fields_ = [('value', ct.c_uint8 * 16)]


def _declare(name: str, result: type | None, *arguments: type) -> 'ct._NamedFuncPointer':
    function = getattr(dll, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


dds_delete = _declare('dds_delete', ct.c_int32, entity_t)
dds_free = _declare('dds_free', None, ct.c_void_p)
dds_write = _declare('dds_write', ct.c_int32, entity_t, ct.c_void_p)
dds_takecdr = _declare(
    'dds_takecdr', ct.c_int32, entity_t, ct.c_void_p, ct.c_uint32, ct.c_void_p, ct.c_uint32)
dds_peekcdr = _declare(
    'dds_peekcdr', ct.c_int32, entity_t, ct.c_void_p, ct.c_uint32, ct.c_void_p, ct.c_uint32)
serdata_size = _declare('ddsi_serdata_size', ct.c_uint32, ct.c_void_p)
serdata_to_ser_ref = _declare(
    'ddsi_serdata_to_ser_ref', ct.c_void_p, ct.c_void_p, ct.c_size_t, ct.c_size_t, ct.c_void_p)
serdata_to_ser_unref = _declare('ddsi_serdata_to_ser_unref', None, ct.c_void_p, ct.c_void_p)
serdata_unref = _declare('ddsi_serdata_unref', None, ct.c_void_p)
dds_get_guid = _declare('dds_get_guid', ct.c_int32, entity_t, ct.POINTER(Guid))
dds_get_instance_handle = _declare(
    'dds_get_instance_handle', ct.c_int32, entity_t, ct.POINTER(ct.c_uint64))
dds_create_readcondition = _declare(
    'dds_create_readcondition', entity_t, entity_t, ct.c_uint32)
dds_create_guardcondition = _declare('dds_create_guardcondition', entity_t, entity_t)
dds_set_guardcondition = _declare('dds_set_guardcondition', ct.c_int32, entity_t, ct.c_bool)
dds_create_waitset = _declare('dds_create_waitset', entity_t, entity_t)
dds_waitset_attach = _declare(
    'dds_waitset_attach', ct.c_int32, entity_t, entity_t, ct.c_ssize_t)
dds_waitset_detach = _declare('dds_waitset_detach', ct.c_int32, entity_t, entity_t)
dds_waitset_wait = _declare(
    'dds_waitset_wait', ct.c_int32, entity_t, ct.c_void_p, ct.c_size_t, ct.c_int64)
dds_set_status_mask = _declare('dds_set_status_mask', ct.c_int32, entity_t, ct.c_uint32)
dds_get_status_changes = _declare(
    'dds_get_status_changes', ct.c_int32, entity_t, ct.POINTER(ct.c_uint32))
dds_get_matched_subscriptions = _declare(
    'dds_get_matched_subscriptions', ct.c_int32, entity_t, ct.c_void_p, ct.c_size_t)
dds_get_matched_publications = _declare(
    'dds_get_matched_publications', ct.c_int32, entity_t, ct.c_void_p, ct.c_size_t)
dds_assert_liveliness = _declare('dds_assert_liveliness', ct.c_int32, entity_t)
dds_wait_for_acks = _declare('dds_wait_for_acks', ct.c_int32, entity_t, ct.c_int64)
dds_strretcode = _declare('dds_strretcode', ct.c_char_p, ct.c_int32)
memory_view = ct.pythonapi.PyMemoryView_FromMemory
memory_view.restype, memory_view.argtypes = (
    ct.py_object, [ct.c_void_p, ct.c_ssize_t, ct.c_int])


class DdsError(RuntimeError):
    """A call to Cyclone DDS failed."""


def check(code: int, action: str) -> int:
    """Return `code`, or raise DdsError saying which action failed and why when it is negative."""
    if code < 0:
        raise DdsError(f'{action}: {dds_strretcode(code).decode()}')
    return code


def guid_of(entity: int) -> bytes:
    """Return the 16-byte global identifier of a local entity."""
    guid = Guid()
    check(dds_get_guid(entity, ct.byref(guid)), 'cannot read the identifier of an entity')
    return bytes(guid.value)


def instance_handle_of(entity: int) -> int:
    """Return the instance handle by which matched peers of this process know the entity."""
    handle = ct.c_uint64()
    check(dds_get_instance_handle(entity, ct.byref(handle)), 'cannot read an instance handle')
    return handle.value


def matched(function: 'ct._NamedFuncPointer', entity: int) -> Sequence[int]:
    """Return the instance handles of the remote endpoints that `entity` is matched with."""
    room, found = 0, 8
    while found > room:
        room = found
        handles = (ct.c_uint64 * room)()
        found = function(entity, handles, room)
    return handles[:max(found, 0)]
