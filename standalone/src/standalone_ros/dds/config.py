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
"""The configuration that Cyclone DDS starts with."""

import os
import re

# One image of 6 MB in flight must not outrun default socket buffers of 208 KiB: datagrams stay
# as large as loopback carries them, and the receiver's buffer is asked to grow, not required to.
_TRANSPORT = (
    '<General>{interfaces}{multicast}<MaxMessageSize>65500B</MaxMessageSize>'
    '<FragmentSize>63000B</FragmentSize></General>'
    '<Internal><SocketReceiveBufferSize max="16MB"/><Watermarks><WhcHigh>16MB</WhcHigh>'
    '</Watermarks></Internal>')


def discovery_range() -> str:
    """Return how far nodes look for each other; this machine alone unless the user says so."""
    if os.environ.get('ROS_LOCALHOST_ONLY') == '1':
        return 'LOCALHOST'
    chosen = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper()
    return chosen if chosen in ('OFF', 'SUBNET', 'SYSTEM_DEFAULT') else 'LOCALHOST'


def domain_configuration() -> str:
    """
    Return the XML fragments for a domain, those of CYCLONEDDS_URI last so that they win.

    With the range LOCALHOST multicast is off, participant indices are chosen up to 32 and the
    one peer is `localhost`, as rmw_cyclonedds does it: otherwise the two do not meet.
    """
    span = discovery_range()
    interfaces, multicast, discovery = '', '', ''
    if span in ('LOCALHOST', 'OFF'):
        interfaces = '<Interfaces><NetworkInterface name="lo"/></Interfaces>'
        multicast = '<AllowMulticast>false</AllowMulticast>'
    peers = [p for p in re.split(r'[;,]', os.environ.get('ROS_STATIC_PEERS', '')) if p]
    if span == 'OFF':
        peers = []
        discovery = (f'<ParticipantIndex>none</ParticipantIndex>'
                     f'<Tag>ros_discovery_off_{os.getpid()}</Tag>')
    elif span == 'LOCALHOST':
        peers.insert(0, 'localhost')
        discovery = ('<ParticipantIndex>auto</ParticipantIndex>'
                     '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>')
    if peers:
        discovery += '<Peers>' + ''.join(f'<Peer address="{p}"/>' for p in peers) + '</Peers>'
    transport = _TRANSPORT.format(interfaces=interfaces, multicast=multicast)
    ours = (f'<CycloneDDS><Domain>{transport}<Discovery>{discovery}</Discovery>'
            '</Domain></CycloneDDS>')
    return ','.join(part for part in (ours, os.environ.get('CYCLONEDDS_URI', '')) if part)
