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
Requests and replies over two topics, as rmw_cyclonedds sends them.

Each message starts, after its encapsulation header, with 16 bytes that name the request: the
instance handle of the client's writer (uint64) and a sequence number (int64).
"""

import itertools
import struct
import time
from typing import NamedTuple

from cyclonedds.qos import Qos

from standalone_ros.dds import qos as qos_map
from standalone_ros.dds.participant import Participant
from standalone_ros.dds.reader import ENCAPSULATION_SIZE, RawReader, Sample
from standalone_ros.dds.writer import RawWriter

_HEADER = struct.Struct('<Qq')
_sequence_numbers = itertools.count(1)


class RequestId(NamedTuple):
    """Which request a message belongs to, and the writer that it came through."""

    client: int
    sequence_number: int
    publication_handle: int = 0


def _frame(data: bytes, request: RequestId) -> bytes:
    header = _HEADER.pack(request.client, request.sequence_number)
    return b''.join((data[:ENCAPSULATION_SIZE], header, data[ENCAPSULATION_SIZE:]))


def _unframe(view: memoryview) -> tuple[RequestId, bytes]:
    if len(view) < ENCAPSULATION_SIZE + _HEADER.size:
        raise ValueError('shorter than its header')
    request = RequestId(*_HEADER.unpack_from(view, ENCAPSULATION_SIZE))
    body = bytes(view[:ENCAPSULATION_SIZE]) + bytes(view[ENCAPSULATION_SIZE + _HEADER.size:])
    return request, body


class _Endpoint:
    """A writer and a reader that belong together."""

    def __init__(
        self, participant: Participant, writes: tuple[str, str, str], reads: tuple[str, str, str],
        profile: qos_map.Profile, role: str,
    ) -> None:
        self._peer_data = participant.peer_data
        identity = f'{role}={participant.next_endpoint_id()};'

        def qos(type_hash: str) -> Qos:
            return qos_map.to_dds(profile, f'{identity}typehash={type_hash};')

        self.writer = RawWriter(participant, writes[0], writes[1], qos(writes[2]))
        self.reader = RawReader(participant, reads[0], reads[1], qos(reads[2]))

    def take(self) -> tuple[RequestId, bytes] | None:
        """Take the next framed message; raises ValueError when it is too short to be one."""
        sample: Sample[tuple[RequestId, bytes]] | None = self.reader.take(_unframe)
        if sample is None:
            return None
        request, body = sample.value
        return request._replace(publication_handle=sample.publication_handle), body

    def close(self) -> None:
        """Delete both halves."""
        self.writer.close()
        self.reader.close()


class ServiceEndpoint(_Endpoint):
    """The server's side."""

    def reply(self, request: RequestId, data: bytes) -> bool:
        """
        Answer a request.

        Waits up to 100 ms for the client's reader to be matched, since a reply written before
        that is lost. Returns False when it was not matched in time; a client that is gone counts
        as answered.
        """
        deadline = time.monotonic() + 0.1
        while True:
            if request.publication_handle not in self.reader.matched_writers():
                return True
            client = self._peer_data(self.reader.entity, request.publication_handle)
            if 'clientid' not in client or any(
                    self._peer_data(self.writer.entity, reader).get('clientid')
                    == client['clientid'] for reader in self.writer.matched_readers()):
                self.writer.write(_frame(data, request))
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)


class ClientEndpoint(_Endpoint):
    """The client's side."""

    def send(self, data: bytes) -> int:
        """Send a request and return its sequence number, unique in this process."""
        request = RequestId(self.writer.instance_handle, next(_sequence_numbers))
        self.writer.write(_frame(data, request))
        return request.sequence_number

    def take_reply(self) -> tuple[int, bytes] | None:
        """Take the next reply meant for this client: its sequence number and data."""
        while (taken := self.take()) is not None:
            request, body = taken
            if request.client == self.writer.instance_handle:
                return request.sequence_number, body
        return None

    def server_is_available(self) -> bool:
        """Return whether one server is matched with both halves of this client."""
        readers = [self._peer_data(self.writer.entity, r) for r in self.writer.matched_readers()]
        writers = [self._peer_data(self.reader.entity, w) for w in self.reader.matched_writers()]
        servers = {data['serviceid'] for data in readers if 'serviceid' in data}
        if not servers:
            return bool(readers and writers)
        return any(data.get('serviceid') in servers for data in writers)
