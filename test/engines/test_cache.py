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
import errno
import os

import pytest

from vidseg_ros.engines.cache import EngineCache, default_folder, key_of

WHAT = {'what': 'test', 'network': 'a'}


def _write(text):
    def write(folder):
        (folder / 'file').write_text(text)

    return write


def test_what_is_stored_is_found_by_another_process(tmp_path):
    folder = EngineCache(tmp_path / 'c').store(WHAT, _write('one'))
    assert EngineCache(tmp_path / 'c').load(WHAT) == folder
    assert (folder / 'file').read_text() == 'one'
    assert EngineCache(tmp_path / 'c').load({**WHAT, 'network': 'b'}) is None


@pytest.mark.parametrize('damage', [
    lambda f: (f / 'file').write_text('two'),
    lambda f: (f / 'file').unlink(),
    lambda f: (f / 'entry.json').write_text('{'),
    lambda f: (f / 'entry.json').write_text('[1]'),
    lambda f: (f / 'entry.json').write_text('{"identity": {"what": "other"}, "files": {}}'),
    lambda f: (f / 'entry.json').unlink(),
])  # fmt: skip
def test_damaged_or_foreign_entries_are_made_anew(tmp_path, damage):
    cache = EngineCache(tmp_path)
    damage(cache.store(WHAT, _write('one')))
    assert cache.load(WHAT) is None
    folder = cache.store(WHAT, _write('three'))
    assert cache.load(WHAT) == folder and (folder / 'file').read_text() == 'three'


def test_a_failed_write_leaves_nothing(tmp_path):
    cache = EngineCache(tmp_path)

    def fail(folder):
        (folder / 'file').write_text('half')
        raise RuntimeError('no space')

    with pytest.raises(RuntimeError):
        cache.store(WHAT, fail)
    assert list(tmp_path.iterdir()) == []


def test_who_comes_second_finds_the_first_ones_entry(tmp_path):
    one, other = EngineCache(tmp_path), EngineCache(tmp_path)

    def while_the_other_writes(folder):
        other.store(WHAT, _write('first'))
        (folder / 'file').write_text('second')

    folder = one.store(WHAT, while_the_other_writes)
    assert (folder / 'file').read_text() == 'first' and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_keeps_nothing_and_is_no_error(tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('')
    cache = EngineCache(blocked / 'engines')
    assert cache.store(WHAT, _write('one')) is None and cache.load(WHAT) is None
    cache.remember(WHAT, 3)
    assert cache.recall(WHAT) is None


def test_values_are_remembered_by_identity(tmp_path):
    cache = EngineCache(tmp_path)
    assert cache.recall(WHAT) is None
    cache.remember(WHAT, {'ms': 1.5})
    assert cache.recall(WHAT) == {'ms': 1.5} and cache.recall({**WHAT, 'x': ''}) is None
    (tmp_path / f'{key_of(WHAT)}.json').write_text('nonsense')
    assert cache.recall(WHAT) is None


def test_what_was_used_longest_ago_goes_first(tmp_path):
    cache = EngineCache(tmp_path, limit=2500)
    for number in range(3):
        folder = cache.store({'n': str(number)}, _write('x' * 1000))
        os.utime(folder / 'entry.json', (number, number))
    assert [cache.load({'n': str(n)}) is not None for n in range(3)] == [False, True, True]


def test_the_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', '/somewhere')
    assert str(default_folder()) == '/somewhere/vidseg_ros/engines'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', '/home/me')
    assert str(default_folder()) == '/home/me/.cache/vidseg_ros/engines'


def test_a_full_disk_keeps_nothing_and_is_no_error(tmp_path):
    def fill(folder):
        (folder / 'file').write_text('half')
        raise OSError(errno.ENOSPC, 'no space left on device')

    cache = EngineCache(tmp_path)
    assert cache.store(WHAT, fill) is None and cache.load(WHAT) is None
    assert list(tmp_path.iterdir()) == []
