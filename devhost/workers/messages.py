"""What the host and its worker processes say to each other, and how it travels: a length, then a pickled message.

Classes of the app never travel: the host does not import the app, so it could not read them.
"""

import asyncio
import io
import pickle
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from http.cookies import Morsel, SimpleCookie
from typing import Any, get_args, get_type_hints

from azure.functions.meta import Datum

from devhost.functions.bindings import RunOutputs
from devhost.functions.description import LoadedFunction
from devhost.functions.runner import Run

_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class SetUp:
    """Host to worker, first of all: what the worker must know before it imports the app."""

    script_root: str
    import_path: tuple[str, ...]
    log_levels: Mapping[str, str]
    is_verbose: bool
    user_log_level: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """Worker to host: the app is imported, runs may come."""

    functions: tuple[LoadedFunction, ...]


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Worker to host: the app cannot be loaded; `stack` is the traceback of the app, or empty."""

    message: str
    stack: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Host to worker: a run, and the number under which its end is to be told."""

    number: int
    run: Run


@dataclass(frozen=True, slots=True)
class Returned:
    """Worker to host: the run has succeeded."""

    number: int
    outputs: RunOutputs


@dataclass(frozen=True, slots=True)
class Raised:
    """Worker to host: the run has failed; the fields are those of FunctionFailed."""

    number: int
    error_type: str
    message: str
    stack: str


Message = SetUp | Loaded | NotLoaded | Asked | Returned | Raised


def _classes_of(hint: object) -> Iterator[type]:
    """The dataclasses and enumerations that a value of this type may hold."""
    for inner in get_args(hint):
        yield from _classes_of(inner)
    if isinstance(hint, type) and (is_dataclass(hint) or issubclass(hint, Enum)):
        yield hint
        if is_dataclass(hint):
            for field_hint in get_type_hints(hint).values():
                yield from _classes_of(field_hint)


_TRAVELLERS = frozenset({*_classes_of(Message), Datum, SimpleCookie, Morsel, str, bytes})
_TRAVELLERS_BY_NAME = {(one.__module__, one.__qualname__): one for one in _TRAVELLERS}


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Only known classes; of a subclass of `str` or `bytes` that the app has made up, the plain value."""
        if obj in _TRAVELLERS if isinstance(obj, type) else type(obj) in _TRAVELLERS:
            return NotImplemented
        if isinstance(obj, str):
            return str, ("".join([obj]),)
        if isinstance(obj, bytes):
            return bytes, (bytes(memoryview(obj)),)
        raise pickle.PicklingError(f"a value of the class {type(obj).__qualname__} cannot leave its process")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """A class that may travel."""
        return _TRAVELLERS_BY_NAME[module, name]


def encode_message(message: Message) -> bytes:
    """Length and content, ready to be sent. Raises an error of any kind for a value that cannot travel."""
    stream = io.BytesIO(bytes(_LENGTH.size))
    stream.seek(_LENGTH.size)
    _Pickler(stream, protocol=5).dump(message)
    buffer = stream.getbuffer()
    _LENGTH.pack_into(buffer, 0, len(buffer) - _LENGTH.size)
    del buffer
    return stream.getvalue()


def decode_message(content: bytes) -> Message:
    """The message from its content, without the length."""
    message: Message = _Unpickler(io.BytesIO(content)).load()
    return message


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other side has ended."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return decode_message(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def receive_message(connection: socket.socket) -> Message | None:
    """The same, waiting in this thread."""
    head = _receive(connection, _LENGTH.size)
    if head is None:
        return None
    content = _receive(connection, _LENGTH.unpack(head)[0])
    return None if content is None else decode_message(content)


def _receive(connection: socket.socket, size: int) -> bytes | None:
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            return None
        received += piece
    return bytes(received)
