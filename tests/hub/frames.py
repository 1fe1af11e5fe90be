"""frames - frame messages, JPEGs and clips for the tests of the hub: made and read by other programs than the hub's own.

A frame message is a header of 48 bytes and what it speaks of. Clips are those of python3-imageio; pictures are coded and
decoded by ffmpeg.
"""
import pathlib
import re
import struct
import subprocess

import imageio

CLIPS = pathlib.Path(imageio.__file__).parent / "resources" / "images"
REALSHORT = CLIPS / "realshort.mp4"  # 36 frames of 320x240, at 29.97 a second or so
COCKATOO = CLIPS / "cockatoo.mp4"  # 280 frames of 1280x720
HEADER = struct.Struct("<4sHHIIIIQqq")
KEY, CORRUPT, SYNTHETIC = 1, 2, 4


def fourcc(name):
    return int.from_bytes(name.encode(), "little")


JPEG, RGB24, GRAY8, I420 = fourcc("JPEG"), fourcc("RGB3"), fourcc("GREY"), fourcc("YU12")


class Message:
    """A frame message that was received."""

    def __init__(self, data):
        assert isinstance(data, bytes) and len(data) > 48, f"no frame message: {data[:48]!r}"
        (self.mark, self.header, self.flags, self.format, self.width, self.height, self.missed, self.sequence,
         self.captured, self.sent) = HEADER.unpack_from(data)
        assert (self.mark, self.header) == (b"FLF1", 48), f"no frame message: {data[:48]!r}"
        self.data = data[48:]


def message(data, format_, width, height, captured=0, flags=0, mark=b"FLF1", header=48):
    """One to be sent."""
    return HEADER.pack(mark, header, flags, format_, width, height, 0, 0, captured, 0) + data


def ffmpeg(*arguments, data=None):
    """What ffmpeg writes to its standard output."""
    command = ["ffmpeg", "-v", "error", "-nostdin" if data is None else "-hide_banner", *map(str, arguments), "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
    return done.stdout


def split(stream):
    """JPEG files that follow one another: each ends where the next begins."""
    starts = [found.start() for found in re.finditer(rb"\xff\xd8\xff", stream)] + [len(stream)]
    parts = [stream[begin:after] for begin, after in zip(starts, starts[1:])]
    assert all(part.endswith(b"\xff\xd9") for part in parts)
    return parts


def jpegs(clip, n=1000, *filters):
    """The first n frames of a clip as JPEGs."""
    return split(ffmpeg("-i", clip, "-frames:v", n, *filters, "-c:v", "mjpeg", "-q:v", 4, "-f", "image2pipe"))


def raws(clip, width, height, n):
    """The first n frames of a clip as RGB24."""
    data = ffmpeg("-i", clip, "-frames:v", n, "-s", f"{width}x{height}", "-pix_fmt", "rgb24", "-f", "rawvideo")
    size = 3 * width * height
    assert len(data) == n * size, f"{len(data)} bytes"
    return [data[at:at + size] for at in range(0, len(data), size)]


def decode(jpeg):
    """The RGB24 pixels of a JPEG, and its width and height, by ffmpeg."""
    pnm = ffmpeg("-f", "mjpeg", "-i", "-", "-frames:v", 1, "-c:v", "ppm", "-f", "image2pipe", data=jpeg)
    head = re.match(rb"P6\s(\d+)\s(\d+)\s255\s", pnm)
    return pnm[head.end():], int(head[1]), int(head[2])


def mean_color(pixels):
    """Of RGB24: mean red, green and blue."""
    return tuple(sum(pixels[channel::3]) / (len(pixels) // 3) for channel in range(3))


def colored(color, width, height):
    """A JPEG of one colour."""
    source = f"color=c={color}:s={width}x{height}"
    return ffmpeg("-f", "lavfi", "-i", source, "-frames:v", 1, "-c:v", "mjpeg", "-f", "image2pipe")


def noise(width, height):
    """A JPEG that is large for its pixels."""
    source = f"nullsrc=s={width}x{height},geq=random(1)*255:128:128"
    return ffmpeg("-f", "lavfi", "-i", source, "-frames:v", 1, "-c:v", "mjpeg", "-q:v", 2, "-f", "image2pipe")
