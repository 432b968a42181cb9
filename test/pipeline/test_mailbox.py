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
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidseg_ros.pipeline.mailbox import SUPERSEDED, Mailbox


@given(st.lists(st.booleans()), st.sampled_from(['latest', 'every']), st.integers(1, 5))
def test_nothing_is_lost_without_a_cause(puts, policy, limit):
    mailbox = Mailbox(policy, limit)
    given_, taken, fallen = 0, [], []
    for put in puts:
        if put:
            fallen += mailbox.put(given_)
            given_ += 1
        elif len(mailbox):
            taken.append(mailbox.take())
        assert policy == 'every' or len(mailbox) <= 1
        assert mailbox.room == (policy == 'latest' or len(mailbox) < limit)
    rest = [mailbox.take() for _ in range(len(mailbox))]
    assert sorted(taken + rest + [item for item, _ in fallen]) == list(range(given_))
    assert taken + rest == sorted(taken + rest)
    assert {cause for _, cause in fallen} <= ({SUPERSEDED} if policy == 'latest' else set())
    if policy == 'latest' and puts and puts[-1]:
        assert rest == [given_ - 1]


def test_a_queue_becomes_the_newest_only_when_the_policy_changes():
    mailbox = Mailbox('every', 10)
    for i in range(4):
        mailbox.put(i)
    mailbox.policy = 'latest'
    assert len(mailbox) == 4
    assert [item for item, _ in mailbox.put(4)] == [0, 1, 2, 3]
    assert mailbox.take() == 4


def test_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="'sometimes' is not a frame policy: latest, every"):
        Mailbox('sometimes', 1)
