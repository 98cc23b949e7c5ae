"""Tasks of a room: `sys.exit` in one is a failure like any other, and each is known by the stage that made it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from earmark.errors import PluginError

_at_work: ContextVar[object | None] = ContextVar("earmark_at_work", default=None)
_makers: WeakKeyDictionary[asyncio.Task[Any], object] = WeakKeyDictionary()


def unstoppable(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    """Make a task in which `sys.exit` is a failure like any other: no plugin ends the program."""
    task = asyncio.Task(_contained(coroutine), loop=loop, **options)
    # A task that is cancelled before its first step would leave what it contains never awaited.
    task.add_done_callback(lambda _: coroutine.close())
    maker = _at_work.get()
    if maker is not None:
        _makers[task] = maker
    return task


@contextmanager
def at_work(maker: object) -> Iterator[None]:
    """Whatever tasks are made in here are the maker's."""
    token = _at_work.set(maker)
    try:
        yield
    finally:
        _at_work.reset(token)


def left_by(maker: object) -> set[asyncio.Task[Any]]:
    """The tasks of a maker that are neither done nor about to be."""
    here = asyncio.current_task()
    return {
        task
        for task in asyncio.all_tasks()
        if _makers.get(task) is maker and task is not here and not task.done() and not task.cancelling()
    }


async def _contained(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    except SystemExit as error:
        raise PluginError(f"A plugin tried to end the program (sys.exit {error.code}).") from None
