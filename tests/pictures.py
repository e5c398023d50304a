"""Pictures of pages made small: 256 colours, chosen in the browser, packed as well as zlib can."""

import base64
import struct
import zlib

from playwright.async_api import Page

# Median cut over colours of six bits a channel: split the box that matters most until there are 256, and take the mean
# of each. Gives [width, height, palette, indices], the last two as base64.
_CHOOSE = """async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const { width, height } = image;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const keyAt = (at) => ((data[at] >> 2) << 12) | ((data[at + 1] >> 2) << 6) | (data[at + 2] >> 2);
    const colors = new Map();
    for (let at = 0; at < data.length; at += 4) {
        const key = keyAt(at);
        const color = colors.get(key) ?? { key, count: 0, sums: [0, 0, 0] };
        color.count += 1;
        for (let channel = 0; channel < 3; channel += 1) color.sums[channel] += data[at + channel];
        colors.set(key, color);
    }
    const mean = (color, channel) => color.sums[channel] / color.count;
    const boxOf = (members) => {
        const spans = [0, 1, 2].map((channel) => {
            const values = members.map((color) => mean(color, channel));
            return values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
        });
        const channel = spans.indexOf(Math.max(...spans));
        const count = members.reduce((sum, color) => sum + color.count, 0);
        return { members, channel, weight: members.length > 1 ? spans[channel] * Math.sqrt(count) : 0 };
    };
    const boxes = [boxOf([...colors.values()])];
    while (boxes.length < 256) {
        const heaviest = boxes.reduce((best, box) => (box.weight > best.weight ? box : best));
        if (!heaviest.weight) break;
        const { members, channel } = heaviest;
        members.sort((a, b) => mean(a, channel) - mean(b, channel));
        const half = Math.max(1, Math.floor(members.length / 2));
        boxes.splice(boxes.indexOf(heaviest), 1, boxOf(members.slice(0, half)), boxOf(members.slice(half)));
    }
    const places = new Map();
    const palette = boxes.flatMap(({ members }, index) => {
        for (const color of members) places.set(color.key, index);
        const count = members.reduce((sum, color) => sum + color.count, 0);
        return [0, 1, 2].map((c) => Math.round(members.reduce((sum, color) => sum + color.sums[c], 0) / count));
    });
    const indices = new Uint8Array(width * height);
    for (let at = 0; at < indices.length; at += 1) indices[at] = places.get(keyAt(at * 4));
    const text = (bytes) => {
        let binary = "";
        for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.slice(at, at + 32768));
        return btoa(binary);
    };
    return [width, height, text(palette), text(indices)];
}"""


async def small(blank: Page, png: bytes) -> bytes:
    """The picture as a PNG with a palette. ``blank`` is a page without a policy that may be used for it."""
    width, height, palette, indices = await blank.evaluate(_CHOOSE, base64.b64encode(png).decode())
    pixels = base64.b64decode(indices)
    # Each line begins with its filter: none, the best for palettes.
    lines = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", base64.b64decode(palette)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
