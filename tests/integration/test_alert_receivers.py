"""Receivers that answer badly: one alert that they choke on keeps no other back. Sockets of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from triggers.alerts import webhook
from triggers.alerts.webhook import Answer, post

HEAD = b"HTTP/1.1 500 Broken\r\n"


@asynccontextmanager
async def saying(answer: bytes | None) -> AsyncIterator[str]:
    """The address of a server that reads what comes, sends this, and hangs up; None waits for the other side to."""
    talks: list[asyncio.Task[None] | None] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n{}")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        await asyncio.gather(*filter(None, talks))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (HEAD + b"Retry-After: " + b"9" * 5000 + b"\r\nContent-Length: 0\r\n\r\n", "the receiver answered 500"),
        (HEAD + b"Retry-After: " + b"9" * 50_000 + b"\r\nContent-Length: 0\r\n\r\n", "no answer: "),
        (HEAD + b"Content-Length: 100\r\n\r\nonly this", "the receiver answered 500"),
        (HEAD + b"Content-Le", "no answer: "),
        (b"HTTP/1.1 5", "no answer: "),
        (b"", "no answer: "),
        (b"what?\r\n\r\n", "no answer: "),
    ],
    ids=[
        "long Retry-After",
        "longer header than is read",
        "ends in the body",
        "ends in the headers",
        "ends in its first line",
        "hangs up",
        "no HTTP",
    ],
)
async def test_a_receiver_that_answers_badly_is_there_all_the_same(answer: bytes, fault: str) -> None:
    async with saying(answer) as url:
        told = await post(url, {}, alert_id="a")
    assert told.fault.startswith(fault)
    assert told.is_there


async def test_nobody_is_there_if_nobody_listens_or_answers_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(b"") as url:
        pass
    assert await post(url, {}, alert_id="a") == Answer("no answer: ClientConnectorError", is_there=False)
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.05)
    async with saying(None) as url:
        told = await post(url, {}, alert_id="a")
    assert (told.fault.startswith("no answer: "), told.is_there) == (True, False)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("30", 30),
        ("9" * 5000, 3600),
        ("", 0),
        ("-5", 0),
        ("\u0663", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("soon", 0),
    ],
)
def test_a_pause_that_is_asked_for_is_an_hour_at_most(asked: str, seconds: int) -> None:
    assert webhook._read(503, asked) == Answer("the receiver answered 503", retry_after_s=seconds)
