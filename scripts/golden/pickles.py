"""Writes the pickles that crates/data/src/cifar10/python.rs is tested with.

    python3 scripts/golden/pickles.py        (needs numpy)

Two images with labels 6 and 9; pixel i of image r is (7 i + r) mod 251. As images of CIFAR-100 they have classes 4 and 1 of five, and
superclasses 1 and 0 of two.
"""

import pathlib
import pickle
import struct

import numpy as np

FOLDER = pathlib.Path(__file__).parents[2] / "crates/data/src/cifar10/golden"
PIXELS = np.array([[(7 * i + r) % 251 for i in range(3072)] for r in range(2)], np.uint8)
LABELS = [6, 9]


BATCH = {b"batch_label": b"training batch 1 of 5", b"labels": LABELS, b"data": PIXELS, b"filenames": [b"frog.png", b"truck.png"]}
BATCH100 = {b"fine_labels": [4, 1], b"coarse_labels": [1, 0], b"data": PIXELS}
META100 = {
    b"fine_label_names": [b"apple", b"aquarium_fish", b"baby", b"bear", b"beaver"],
    b"coarse_label_names": [b"aquatic_mammals", b"fish"],
}


def python2(dictionary: dict) -> bytes:
    """The opcodes of Python 2's cPickle, protocol 2, for a dictionary of strings, lists of them and of numbers, and the array."""

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

    def value(content: object) -> bytes:
        if isinstance(content, np.ndarray):
            return array
        if isinstance(content, list):
            return b"](" + b"".join(value(item) for item in content) + b"e"
        return integer(content) if isinstance(content, int) else string(content)

    return b"\x80\x02}(" + b"".join(string(key) + value(content) for key, content in dictionary.items()) + b"u."


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    read = pickle.loads(python2(BATCH), encoding="bytes")
    assert read[b"labels"] == LABELS and (read[b"data"] == PIXELS).all()
    assert pickle.loads(python2(META100), encoding="bytes") == META100
    for name, dictionary in [("python2", BATCH), ("cifar100", BATCH100), ("cifar100-meta", META100)]:
        (FOLDER / f"{name}.pickle").write_bytes(python2(dictionary))
    for protocol in (2, 4):
        batch = BATCH | {b"filenames": [b"a", b"b"]}
        (FOLDER / f"protocol{protocol}.pickle").write_bytes(pickle.dumps(batch, protocol=protocol))


if __name__ == "__main__":
    main()
