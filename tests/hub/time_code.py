"""time_code.py - reads the time code that is burnt into the hub's pictures, as hub/images/draw.h describes it: a second
reader, written from that description alone and not from the hub's own.

In the bottom left corner a row of 60 square cells, black or white: 1, 0, 1, 0, then 48 bits of milliseconds since 1970,
the highest first, then 8 bits, the sum of the six bytes before.
"""
CELLS = 60


def cell_size(width):
    return max(width // 80, 4)


def _brightness(pixels, stride, left, top, size):
    """The mean of red, green and blue in the middle of a square."""
    inner = range(size // 4, size - size // 4)
    total = count = 0
    for y in inner:
        for x in inner:
            at = (top + y) * stride + 4 * (left + x)
            total += sum(pixels[at : at + 3])
            count += 3
    return total / count


def read(pixels, width):
    """Reads it from the lowest rows of a picture, as many as a cell is high: RGBA without gaps. Returns seconds since
    1970, or None if there is no time code, or a damaged one."""
    size = cell_size(width)
    stride = 4 * width
    bits = [_brightness(pixels, stride, i * size, 0, size) >= 128 for i in range(CELLS)]
    value = sum(bit << (CELLS - 1 - i) for i, bit in enumerate(bits))
    milliseconds = (value >> 8) & ((1 << 48) - 1)
    if value >> 56 != 0b1010 or sum(milliseconds.to_bytes(6, "big")) & 255 != value & 255:
        return None
    return milliseconds / 1000
