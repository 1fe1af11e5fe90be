/*
 * fairlead/frame.h - a frame's description: pixel format, size, rows, planes, when it was captured.
 *
 *     fl_frame_info info;
 *     int error = fl_frame_info_init(&info, FL_PIXELS_RGB24, 1920, 1080);   // info.size is 6220800
 *
 * It goes with the bytes of a frame through a channel (fairlead/frames.h). An encoded frame (FL_PIXELS_JPEG) and plain
 * bytes (FL_PIXELS_NONE) have a size and no planes.
 *
 * All calls may come from any thread and from signal handlers, and none blocks.
 */
#ifndef FAIRLEAD_FRAME_H
#define FAIRLEAD_FRAME_H

#include <fairlead/attributes.h>
#include <fairlead/time.h>
#include <stddef.h>
#include <stdint.h>

FL_BEGIN_DECLS

/* A format is a FourCC: the four characters that V4L2, DRM and FFmpeg know it by, the first one in the low byte. */
#define FL_FOURCC(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define FL_PIXELS_NONE 0u                              /* bytes that are not an image */
#define FL_PIXELS_GRAY8 FL_FOURCC('G', 'R', 'E', 'Y')  /* 1 byte a pixel */
#define FL_PIXELS_RGB24 FL_FOURCC('R', 'G', 'B', '3')  /* 3 bytes: red, green, blue */
#define FL_PIXELS_BGR24 FL_FOURCC('B', 'G', 'R', '3')  /* 3 bytes: blue, green, red */
#define FL_PIXELS_RGBA32 FL_FOURCC('A', 'B', '2', '4') /* 4 bytes: red, green, blue, alpha */
#define FL_PIXELS_BGRA32 FL_FOURCC('A', 'R', '2', '4') /* 4 bytes: blue, green, red, alpha */
#define FL_PIXELS_YUYV FL_FOURCC('Y', 'U', 'Y', 'V')   /* 4 bytes for 2 pixels: Y, U, Y, V; the width is even */
#define FL_PIXELS_UYVY FL_FOURCC('U', 'Y', 'V', 'Y')   /* 4 bytes for 2 pixels: U, Y, V, Y; the width is even */
#define FL_PIXELS_NV12 FL_FOURCC('N', 'V', '1', '2')   /* a plane of Y, one of U and V for 2 x 2 pixels; both even */
#define FL_PIXELS_I420 FL_FOURCC('Y', 'U', '1', '2')   /* a plane of Y, one of U, one of V; both even */
#define FL_PIXELS_JPEG FL_FOURCC('J', 'P', 'E', 'G')   /* one JPEG file */

#define FL_FRAME_PLANES 4u

/* What `flags` says of a frame. A reader gets them as the producer has set them. */
#define FL_FRAME_KEY 1u       /* it can be decoded without those before it */
#define FL_FRAME_CORRUPT 2u   /* the producer knows that it is damaged */
#define FL_FRAME_SYNTHETIC 4u /* no camera saw it: a test picture, "no signal" */

/* 72 bytes. Offsets, strides and sizes are in bytes. */
typedef struct fl_frame_info {
	uint32_t format;
	uint32_t width, height; /* in pixels; 0 if it is not an image, or if they are not known */
	uint32_t n_planes;      /* 0 for encoded frames and plain bytes */
	uint32_t offset[FL_FRAME_PLANES];
	uint32_t stride[FL_FRAME_PLANES]; /* from one row to the next */
	uint64_t size;                    /* of all of the frame */
	fl_time captured;                 /* when the light fell in, on CLOCK_MONOTONIC; 0: not known */
	uint32_t flags;
	uint32_t fl_spare0;
} fl_frame_info;

/* Describes an image of so many pixels whose rows and planes follow each other without gaps. Its size is at most
 * 4 GiB - 1. Returns 0;
 * -EINVAL: the format is not one of the above, or has no pixels, or the width or height is 0, or odd where it must be
 *          even;
 * -EMSGSIZE: it is too large.  Since 0.1. */
int fl_frame_info_init(fl_frame_info *ret_info, uint32_t format, uint32_t width, uint32_t height)
	FL_ALL_NONNULL FL_MUST_CHECK;

/* Tells whether all that a description speaks of lies within `capacity` bytes, and each row within its stride, so that
 * who reads what it says reads nothing else. Of a format that is not one of the above only the sizes are known to be
 * right. Returns 0;
 * -EINVAL: planes that the format does not have, or rows that overlap;
 * -EMSGSIZE: it reaches beyond its own size, or its size beyond the capacity.  Since 0.1. */
int fl_frame_info_check(const fl_frame_info *info, size_t capacity) FL_ALL_NONNULL FL_MUST_CHECK;

FL_END_DECLS

#endif
