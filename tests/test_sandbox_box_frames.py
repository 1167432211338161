from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.box import frames

FRAMES = st.lists(st.tuples(st.dictionaries(st.text(), st.integers() | st.text()), st.lists(st.binary())), max_size=4)


@given(FRAMES, st.integers(1, 50))
def test_decoder_when_fed_in_pieces_gives_the_frames_that_were_sent(sent: list, size: int) -> None:
    stream = b"".join(frames.encode(header, blobs) for header, blobs in sent)
    decoder = frames.Decoder()
    got = [frame for at in range(0, len(stream), size) for frame in decoder.feed(stream[at : at + size])]
    assert got == [({**header, "blobs": [len(b) for b in blobs]}, blobs) for header, blobs in sent]


@pytest.mark.parametrize(
    "stream",
    [
        struct.pack("!II", 1 << 31, 0),
        struct.pack("!II", 2, 1 << 31),
        struct.pack("!II", 2, 0) + b"xx",
        struct.pack("!II", 2, 0) + b"[]",
        struct.pack("!II", 2, 0) + b"{}",
        struct.pack("!II", 13, 1) + b'{"blobs":[2]}' + b"a",
        struct.pack("!II", 12, 1) + b'{"blobs":[]}' + b"a",
    ],
    ids=["long header", "long blob", "no JSON", "a list", "no sizes", "blob beyond the frame", "blob unannounced"],
)
def test_decoder_when_it_is_no_frame_says_so(stream: bytes) -> None:
    with pytest.raises(frames.FrameError):
        list(frames.Decoder().feed(stream))
