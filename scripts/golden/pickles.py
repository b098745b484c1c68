"""Writes the pickles that crates/data/src/cifar10/python.rs is tested with.

    python3 scripts/golden/pickles.py        (needs numpy)

Two images with labels 6 and 9; pixel i of image r is (7 i + r) mod 251.
"""

import pathlib
import pickle
import struct

import numpy as np

FOLDER = pathlib.Path(__file__).parents[2] / "crates/data/src/cifar10/golden"
PIXELS = np.array([[(7 * i + r) % 251 for i in range(3072)] for r in range(2)], np.uint8)
LABELS = [6, 9]


def python2() -> bytes:
    """The opcodes of Python 2's cPickle, protocol 2, for the dictionary of an official batch."""

    def string(text: bytes) -> bytes:
        short = len(text) < 256
        return (b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))) + text

    def integer(number: int) -> bytes:
        return b"K" + bytes([number]) if 0 <= number < 256 else b"J" + struct.pack("<i", number)

    dtype = (
        b"cnumpy\ndtype\n" + string(b"u1") + integer(0) + integer(1) + b"\x87R"
        + b"(" + integer(3) + string(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + integer(0) + b"\x85" + string(b"b") + b"\x87R"
        + b"(" + integer(1) + b"M" + struct.pack("<H", 2) + b"M" + struct.pack("<H", 3072) + b"\x86"
        + dtype + b"\x89" + string(PIXELS.tobytes()) + b"tb"
    )
    labels = b"](" + b"".join(integer(label) for label in LABELS) + b"e"
    names = b"](" + string(b"frog.png") + string(b"truck.png") + b"e"
    return (
        b"\x80\x02}(" + string(b"batch_label") + string(b"training batch 1 of 5") + string(b"labels") + labels
        + string(b"data") + array + string(b"filenames") + names + b"u."
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    batch = {b"batch_label": b"training batch 1 of 5", b"labels": LABELS, b"data": PIXELS, b"filenames": [b"a", b"b"]}
    read = pickle.loads(python2(), encoding="bytes")
    assert read[b"labels"] == LABELS and (read[b"data"] == PIXELS).all()
    (FOLDER / "python2.pickle").write_bytes(python2())
    for protocol in (2, 4):
        (FOLDER / f"protocol{protocol}.pickle").write_bytes(pickle.dumps(batch, protocol=protocol))


if __name__ == "__main__":
    main()
