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
"""Taking serialised samples."""

import ctypes as ct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cyclonedds.qos import Qos

from standalone_ros.dds import library as dds
from standalone_ros.dds.participant import Participant

_READ_ONLY = 0x100
ENCAPSULATION_SIZE = 4
Decoded = TypeVar('Decoded')


@dataclass(frozen=True)
class Sample(Generic[Decoded]):
    """What was taken: the decoded value, when it was written (ns) and by which writer."""

    value: Decoded
    source_timestamp: int
    publication_handle: int


class RawReader:
    """A DDS reader of serialised samples."""

    def __init__(
        self, participant: Participant, topic_name: str, type_name: str, qos: Qos,
    ) -> None:
        self._participant = participant
        self.topic_name, self.type_name = topic_name, type_name
        self.entity = participant.create_reader(topic_name, type_name, qos)
        self.gid = dds.guid_of(self.entity)
        self.instance_handle = dds.instance_handle_of(self.entity)
        # The reader itself is left for status events; data is waited for on this condition.
        self.data_condition = dds.check(
            dds.dds_create_readcondition(self.entity, dds.ANY_STATE),
            'cannot create a read condition')

    def take(self, decode: Callable[[memoryview], Decoded]) -> Sample[Decoded] | None:
        """
        Take the oldest sample and return what `decode` makes of its bytes; None without a sample.

        The view given to `decode` is the middleware's own memory: it is valid only until `decode`
        returns, and what `decode` raises passes through, the sample being gone.
        """
        serdata, info, iov = ct.c_void_p(), dds.SampleInfo(), dds.SampleBuffer()
        while dds.dds_takecdr(self.entity, ct.byref(serdata), 1, ct.byref(info), 0) == 1:
            if not info.valid_data:
                dds.serdata_unref(serdata)
                continue
            size = dds.serdata_size(serdata)
            reference = dds.serdata_to_ser_ref(serdata, 0, size, ct.byref(iov))
            try:
                with dds.memory_view(iov.address, size, _READ_ONLY) as view:
                    # A payload fills whole words; the header's last bits say what is too much.
                    padding = view[3] & 3 if size > ENCAPSULATION_SIZE else 0
                    with view[:size - padding] as content:
                        value = decode(content)
            finally:
                dds.serdata_to_ser_unref(reference, ct.byref(iov))
                dds.serdata_unref(serdata)
            return Sample(value, info.source_timestamp, info.publication_handle)
        return None

    def peek_stamps(self, limit: int) -> list[int]:
        """Return when the oldest samples were written (ns), at most `limit`, and leave them."""
        count = 1
        while True:
            data, infos = (ct.c_void_p * count)(), (dds.SampleInfo * count)()
            found = dds.dds_peekcdr(self.entity, data, count, infos, 0)
            for serdata in data[:max(found, 0)]:
                dds.serdata_unref(serdata)
            if found < count or count == limit:
                break
            # A history may be as deep as 2**31 - 1: make room only as it is needed.
            count = min(16 * count, limit)
        return [info.source_timestamp for info in infos[:max(found, 0)] if info.valid_data]

    def matched_writers(self) -> list[int]:
        """Return the instance handles of the writers that are received from."""
        return list(dds.matched(dds.dds_get_matched_publications, self.entity))

    def close(self) -> None:
        """Delete the reader and its condition."""
        self._participant.delete(self.data_condition)
        self._participant.delete(self.entity)
