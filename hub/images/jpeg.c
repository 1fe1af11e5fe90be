/*
 * hub/images/jpeg.c - the one file that knows libturbojpeg.
 *
 * Encoding. Formats that the coder takes are given to it as they are, rows with gaps included: RGB and gray ones, and
 * I420 by its planes, with Y, U and V that take all of 0 to 255. The packed and half-packed YUV formats go by I420 in
 * memory that is kept. The coder writes into the caller's memory; it is told not to make its own, and then relies on
 * there being as much as tjBufSize says, whatever it is told: so less room is refused.
 *
 * Decoding. What comes may be anything. First the header is looked at by hand (jpeg_look): its marks one after the
 * other up to the one that has the size, and the end mark at the end, without which the JPEG was cut off. Then the
 * coder has to agree with that size, and is stopped at the first thing that it would only warn of: half an image is not
 * shown. One of many small scans, each of which goes over the whole image, is ended by the coder after 500
 * (TJFLAG_LIMITSCANS). A JPEG with colour at half the resolution is decoded to I420 directly; others by RGB24 in memory
 * that is kept.
 */
#include "jpeg.h"

#include "pixels.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#define DECODE_FLAGS (TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS)

struct jpeg {
	tjhandle encoder, decoder;
	uint8_t *kept; /* for an image on its way */
	size_t kept_size;
};

struct jpeg *jpeg_open(void)
{
	struct jpeg *jpeg = calloc(1, sizeof(*jpeg));

	if (!jpeg)
		return NULL;
	jpeg->encoder = tjInitCompress();
	jpeg->decoder = tjInitDecompress();
	return jpeg->encoder && jpeg->decoder ? jpeg : jpeg_close(jpeg);
}

struct jpeg *jpeg_close(struct jpeg *jpeg)
{
	if (!jpeg)
		return NULL;
	if (jpeg->encoder)
		tjDestroy(jpeg->encoder);
	if (jpeg->decoder)
		tjDestroy(jpeg->decoder);
	free(jpeg->kept);
	free(jpeg);
	return NULL;
}

static bool too_large(uint32_t width, uint32_t height)
{
	return width > JPEG_MAX_SIDE || height > JPEG_MAX_SIDE || (uint64_t)width * height > JPEG_MAX_PIXELS;
}

size_t jpeg_bound(uint32_t width, uint32_t height)
{
	if (width == 0 || height == 0 || too_large(width, height))
		return 0;
	return tjBufSize((int)width, (int)height, TJSAMP_420);
}

static int keep(struct jpeg *jpeg, size_t size)
{
	uint8_t *memory;

	if (size <= jpeg->kept_size)
		return 0;
	memory = malloc(size);
	if (!memory)
		return -ENOMEM;
	free(jpeg->kept);
	jpeg->kept = memory;
	jpeg->kept_size = size;
	return 0;
}

/* Encoding. */

/* How the coder calls a format, or -1. */
static int coder_format(uint32_t format)
{
	switch (format) {
	case FL_PIXELS_RGB24:
		return TJPF_RGB;
	case FL_PIXELS_BGR24:
		return TJPF_BGR;
	case FL_PIXELS_RGBA32:
		return TJPF_RGBX;
	case FL_PIXELS_BGRA32:
		return TJPF_BGRX;
	case FL_PIXELS_GRAY8:
		return TJPF_GRAY;
	default:
		return -1;
	}
}

static int encode_packed(struct jpeg *jpeg, const fl_frame_info *info, const uint8_t *data, int quality, uint8_t *to,
			 unsigned long *size)
{
	int format = coder_format(info->format);

	return tjCompress2(jpeg->encoder, data + info->offset[0], (int)info->width, (int)info->stride[0],
			   (int)info->height, format, &to, size, format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_420,
			   quality, TJFLAG_NOREALLOC);
}

static int encode_planes(struct jpeg *jpeg, const fl_frame_info *info, const uint8_t *data, int quality, uint8_t *to,
			 unsigned long *size)
{
	const uint8_t *planes[3] = {data + info->offset[0], data + info->offset[1], data + info->offset[2]};
	const int strides[3] = {(int)info->stride[0], (int)info->stride[1], (int)info->stride[2]};

	return tjCompressFromYUVPlanes(jpeg->encoder, planes, (int)info->width, strides, (int)info->height, TJSAMP_420,
				       &to, size, quality, TJFLAG_NOREALLOC);
}

/* Describes I420 of any size: one with an odd width or height has a column or row of U and V more. */
static void describe_planes(fl_frame_info *ret_info, uint32_t width, uint32_t height)
{
	uint32_t half = (width + 1) / 2, half_plane = half * ((height + 1) / 2);

	*ret_info = (fl_frame_info){
		.format = FL_PIXELS_I420,
		.width = width,
		.height = height,
		.n_planes = 3,
		.offset = {0, width * height, width * height + half_plane},
		.stride = {width, half, half},
		.size = (uint64_t)width * height + 2 * half_plane,
	};
}

static int encode_by_planes(struct jpeg *jpeg, const fl_frame_info *info, const uint8_t *data, int quality, uint8_t *to,
			    unsigned long *size)
{
	fl_frame_info planes;
	int error;

	describe_planes(&planes, info->width, info->height);
	error = keep(jpeg, planes.size);
	if (error == 0)
		error = pixels_convert(info, data, &planes, jpeg->kept);
	return error != 0 ? error : encode_planes(jpeg, &planes, jpeg->kept, quality, to, size);
}

int jpeg_encode(struct jpeg *jpeg, const fl_frame_info *info, const void *data, int quality, void *to, size_t room,
		size_t *ret_size)
{
	unsigned long size = room;
	int error;

	for (uint32_t i = 0; i < info->n_planes; i++)
		if (info->stride[i] > INT32_MAX)
			return -EMSGSIZE; /* the coder counts in int */
	if (info->n_planes == 0 || info->width == 0 || info->height == 0 || quality < 1 || quality > 100)
		return -EINVAL;
	if (too_large(info->width, info->height) || room < jpeg_bound(info->width, info->height))
		return -EMSGSIZE;
	if (coder_format(info->format) >= 0)
		error = encode_packed(jpeg, info, data, quality, to, &size);
	else if (info->format == FL_PIXELS_I420)
		error = encode_planes(jpeg, info, data, quality, to, &size);
	else
		error = encode_by_planes(jpeg, info, data, quality, to, &size);
	if (error == -1)
		return -ENOMEM; /* all else that the coder could refuse was looked at */
	if (error == 0)
		*ret_size = size;
	return error;
}

/* Looking. */

__attribute__((format(printf, 3, 4))) static int refuse(char *why, size_t why_size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_size, format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static uint32_t read_16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

/* The marks. */
enum {
	START = 0xd8,
	END = 0xd9,
	SCAN = 0xda,        /* what follows is the image */
	FIRST_FRAME = 0xc0, /* from here to 0xcf they have the size, but for three: */
	LAST_FRAME = 0xcf,
	TABLES = 0xc4,
	EXTENSION = 0xc8,
	CONDITIONING = 0xcc,
	ALONE = 0x01, /* has nothing behind it, nor have those from 0xd0 to START */
	RESTART = 0xd0,
};

static bool has_size(uint8_t mark)
{
	return mark >= FIRST_FRAME && mark <= LAST_FRAME && mark != TABLES && mark != EXTENSION && mark != CONDITIONING;
}

/* Returns where the mark that has the size begins, or 0. */
static size_t find_size(const uint8_t *bytes, size_t size)
{
	size_t at = 2;

	while (at + 9 < size && bytes[at] == 0xff) {
		uint8_t mark = bytes[at + 1];

		if (has_size(mark))
			return at;
		if (mark == 0 || mark == SCAN || mark == END)
			return 0;
		if (mark == 0xff)
			at += 1; /* they may be filled up with these */
		else if (mark == ALONE || (mark >= RESTART && mark <= START))
			at += 2;
		else
			at += 2 + read_16(bytes + at + 2);
	}
	return 0;
}

static bool has_end(const uint8_t *bytes, size_t size)
{
	while (size > 2 && bytes[size - 1] == 0)
		size--;
	return size > 4 && bytes[size - 2] == 0xff && bytes[size - 1] == END;
}

int jpeg_look(const void *data, size_t size, uint32_t *ret_width, uint32_t *ret_height, char *why, size_t why_size)
{
	const uint8_t *bytes = data;
	uint32_t width, height;
	size_t at;

	if (size < 4 || bytes[0] != 0xff || bytes[1] != START)
		return refuse(why, why_size, "it is not a JPEG");
	at = find_size(bytes, size);
	if (at == 0)
		return refuse(why, why_size, "its header is damaged");
	height = read_16(bytes + at + 5);
	width = read_16(bytes + at + 7);
	if (width == 0 || height == 0)
		return refuse(why, why_size, "it says that it has no pixels");
	if (too_large(width, height)) {
		refuse(why, why_size, "it says that it has %u x %u pixels, which is too much", width, height);
		return -EMSGSIZE;
	}
	if (!has_end(bytes, size))
		return refuse(why, why_size, "its end is missing");
	*ret_width = width;
	*ret_height = height;
	return 0;
}

/* Decoding. */

struct file {
	const void *data;
	size_t size;
	int width, height;
	bool half; /* it is of Y, U and V, with U and V for 2 x 2 pixels */
};

/* A coder that could not read a header would go on in the middle of it with the next JPEG, and refuse that one and all
 * that follow. */
static void begin_anew(struct jpeg *jpeg)
{
	tjDestroy(jpeg->decoder);
	jpeg->decoder = NULL;
}

/* What the coder says of the header. */
static int open_file(struct jpeg *jpeg, const void *data, size_t size, struct file *ret_file, char *why,
		     size_t why_size)
{
	struct file file = {.data = data, .size = size};
	uint32_t width = 0, height = 0;
	int sampling, space, error = jpeg_look(data, size, &width, &height, why, why_size);

	if (error != 0)
		return error;
	if (!jpeg->decoder)
		jpeg->decoder = tjInitDecompress();
	if (!jpeg->decoder) {
		snprintf(why, why_size, "no memory is left");
		return -ENOMEM;
	}
	if (tjDecompressHeader3(jpeg->decoder, data, size, &file.width, &file.height, &sampling, &space) != 0) {
		error = refuse(why, why_size, "it is damaged: %s", tjGetErrorStr2(jpeg->decoder));
		begin_anew(jpeg);
		return error;
	}
	if (file.width != (int)width || file.height != (int)height)
		return refuse(why, why_size, "its header is damaged");
	file.half = sampling == TJSAMP_420 && space == TJCS_YCbCr;
	*ret_file = file;
	return 0;
}

static int decode_packed(struct jpeg *jpeg, const struct file *file, void *to, uint32_t stride, int format)
{
	return tjDecompress2(jpeg->decoder, file->data, file->size, to, file->width, (int)stride, file->height, format,
			     DECODE_FLAGS);
}

static int decode_planes(struct jpeg *jpeg, const struct file *file, const fl_frame_info *to, uint8_t *pixels)
{
	uint8_t *planes[3] = {pixels + to->offset[0], pixels + to->offset[1], pixels + to->offset[2]};
	int strides[3] = {(int)to->stride[0], (int)to->stride[1], (int)to->stride[2]};

	return tjDecompressToYUVPlanes(jpeg->decoder, file->data, file->size, planes, file->width, strides,
				       file->height, DECODE_FLAGS);
}

/* To I420, where the JPEG is something else or has a column or row more. */
static int decode_by_rgb(struct jpeg *jpeg, const struct file *file, const fl_frame_info *to, uint8_t *pixels)
{
	uint32_t stride = 3 * (uint32_t)file->width;
	const fl_frame_info rgb = {
		.format = FL_PIXELS_RGB24, .width = to->width, .height = to->height, .n_planes = 1, .stride = {stride}};
	int error = keep(jpeg, (size_t)stride * (size_t)file->height);

	if (error == 0)
		error = decode_packed(jpeg, file, jpeg->kept, stride, TJPF_RGB);
	return error != 0 ? error : pixels_convert(&rgb, jpeg->kept, to, pixels);
}

/* Whether an image can be what a JPEG is decoded to. */
static bool suits(const fl_frame_info *to, const struct file *file)
{
	uint32_t width = (uint32_t)file->width, height = (uint32_t)file->height;

	if (fl_frame_info_check(to, to->size) != 0)
		return false;
	if (to->format == FL_PIXELS_I420)
		return to->width == (width & ~1u) && to->height == (height & ~1u);
	return (to->format == FL_PIXELS_RGB24 || to->format == FL_PIXELS_GRAY8) && to->width == width &&
	       to->height == height;
}

int jpeg_decode(struct jpeg *jpeg, const void *data, size_t size, const fl_frame_info *to, void *ret_pixels, char *why,
		size_t why_size)
{
	struct file file = {.data = NULL};
	int error = open_file(jpeg, data, size, &file, why, why_size);

	if (error != 0)
		return error;
	if (!suits(to, &file)) {
		refuse(why, why_size, "%d x %d pixels do not become what is wanted", file.width, file.height);
		return -EINVAL;
	}
	if (to->format != FL_PIXELS_I420)
		error = decode_packed(jpeg, &file, (uint8_t *)ret_pixels + to->offset[0], to->stride[0],
				      to->format == FL_PIXELS_GRAY8 ? TJPF_GRAY : TJPF_RGB);
	else if (file.half && (uint32_t)file.width == to->width && (uint32_t)file.height == to->height)
		error = decode_planes(jpeg, &file, to, ret_pixels);
	else
		error = decode_by_rgb(jpeg, &file, to, ret_pixels);
	if (error == -1)
		return refuse(why, why_size, "it is damaged: %s", tjGetErrorStr2(jpeg->decoder));
	if (error == -ENOMEM)
		snprintf(why, why_size, "no memory is left");
	return error;
}
