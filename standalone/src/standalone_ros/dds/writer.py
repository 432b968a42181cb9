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
"""Writing serialised samples."""

import ctypes as ct

from cyclonedds.qos import Qos

from standalone_ros.dds import library as dds
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.reader import ENCAPSULATION_SIZE


class RawWriter:
    """A DDS writer of serialised samples."""

    def __init__(
        self, participant: Participant, topic_name: str, type_name: str, qos: Qos,
    ) -> None:
        self._participant = participant
        self.topic_name, self.type_name = topic_name, type_name
        self.entity = participant.create_writer(topic_name, type_name, qos)
        self.gid = dds.guid_of(self.entity)
        self.instance_handle = dds.instance_handle_of(self.entity)

    def write(self, data: bytes) -> None:
        """
        Send one sample, encapsulation header included.

        The interpreter lock is released: a reliable writer may wait for a slow reader here.
        Raises DdsError when that fails, or when there is not even a header to send.
        """
        if len(data) < ENCAPSULATION_SIZE:
            raise dds.DdsError('cannot write: shorter than an encapsulation header')
        padding = -len(data) % 4
        if padding:
            # A payload fills whole words; the header's last bits say how many bytes to ignore.
            data = b''.join((data[:3], bytes([padding]), data[4:], bytes(padding)))
        sample = dds.SampleBuffer(ct.cast(ct.c_char_p(data), ct.c_void_p), len(data))
        dds.check(dds.dds_write(self.entity, ct.byref(sample)), 'cannot write')

    def matched_readers(self) -> list[int]:
        """Return the instance handles of the readers that receive what is written."""
        return list(dds.matched(dds.dds_get_matched_subscriptions, self.entity))

    def wait_for_acks(self, timeout_ns: int) -> bool:
        """Wait until all readers acknowledged everything; negative waits for ever."""
        timeout = dds.INFINITE if timeout_ns < 0 else timeout_ns
        code = dds.dds_wait_for_acks(self.entity, timeout)
        return code != dds.RETCODE_TIMEOUT and dds.check(code, 'cannot wait for acks') == 0

    def assert_liveliness(self) -> None:
        """Say that this writer is alive, for manual liveliness."""
        dds.check(dds.dds_assert_liveliness(self.entity), 'cannot assert liveliness')

    def close(self) -> None:
        """Delete the writer."""
        self._participant.delete(self.entity)
