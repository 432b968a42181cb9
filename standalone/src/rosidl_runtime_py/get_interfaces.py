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
"""Which interfaces there are."""

from __future__ import annotations

from collections.abc import Iterable

from standalone_ros.interfaces import interface_names


def get_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the interfaces of each package as `kind/Name`.

    Raises
    ------
    LookupError
        A named package has no interfaces.

    """
    found: dict[str, list[str]] = {}
    for name in interface_names():
        package, _, rest = name.partition('/')
        found.setdefault(package, []).append(rest)
    if package_names is None:
        return found
    wanted = list(package_names)
    for package in wanted:
        if package not in found:
            raise LookupError(f"Unknown package '{package}'")
    return {package: found[package] for package in wanted}


def _of_kind(kind: str, package_names: Iterable[str] | None) -> dict[str, list[str]]:
    found = {package: [name for name in names if name.startswith(f'{kind}/')]
             for package, names in get_interfaces(package_names).items()}
    return {package: names for package, names in found.items() if names}


def get_message_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the messages of each package as `msg/Name`."""
    return _of_kind('msg', package_names)


def get_service_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the services of each package as `srv/Name`."""
    return _of_kind('srv', package_names)


def get_action_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return the actions of each package as `action/Name`."""
    return _of_kind('action', package_names)


def get_interface_packages() -> list[str]:
    """Return the packages that have interfaces."""
    return sorted(get_interfaces())
