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
Handing messages over within one process, without serialising them.

DDS matches, counts and watches all endpoints, those of one process included; only the way of the
data differs. While everyone who is matched with a publisher lives in its process, a message is
copied once and put into the subscriptions' inboxes, and DDS gets nothing. As soon as somebody
else is matched it has to be serialised anyhow, and to read it from the bytes costs what a copy
costs, so then everyone gets it from DDS. Each message goes one way or the other for all readers,
so none can arrive twice. The alternative, `ignorelocal`, would undo the match itself, and with it
counts and events; and a writer that always sends would have every local reader wake up for
samples only to drop them.

Durability, deadlines, lifespans and manual liveliness depend on the samples that DDS sees;
publishers with one of these go through DDS alone.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from standalone_ros.copying import copy_message
from standalone_ros.dds.qos import Profile
from standalone_ros.dds.reader import RawReader
from standalone_ros.dds.waitset import Guard

_topics: 'weakref.WeakValueDictionary[tuple[int, str, str], LocalTopic]' = (
    weakref.WeakValueDictionary())
_topics_lock = threading.Lock()
# Stamps go on rising while the clock goes back by less; after that they follow it.
_LARGEST_BACKSTEP_NS = 10**9


def is_possible(profile: Profile) -> bool:
    """Return whether a publisher of this quality of service may bypass DDS."""
    return not (profile.durability == 1 or profile.deadline.nanoseconds
                or profile.lifespan.nanoseconds or profile.liveliness == 3)


class _Parcel:
    """A message for several inboxes; who is the last to take it gets it without a copy."""

    def __init__(self, message: Any, stamp_ns: int, users: int) -> None:
        self.message = message
        self.stamp_ns = stamp_ns
        self.users = users


class LocalTopic:
    """The inboxes of one DDS topic and type in this process, by the readers' handles."""

    def __init__(self) -> None:
        # A signal handler or finalizer may publish in the very thread that holds it.
        self.lock = threading.RLock()
        self.inboxes: dict[int, Inbox] = {}
        self._last_stamp_ns = 0

    @staticmethod
    def of(domain_id: int, topic: str, type_name: str) -> 'LocalTopic':
        """Return the one that all endpoints of the process share."""
        with _topics_lock:
            return _topics.setdefault((domain_id, topic, type_name), LocalTopic())

    def deliver(self, message: Any, readers: Collection[int]) -> bool:
        """
        Put a copy of `message` into the inboxes of `readers`.

        Returns False, nothing done, unless all of them are in this process. Raises what
        serialising the message would.
        """
        if not readers or not self.inboxes.keys() >= set(readers):
            return False
        made = copy_message(message)
        with self.lock:
            now = time.time_ns()
            if now > self._last_stamp_ns - _LARGEST_BACKSTEP_NS:
                now = max(now, self._last_stamp_ns + 1)
            self._last_stamp_ns = now
            inboxes = [self.inboxes[reader] for reader in readers if reader in self.inboxes]
            parcel = _Parcel(made, now, len(inboxes))
            for inbox in inboxes:
                inbox.put(parcel)
        return True


class Inbox:
    """What a subscription has got from publishers of its own process and not yet taken."""

    def __init__(self, topic: LocalTopic, reader: RawReader, profile: Profile) -> None:
        self._topic, self._reader = topic, reader
        self._depth = None if profile.history == 2 else profile.depth or 1
        self._parcels: deque[_Parcel] = deque()
        self.guard = Guard()
        with topic.lock:
            topic.inboxes[reader.instance_handle] = self

    def put(self, parcel: _Parcel) -> None:
        """Add a message; the topic's lock is held."""
        self._parcels.append(parcel)
        if self._depth and len(self._parcels) > self._depth:
            self._drop()
        self.guard.set()

    def _drop(self) -> None:
        self._parcels.popleft().users -= 1

    def take(self, convert: Callable[[Any, bool], Any]) -> tuple[Any, int] | None:
        """
        Return the next message and when it was published (ns); None if DDS has an older one.

        `convert` gets the message and whether it may be given away. The history's depth holds
        for the messages here and those in DDS together, so what exceeds it is dropped there, too.
        """
        with self._topic.lock:
            if not self._parcels:
                return None
            stamps = deque(self._reader.peek_stamps(self._depth or 1))
            parcel = None
            # Both queues are gone through from their heads, which is what can be taken.
            while self._parcels:
                mine = not stamps or stamps[0] >= self._parcels[0].stamp_ns
                if not self._depth or len(stamps) + len(self._parcels) <= self._depth:
                    parcel = self._parcels.popleft() if mine else None
                    break
                if mine:
                    self._drop()
                else:
                    stamps.popleft()
                    self._reader.take(lambda view: None)
            if not self._parcels:
                self.guard.clear()
                if self._parcels:  # something was published from within this thread
                    self.guard.set()
            if parcel is None:
                return None
            alone = parcel.users == 1
        try:
            return convert(parcel.message, alone), parcel.stamp_ns
        finally:
            with self._topic.lock:
                parcel.users -= 1

    def close(self) -> None:
        """Take the inbox away."""
        with self._topic.lock:
            self._topic.inboxes.pop(self._reader.instance_handle, None)
            while self._parcels:
                self._drop()
        self.guard.close()
