"""JSON of the API as dataclasses, and options as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Converter = Callable[[Any], Any]


def camel(name: str) -> str:
    """`memory_mb` as the API writes it: `memoryMb`."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def wire(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a JSON object: names in camel case, what is None left out. Only the outermost names are changed."""
    return {
        camel(name): dict(value) if isinstance(value, Mapping) else value
        for name, value in options.items()
        if value is not None
    }


def decode(cls: type[T], value: Mapping[str, Any]) -> T:
    """An object of the API as `cls`.

    Fields that this version does not know are left out, and one that an older daemon does not send is empty: a client
    must go on working beside a daemon that is not of its day.
    """
    arguments = {}
    for name, key, convert, empty in _plan(cast(Any, cls)):
        given = value.get(key)
        if given is None:
            arguments[name] = empty()
        else:
            arguments[name] = given if convert is None else convert(given)
    return cls(**arguments)


@cache
def _plan(cls: type[Any]) -> list[tuple[str, str, _Converter | None, Callable[[], Any]]]:
    hints = get_type_hints(cls)
    plan = []
    for field in dataclasses.fields(cls):
        convert, empty = _conversion(hints[field.name])
        if field.default is not dataclasses.MISSING:
            empty = _constant(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            empty = field.default_factory
        plan.append((field.name, camel(field.name), convert, empty))
    return plan


def _conversion(hint: Any) -> tuple[_Converter | None, Callable[[], Any]]:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        others = [each for each in get_args(hint) if each is not NoneType]
        return _conversion(others[0])[0], _constant(None)
    if origin is list:
        convert = _conversion(get_args(hint)[0])[0]
        return (None if convert is None else lambda items: [convert(item) for item in items]), list
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return lambda value: decode(hint, value), lambda: decode(hint, {})
    for kind in (str, int, float, bool, dict):
        if hint is kind or origin is kind:
            return None, kind
    return None, _constant("")


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value
