"""The files that scripts/golden/photos.py packs: a folder of photos as strange as those that people have, and a broken one.

No photo is random: each is drawn by formulas, then encoded by Pillow or, where Pillow can't, by hand. The picture that was meant
stays with its file, so that what Pillow reads can be compared with it.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

#: An upright picture: `[row, column, channel]`, RGB or RGBA, of 8 bits or 16.
Pixels = np.ndarray
Transpose = Image.Transpose

#: How a picture is turned so that a reader that obeys its EXIF orientation sees it upright.
STORED = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
ORIENTATION, PREDICTOR = 0x0112, 317
E_COMPOSED, U_DECOMPOSED = "\u00e9", "u\u0308"


@dataclass(frozen=True)
class Item:
    """A file, a link or an empty folder. One of `photo`, `left_out`, `damage` and `folder` says what to expect of it."""

    #: Inside the archive's folder.
    path: str
    #: What it is, in words.
    kind: str
    data: bytes = b""
    #: The target of a symbolic link.
    link: str | None = None
    folder: bool = False
    #: Why a program that reads photos passes it over.
    left_out: str | None = None
    #: What is wrong with a broken photo.
    damage: str | None = None
    #: The picture that was encoded, and by how much what is decoded may differ from it.
    meant: Pixels | None = None
    within: int = 0


def drawn(width: int, height: int, look: int = 0) -> Pixels:
    """An RGB picture without symmetry: ramps, a soft light disc above on the left, a soft dark bar below on the right.

    Neighbours differ little, so that decoders of lossy formats differ little, too. There are twelve looks.
    """
    y, x = np.indices((height, width))
    across, down = (x + 0.5) / width, (y + 0.5) / height
    ramps = np.stack([40 + 150 * across, 30 + 170 * down, 190 - 80 * across - 70 * down], axis=-1)
    disc = np.clip(2.5 - 2.5 * np.hypot(across - 0.3, down - 0.25) / 0.25, 0, 1)[..., None]
    bar = np.clip(1.8 - 9 * np.abs(down - 0.8), 0, 1) * np.clip(6 * across - 2.5, 0, 1)
    picture = ramps * (1 - disc) + 235 * disc
    picture = picture * (1 - 0.8 * bar[..., None])
    order = [(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2)][look % 6]
    picture = picture[..., order]
    return np.rint(255 - picture if look // 6 % 2 else picture).astype(np.uint8)


def drawn_deep(width: int, height: int, look: int = 0) -> Pixels:
    """Like [`drawn`], of 16 bits whose lower eight matter: some round up to the next of 256 steps, some down."""
    y, x = np.indices((height, width))
    lower = (37 * x + 101 * y) % 256
    return drawn(width, height, look).astype(np.uint16) * 256 + lower[..., None].astype(np.uint16)


def grey(picture: Pixels) -> Pixels:
    """The middle channel three times."""
    return np.repeat(picture[..., 1:2], 3, axis=-1)


def with_alpha(picture: Pixels) -> Pixels:
    """RGBA: opaque on the left, then more and more transparent, wholly so at the right edge and in the upper right corner."""
    height, width = picture.shape[:2]
    y, x = np.indices((height, width))
    alpha = np.clip(np.rint(255 * (1.25 - 1.5 * x / max(width - 1, 1))), 0, 255)
    alpha[(x > 0.7 * width) & (y < 0.3 * height)] = 0
    return np.concatenate([picture, alpha[..., None].astype(np.uint8)], axis=-1)


def encode(image: Image.Image | Pixels, form: str, **options: Any) -> bytes:
    """The file that Pillow writes."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def exif(orientation: int, big_endian: bool) -> bytes:
    """EXIF data with the orientation only."""
    order = ">" if big_endian else "<"
    fields = (42, 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)
    return b"Exif\0\0" + (b"MM" if big_endian else b"II") + struct.pack(f"{order}HIHHHIHHI", *fields)


def stored(picture: Pixels, orientation: int) -> Image.Image:
    """An upright picture as a camera stores it that is held another way."""
    image, turn = Image.fromarray(picture), STORED[orientation]
    return image if turn is None else image.transpose(turn)


def quantized(picture: Pixels, colours: int = 64) -> tuple[Image.Image, Pixels]:
    """A picture with a palette, and what it shows."""
    image = Image.fromarray(picture).quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return image, np.array(image.convert("RGB"))


def png_chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_by_hand(width: int, height: int, bits: int, colours: int, rows: bytes) -> bytes:
    """A PNG file of rows that each begin with their filter."""
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def deep_png(picture: Pixels) -> bytes:
    """An RGB PNG of 16 bits, which Pillow doesn't write. No row is filtered."""
    height, width = picture.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
    return png_by_hand(width, height, 16, 2, rows)


def alpha_bmp(picture: Pixels) -> bytes:
    """A BMP with a version 4 header and a mask of alpha, which Pillow reads and doesn't write."""
    height, width = picture.shape[:2]
    pixels = picture[::-1, :, [2, 1, 0, 3]].tobytes()
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    header += struct.pack("<IIII4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs") + bytes(48)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def gif_frames(data: bytes) -> list[int]:
    """Where the image descriptors of a GIF file are."""

    def palette(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    def after_blocks(at: int) -> int:
        while data[at]:
            at += 1 + data[at]
        return at + 1

    at, found = 13 + palette(data[10]), []
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            found.append(at)
            at = after_blocks(at + 11 + palette(data[at + 9]))
        else:
            at = after_blocks(at + 2)
    return found


def transparent_gif(picture: Pixels) -> tuple[list[Image.Image], Pixels]:
    """Two frames, of which the second changes the middle only, and what the first shows: a corner of it is transparent."""
    image, shown = quantized(picture, 31)
    palette = (image.getpalette() + 96 * [255])[:96]
    first = np.array(image)
    height, width = first.shape
    first[: height // 3, width // 2 :] = 31
    second = first.copy()
    second[height // 2 : height - 4, width // 3 : width - 5] = 7
    frames = [Image.frombytes("P", image.size, index.tobytes()) for index in (first, second)]
    for frame in frames:
        frame.putpalette(palette)
    return frames, np.dstack([shown, np.where(first == 31, 0, 255).astype(np.uint8)])


def animated_gif(frames: list[Image.Image]) -> bytes:
    """An animation whose second frame is a part of the canvas."""
    options = {"save_all": True, "append_images": frames[1:], "duration": 100, "loop": 0}
    data = encode(frames[0], "GIF", transparency=31, optimize=False, **options)
    left, top = struct.unpack_from("<HH", data, gif_frames(data)[1] + 1)
    assert left > 0 and top > 0, "the second frame begins inside of the canvas"
    return data


def offset_gif(frame: Image.Image, left: int, top: int) -> bytes:
    """One frame inside of a larger canvas, which is transparent around it."""
    data = bytearray(encode(frame, "GIF", transparency=31, optimize=False))
    struct.pack_into("<HH", data, 6, frame.width + left + 2, frame.height + top + 1)
    struct.pack_into("<HH", data, gif_frames(data)[0] + 1, left, top)
    return bytes(data)


def pngs() -> list[Item]:
    """A class of PNG files, most of them with names that some program stumbles over."""
    rgb, small, keyed = drawn(32, 32), drawn(24, 18, 1), drawn(28, 20, 2)
    keyed[:6, 12:] = key = (1, 2, 3)
    keyed_alpha = np.dstack([keyed, np.where((keyed == key).all(axis=-1), 0, 255)]).astype(np.uint8)
    clear = with_alpha(drawn(26, 19, 3))
    faint = with_alpha(drawn(20, 30, 4))
    faint[..., :3] = grey(faint[..., :3])
    palette, shown = quantized(drawn(31, 17, 5))
    lucid, lucid_shown = quantized(drawn(25, 31, 6), 40)
    alphas = np.clip(np.arange(40) * 9, 0, 255).astype(np.uint8)
    lucid_shown = np.dstack([lucid_shown, alphas[np.array(lucid)]])
    bits = np.where(grey(drawn(29, 21, 7)) > 110, 255, 0).astype(np.uint8)
    deep_grey, deep = grey(drawn_deep(27, 22, 8)), drawn_deep(22, 27, 9)
    wide, dot, turned = grey(drawn(300, 7, 10)), drawn(1, 1, 11), drawn(30, 20, 3)
    one_bit = Image.fromarray(bits[..., 0]).convert("1", dither=Image.Dither.NONE)
    return [
        Item("rgb.png", "PNG, RGB", encode(rgb, "PNG"), meant=rgb),
        Item("grey.png", "PNG, grey", encode(grey(small)[..., 0], "PNG"), meant=grey(small)),
        Item("grey alpha.png", "PNG, grey and alpha", encode(faint[..., 2:].copy(), "PNG"), meant=faint),
        Item(f"{E_COMPOSED}.png", "PNG, RGB and alpha", encode(clear, "PNG"), meant=clear),
        Item(f"{U_DECOMPOSED}.png", "PNG, palette", encode(palette, "PNG"), meant=shown),
        Item(
            "日本語.png",
            "PNG, palette with alphas (tRNS)",
            encode(lucid, "PNG", transparency=alphas.tobytes()),
            meant=lucid_shown,
        ),
        Item("😀.png", "PNG, 1 bit", encode(one_bit, "PNG"), meant=bits),
        Item('it\'s "so".png', "PNG, grey of 16 bits", encode(deep_grey[..., 0], "PNG"), meant=deep_grey),
        Item("<b>&.png", "PNG, RGB of 16 bits", deep_png(deep), meant=deep),
        Item("-dash.png", "PNG, RGB with a transparent colour (tRNS)", encode(keyed, "PNG", transparency=key), meant=keyed_alpha),
        Item("{pos}%s.png", "PNG, grey, wide", encode(wide[..., 0], "PNG"), meant=wide),
        Item("dot.png", "PNG, RGB, one pixel", encode(dot, "PNG"), meant=dot),
        Item("UPPER.PNG", "PNG, RGB, ending in capitals", encode(small, "PNG"), meant=small),
        Item(
            "turned.png",
            "PNG, RGB, EXIF orientation 6 (eXIf)",
            encode(stored(turned, 6), "PNG", exif=exif(6, True)),
            meant=turned,
        ),
        Item("link.png", "a link to a photo next to it", link="rgb.png", meant=rgb),
        Item("nowhere.png", "a link to nowhere", link="missing.png", left_out="a link to nowhere"),
        Item(".hidden.png", "PNG, hidden", encode(small, "PNG"), left_out="hidden"),
        Item(".DS_Store", "what macOS leaves in folders", b"\0\0\0\1Bud1" + bytes(24), left_out="hidden"),
    ]


def jpegs() -> list[Item]:
    """A class of JPEG files, in folders within folders, too."""
    large, even, odd, tall = drawn(640, 480, 1), drawn(224, 224, 2), drawn(31, 27, 3), drawn(7, 300, 4)
    dull, turned, other, deep = grey(drawn(24, 32, 5)), drawn(30, 20, 6), drawn(23, 29, 7), drawn(32, 24, 8)
    ink = np.concatenate([drawn(28, 28, 9), drawn(28, 28, 4)[..., :1] // 3], axis=-1)
    printed = np.rint((255.0 - ink[..., :3]) * (255 - ink[..., 3:]) / 255).astype(np.uint8)
    coarse, fine = {"quality": 90, "subsampling": "4:2:0"}, {"quality": 95, "subsampling": "4:4:4"}
    cmyk = Image.frombytes("CMYK", (28, 28), ink.tobytes())
    turns = [
        Item(
            f"orientation-{turn}.jpg",
            f"JPEG, EXIF orientation {turn}, {'big' if turn % 2 else 'little'} endian",
            encode(stored(turned, turn), "JPEG", exif=exif(turn, turn % 2 == 1), **fine),
            meant=turned,
            within=16,
        )
        for turn in STORED
    ]
    return turns + [
        Item("large.jpg", "JPEG, baseline, 4:2:0", encode(large, "JPEG", **coarse), meant=large, within=12),
        Item(
            "progressive.jpg", "JPEG, progressive, 4:2:0", encode(even, "JPEG", progressive=True, **coarse), meant=even, within=12
        ),
        Item(
            "UPPER.JPG",
            "JPEG, baseline, 4:2:0, odd sides, ending in capitals",
            encode(odd, "JPEG", **coarse),
            meant=odd,
            within=40,
        ),
        Item("tall.jpg", "JPEG, baseline, 4:4:4, tall", encode(tall, "JPEG", **fine), meant=tall, within=9),
        Item("grey.jpeg", "JPEG, grey", encode(dull[..., 0], "JPEG", quality=95), meant=dull, within=10),
        Item("cmyk.jpg", "JPEG, CMYK, inverted as Adobe does", encode(cmyk, "JPEG", **fine), meant=printed, within=9),
        Item("really a jpeg.png", "JPEG whose name ends in .png", encode(other, "JPEG", **fine), meant=other, within=16),
        Item("nested/deeper/deep.jpg", "JPEG two folders down", encode(deep, "JPEG", **fine), meant=deep, within=16),
        Item("nested/deeper/round", "a link to a folder above it", link="../..", left_out="a link to a folder above it"),
        Item("nested/empty", "an empty folder", folder=True, left_out="an empty folder"),
        Item(
            "IMG_0001.heic",
            "HEIC by its name and first bytes",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
            left_out="HEIC is not read",
        ),
        Item(
            "Thumbs.db",
            "what Windows leaves in folders",
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(40),
            left_out="no photo by its name",
        ),
    ]


def others() -> list[Item]:
    """A class of WebP, GIF, BMP and TIFF files."""
    soft, clear, turned, below = drawn(32, 21, 1), with_alpha(drawn(27, 25, 2)), drawn(18, 28, 3), drawn(16, 16, 4)
    frames, framed = transparent_gif(drawn(30, 22, 5))
    parts, part = transparent_gif(drawn(20, 18, 6))
    canvas = np.zeros((22, 28, 4), np.uint8)
    canvas[3:21, 6:26] = part
    plain, pad, mask = drawn(21, 32, 7), with_alpha(drawn(23, 19, 8)), with_alpha(drawn(19, 23, 9))
    palette, shown = quantized(drawn(26, 26, 10))
    raw, lzw, deflate, deep = drawn(32, 20, 11), drawn(20, 32, 0), drawn(29, 29, 1), grey(drawn_deep(24, 21, 2))
    ink = np.concatenate([drawn(25, 20, 3), drawn(25, 20, 4)[..., :1] // 3], axis=-1)
    printed = np.rint((255.0 - ink[..., :3]) * (255 - ink[..., 3:]) / 255).astype(np.uint8)
    cmyk = Image.frombytes("CMYK", (25, 20), ink.tobytes())
    held, predicted = drawn(17, 31, 5), {"tiffinfo": {PREDICTOR: 2}}
    return [
        Item("lossy.webp", "WebP, lossy", encode(soft, "WEBP", quality=90), meant=soft, within=30),
        Item("lossless.webp", "WebP, lossless, RGB and alpha", encode(clear, "WEBP", lossless=True), meant=clear),
        Item(
            "turned.webp",
            "WebP, lossy, EXIF orientation 8",
            encode(stored(turned, 8), "WEBP", quality=90, exif=exif(8, False)),
            meant=turned,
            within=30,
        ),
        Item("animated.gif", "GIF, two frames, transparent in a corner", animated_gif(frames), meant=framed),
        Item("offset.gif", "GIF, a frame that is smaller than its canvas", offset_gif(parts[0], 6, 3), meant=canvas),
        Item("24.bmp", "BMP, 24 bits", encode(plain, "BMP"), meant=plain),
        Item("8.bmp", "BMP, palette", encode(palette, "BMP"), meant=shown),
        Item("32.bmp", "BMP, 32 bits of which 8 are unused", encode(pad, "BMP"), meant=pad[..., :3]),
        Item("alpha.bmp", "BMP, 32 bits, with a mask of alpha", alpha_bmp(mask), meant=mask),
        Item("rgb.tiff", "TIFF, RGB", encode(raw, "TIFF"), meant=raw),
        Item("LZW.TIFF", "TIFF, RGB, LZW, ending in capitals", encode(lzw, "TIFF", compression="tiff_lzw"), meant=lzw),
        Item(
            "deflate.tif",
            "TIFF, RGB, Deflate, with differences (predictor 2)",
            encode(deflate, "TIFF", compression="tiff_adobe_deflate", **predicted),
            meant=deflate,
        ),
        Item("grey16.tiff", "TIFF, grey of 16 bits", encode(deep[..., 0], "TIFF"), meant=deep),
        Item("cmyk.tiff", "TIFF, CMYK", encode(cmyk, "TIFF"), meant=printed),
        Item("turned.tiff", "TIFF, RGB, orientation 6", encode(stored(held, 6), "TIFF", tiffinfo={ORIENTATION: 6}), meant=held),
        Item("nested/below.png", "PNG one folder down", encode(below, "PNG"), meant=below),
        Item("notes.txt", "a text", b"Not a photo.\n", left_out="no photo by its name"),
    ]


def inside(folder: str, items: list[Item]) -> list[Item]:
    """The same, in a folder."""
    return [replace(item, path=f"{folder}/{item.path}") for item in items]


def photos() -> list[Item]:
    """What is in the folder `photos`: three classes, and files outside of them."""
    loose = [
        Item("notes.txt", "a text outside of the classes", b"Not a class.\n", left_out="no photo by its name"),
        Item(".DS_Store", "what macOS leaves in folders", b"\0\0\0\1Bud1" + bytes(24), left_out="hidden"),
    ]
    classes = {"animals": pngs(), "B\u00e4ume": jpegs(), "two words": others()}
    return sorted(
        loose + [item for name, items in classes.items() for item in inside(name, items)], key=lambda item: item.path.encode()
    )


def textured(width: int, height: int) -> Pixels:
    """A picture that takes many bytes, so that there is something to break."""
    y, x = np.indices((height, width))
    return drawn(width, height, 2) // 2 + ((x * x * 7 + x * y * 13 + y * 5) % 96)[..., None].astype(np.uint8)


def broken() -> list[Item]:
    """What is in the folder `broken`: two classes with three whole photos each and photos that are damaged."""
    jpeg = encode(textured(160, 120), "JPEG", quality=85)
    png, webp = encode(textured(64, 48), "PNG"), encode(textured(64, 48), "WEBP", quality=80)
    gif = encode(quantized(drawn(30, 20))[0], "GIF")
    half, pixel_sum = len(jpeg) // 2, png.index(b"IEND") - 5
    spoilt = {place: png[:place] + bytes([png[place] ^ 0xFF]) + png[place + 1 :] for place in (29, pixel_sum)}
    huge = png_by_hand(60000, 60000, 8, 0, bytes(60001))
    damaged = [
        ("red/tenth.jpg", "JPEG of which only the first tenth is there", jpeg[: len(jpeg) // 10]),
        ("red/cut.jpg", "JPEG without its last tenth", jpeg[: len(jpeg) * 9 // 10]),
        ("red/zeros.jpg", "JPEG with 200 zeros in its middle", jpeg[:half] + bytes(200) + jpeg[half + 200 :]),
        ("red/empty.jpg", "no bytes", b""),
        ("red/cut.webp", "WebP of which only the first half is there", webp[: len(webp) // 2]),
        ("red/header.gif", "GIF of which only the header is there", gif[:13]),
        ("blue/cut.png", "PNG of which only the first half is there", png[: len(png) // 2]),
        ("blue/header sum.png", "PNG with a wrong checksum (CRC) of its header (IHDR)", spoilt[29]),
        ("blue/pixel sum.png", "PNG with a wrong checksum (CRC) of its pixels (IDAT)", spoilt[pixel_sum]),
        ("blue/text.png", "text under the name of a PNG", b"This is text.\n"),
        ("blue/huge.png", "PNG that says it has 60000 × 60000 pixels, and has one row", huge),
    ]
    whole = [
        Item(f"{name}/whole-{number}.png", "PNG, whole", encode(picture, "PNG"), meant=picture)
        for look, name in ((0, "red"), (5, "blue"))
        for number, picture in enumerate((drawn(12, 12, look), drawn(16, 12, look), drawn(12, 16, look)), 1)
    ]
    items = whole + [Item(path, damage, data, damage=damage) for path, damage, data in damaged]
    return sorted(items, key=lambda item: item.path.encode())
