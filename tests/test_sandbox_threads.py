"""Calls that block, made from the loop."""

import asyncio
import threading

import pytest

from sandbox.threads import Threads


def test_idle_when_the_caller_was_cancelled_then_the_call_is_waited_for():
    may_go, ended = threading.Event(), []

    def call() -> None:
        may_go.wait(30)
        ended.append(1)

    async def main() -> None:
        threads = Threads(1, "test")
        waiter = asyncio.ensure_future(threads.call(call))
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        await threads.idle(0.01)
        assert not ended
        may_go.set()
        await threads.idle(30)
        assert ended
        threads.close()

    asyncio.run(main())


def test_call_when_it_raises_then_its_caller_hears_of_it():
    async def main() -> None:
        threads = Threads(1, "test")
        with pytest.raises(ZeroDivisionError):
            await threads.call(lambda: 1 / 0)
        await threads.idle(30)
        threads.close()

    asyncio.run(main())
