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
"""Helpers for actions and substitutions, those of other packages included."""

import collections.abc
import os
from typing import Any

from ..launch_context import LaunchContext
from ..launch_description_entity import LaunchDescriptionEntity
from ..substitution import Substitution, TextSubstitution


def is_a(obj: Any, entity_type: type) -> bool:
    return isinstance(obj, entity_type)


def is_a_subclass(obj: Any, entity_type: type) -> bool:
    """Tell if obj is an instance of the class, or a subclass of it."""
    return isinstance(obj, entity_type) or (
        isinstance(obj, type) and issubclass(obj, entity_type))


def ensure_argument_type(argument: Any, types: Any, argument_name: str, caller: str = '') -> None:
    """Raise TypeError if the argument is of none of the types."""
    allowed = tuple(types) if isinstance(types, collections.abc.Iterable) else (types,)
    if not isinstance(argument, allowed):
        names = ', '.join(f"'{t}'" for t in allowed)
        where = f' to {caller}' if caller else ''
        raise TypeError(f"Expected '{argument_name}'{where} to be one of [{names}], "
                        f"but got '{argument}' of type '{type(argument)}'")


def normalize_to_list_of_substitutions(subs: Any) -> list[Substitution]:
    """Turn a text, path, substitution or iterable of these into a list of substitutions."""

    def one(item: Any) -> Substitution:
        if isinstance(item, (str, os.PathLike)):
            return TextSubstitution(text=os.fspath(item))
        if isinstance(item, Substitution):
            return item
        raise TypeError(f"Failed to normalize given item of type '{type(item)}', when only "
                        "'str' or 'launch.Substitution' were expected.")

    if isinstance(subs, collections.abc.Iterable) and not isinstance(subs, (str, os.PathLike)):
        return [one(item) for item in subs]
    return [one(subs)]


def optional_substitutions(subs: Any) -> list[Substitution] | None:
    """Normalize substitutions, or return None for None."""
    return None if subs is None else normalize_to_list_of_substitutions(subs)


def describe(subs: collections.abc.Iterable[Substitution]) -> str:
    """Return substitutions in words."""
    return ' + '.join(sub.describe() for sub in subs)


def normalize_to_list_of_entities(entities: Any) -> list[LaunchDescriptionEntity]:
    """Flatten entities and iterables of entities into one list."""
    if isinstance(entities, LaunchDescriptionEntity):
        return [entities]
    return [e for item in entities for e in normalize_to_list_of_entities(item)]


def perform_substitutions(context: LaunchContext,
                          subs: collections.abc.Iterable[Substitution]) -> str:
    """Join what the substitutions yield in this context."""
    return ''.join(context.perform_substitution(sub) for sub in subs)


def visit_all_entities_and_collect_futures(
    entity: LaunchDescriptionEntity, context: LaunchContext, pairs: list | None = None
) -> list[tuple]:
    """Visit an entity and all that it yields; return (entity, future) of those taking time.

    What was collected stays in ``pairs`` when a visit raises, so that processes started
    before the failure are still waited for.
    """
    pairs = [] if pairs is None else pairs
    sub_entities = entity.visit(context)
    future = entity.get_asyncio_future()
    if future is not None:
        pairs.append((entity, future))
    for sub_entity in sub_entities or ():
        visit_all_entities_and_collect_futures(sub_entity, context, pairs)
    return pairs
