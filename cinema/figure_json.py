"""Figures as JSON and back: numbers, dates, arrays and dataclasses of them, read by their declared type and by nothing
that stands in the text."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np


def to_json(figures: Any) -> Any:
    """What ``json.dumps`` takes. Raises TypeError for what ``from_json`` could not read."""
    if figures is None or isinstance(figures, str | int | float):
        return figures
    if isinstance(figures, date):  # a datetime is one
        return figures.isoformat()
    if isinstance(figures, np.ndarray):
        return [list(figures.shape), figures.ravel().tolist()]
    if isinstance(figures, list):
        return [to_json(one) for one in figures]
    if isinstance(figures, Mapping):
        return [[to_json(key), to_json(value)] for key, value in figures.items()]  # JSON's keys are only strings
    if is_dataclass(figures):
        return [to_json(getattr(figures, field.name)) for field in fields(figures)]
    raise TypeError(f"{type(figures).__name__} cannot be kept as JSON")


def from_json(shape: Any, data: Any) -> Any:
    """The figures of type ``shape`` that ``to_json`` made ``data`` of. Raises TypeError or ValueError."""
    origin, arguments = get_origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        (inner,) = (one for one in arguments if one is not types.NoneType)
        return None if data is None else from_json(inner, data)
    if shape in (date, datetime):
        return shape.fromisoformat(data)
    if shape in (str, int, float, bool):
        if type(data) is not shape:
            raise TypeError(f"{type(data).__name__} is no {shape.__name__}")
        return data
    if origin is np.ndarray:
        (dtype,) = get_args(arguments[1])
        size, values = data
        return np.array(values, dtype).reshape(size)
    if not isinstance(data, list):
        raise TypeError(f"{type(data).__name__} is no list")
    if origin is list:
        return [from_json(arguments[0], one) for one in data]
    if origin is dict:
        return {from_json(arguments[0], key): from_json(arguments[1], value) for key, value in data}
    return shape(*(from_json(kind, one) for kind, one in zip(_fields(shape), data, strict=True)))


@functools.cache
def _fields(shape: type) -> list[Any]:
    kinds = get_type_hints(shape)
    return [kinds[field.name] for field in fields(shape)]
