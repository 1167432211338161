"""What the box reads of processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sandbox.box import meter


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_when_one_is_not_known_then_it_is_seen_until_it_is_buried() -> None:
    children = meter.Children()
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        before = set(map(int, file.read().split()))
    assert children.all_are(before)
    with subprocess.Popen(["sleep", "60"]) as child:
        assert not children.all_are(before)
        assert children.all_are({*before, child.pid})
        child.kill()
    assert children.all_are(before)
