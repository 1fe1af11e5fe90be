/*
 * fuzz_images.c - the part `images`: JPEGs that were changed, and pixels with gaps, to hub/images/jpeg.c and pixels.c.
 *
 * The JPEGs are of a photograph (Debian's forensics-samples-files, made smaller): in the ways that coders write them,
 * and tiny. What is given to the hub's functions lies at the end of memory, and so does what they write: a byte too
 * much is a crash, also where vector instructions read it. What must hold:
 *
 *   - one that was not changed is decoded, to each format, and has the size that it had;
 *   - jpeg_look and jpeg_decode say 0 or what is wrong, in a sentence;
 *   - what jpeg_look takes for too large, or not whole, jpeg_decode does too;
 *   - pixels_convert fills all that is to be filled, or refuses.
 */
#include "fuzz.h"

#include "hub/images/jpeg.h"
#include "hub/images/pixels.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#define PHOTOGRAPH "/usr/share/forensics-samples/original-files/pic1/IMG_1054.JPG"
#define ROOM (1u << 20)
#define FILES 12u
#define DECODED (1u << 18) /* pixels, at most */
#define MARK 0xa5

static const uint32_t formats[] = {FL_PIXELS_GRAY8,  FL_PIXELS_RGB24, FL_PIXELS_BGR24, FL_PIXELS_RGBA32,
				   FL_PIXELS_BGRA32, FL_PIXELS_YUYV,  FL_PIXELS_UYVY,  FL_PIXELS_NV12,
				   FL_PIXELS_I420,   FL_PIXELS_JPEG};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))
static const uint32_t targets[] = {FL_PIXELS_RGB24, FL_PIXELS_GRAY8, FL_PIXELS_I420};

static struct {
	struct jpeg *jpeg;
	struct fuzz_memory from, to;
	struct {
		unsigned char *data;
		unsigned long size;
		int width, height;
	} files[FILES];
	unsigned n_files;
	unsigned char bytes[ROOM];
} * it;

/* The JPEGs. */

static unsigned char *read_photograph(size_t *ret_size)
{
	FILE *file = fopen(PHOTOGRAPH, "re");
	unsigned char *data = malloc(ROOM);

	FUZZ_EXPECT(file && data, PHOTOGRAPH " is missing: install forensics-samples-files");
	*ret_size = fread(data, 1, ROOM, file);
	fclose(file);
	return data;
}

/* Each by a coder of its own: one that has made a progressive JPEG goes on with that one's tables. */
static void add_file(const unsigned char *pixels, int pitch, int width, int height, int sampling, int flags)
{
	unsigned i = it->n_files++;
	tjhandle press = tjInitCompress();

	it->files[i].width = width;
	it->files[i].height = height;
	FUZZ_EXPECT(tjCompress2(press, pixels, width, pitch, height, TJPF_RGB, &it->files[i].data, &it->files[i].size,
				sampling, 75, flags) == 0,
		    "%s", tjGetErrorStr2(press));
	tjDestroy(press);
}

/* An eighth of its width and height, in several ways, and parts of that. */
static void make_files(void)
{
	size_t size;
	unsigned char *photograph = read_photograph(&size), *pixels;
	tjhandle open = tjInitDecompress();
	int width, height, sampling, space, pitch;

	FUZZ_EXPECT(tjDecompressHeader3(open, photograph, size, &width, &height, &sampling, &space) == 0, "no JPEG");
	width = TJSCALED(width, ((tjscalingfactor){1, 8}));
	height = TJSCALED(height, ((tjscalingfactor){1, 8}));
	pitch = 3 * width;
	pixels = malloc((size_t)pitch * (size_t)height);
	FUZZ_EXPECT(pixels && tjDecompress2(open, photograph, size, pixels, width, pitch, height, TJPF_RGB, 0) == 0,
		    "%s", tjGetErrorStr2(open));
	add_file(pixels, pitch, width, height, TJSAMP_420, 0);
	add_file(pixels, pitch, width, height, TJSAMP_420, TJFLAG_PROGRESSIVE);
	add_file(pixels, pitch, 64, 48, TJSAMP_422, 0);
	add_file(pixels, pitch, 64, 48, TJSAMP_444, TJFLAG_PROGRESSIVE);
	add_file(pixels, pitch, 61, 47, TJSAMP_420, 0);
	add_file(pixels, pitch, 48, 64, TJSAMP_440, 0);
	add_file(pixels, pitch, 40, 40, TJSAMP_GRAY, 0);
	add_file(pixels, pitch, 33, 40, TJSAMP_411, 0);
	add_file(pixels, pitch, 17, 16, TJSAMP_420, TJFLAG_PROGRESSIVE);
	add_file(pixels, pitch, 8, 8, TJSAMP_420, 0);
	add_file(pixels, pitch, 2, 2, TJSAMP_420, TJFLAG_PROGRESSIVE);
	add_file(pixels, pitch, 1, 1, TJSAMP_444, 0);
	tjDestroy(open);
	free(pixels);
	free(photograph);
}

static void open_part(void)
{
	it = calloc(1, sizeof(*it));
	FUZZ_EXPECT(it, "no memory");
	it->jpeg = jpeg_open();
	FUZZ_EXPECT(it->jpeg, "no memory");
	fuzz_memory_open(&it->from, ROOM);
	fuzz_memory_open(&it->to, ROOM);
	make_files();
}

static void close_part(void)
{
	for (unsigned i = 0; i < it->n_files; i++)
		tjFree(it->files[i].data);
	fuzz_memory_close(&it->from);
	fuzz_memory_close(&it->to);
	jpeg_close(it->jpeg);
	free(it);
}

/* What must hold of JPEGs. */

static void expect_sentence(int error, const char *why)
{
	size_t length = strlen(why);

	FUZZ_EXPECT(error == -EBADMSG || error == -EMSGSIZE || error == -EINVAL, "%d", error);
	FUZZ_EXPECT(length > 5 && why[length - 1] != '.' && !(why[0] >= 'A' && why[0] <= 'Z'),
		    "'%s' is no such sentence", why);
}

/* A place at the end of memory for an image, between marks. */
static unsigned char *place_for(const fl_frame_info *info)
{
	unsigned char *to = fuzz_memory_end(&it->to, info->size);

	memset(to > it->to.pages + 64 ? to - 64 : it->to.pages, MARK, 64);
	return to;
}

static void expect_marks(const unsigned char *to)
{
	for (const unsigned char *at = to - 64; at < to; at++)
		FUZZ_EXPECT(at < it->to.pages || *at == MARK, "something is written %zd bytes before the image",
			    to - at);
}

/* Decodes it to a format. Returns what jpeg_decode says. */
static int decode(const unsigned char *file, size_t size, uint32_t format, uint32_t width, uint32_t height, char *why,
		  size_t why_size)
{
	bool even = format == FL_PIXELS_I420;
	unsigned char *to;
	fl_frame_info info;
	int error;

	if (even) {
		width &= ~1u;
		height &= ~1u;
	}
	if (fl_frame_info_init(&info, format, width, height) != 0)
		return -EINVAL; /* one pixel is no I420 */
	to = place_for(&info);
	error = jpeg_decode(it->jpeg, file, size, &info, to, why, why_size);
	expect_marks(to);
	if (error != 0)
		expect_sentence(error, why);
	return error;
}

static void look_and_decode(const unsigned char *file, size_t size, bool good, unsigned which)
{
	uint32_t width = 0, height = 0, format = targets[fuzz_below(3)];
	char why[120] = "";
	int error = jpeg_look(file, size, &width, &height, why, sizeof(why)), decoded;
	bool tiny = format == FL_PIXELS_I420 && (width < 2 || height < 2);

	fuzz_note((uint64_t)(unsigned)error << 32 ^ (uint64_t)width << 16 ^ height);
	if (error != 0)
		expect_sentence(error, why);
	FUZZ_EXPECT(!good || error == 0, "a good JPEG is refused: %s", why);
	FUZZ_EXPECT(!good || (width == (uint32_t)it->files[which].width && height == (uint32_t)it->files[which].height),
		    "%ux%u", width, height);
	FUZZ_EXPECT(error != 0 || (width > 0 && height > 0 && (uint64_t)width * height <= JPEG_MAX_PIXELS), "%ux%u",
		    width, height);
	if (error == 0 && (uint64_t)width * height > DECODED) {
		width = height = 64; /* which it is not */
		good = false;
	}
	decoded = decode(file, size, format, error == 0 ? width : 16, error == 0 ? height : 16, why, sizeof(why));
	FUZZ_EXPECT(error == 0 || decoded != 0, "what can't be looked at is decoded");
	FUZZ_EXPECT(!good || tiny || decoded == 0, "a good JPEG, %u, does not become %08x: %s", which, format, why);
	fuzz_note((unsigned)decoded);
}

static void a_jpeg(void)
{
	unsigned which = (unsigned)fuzz_below(it->n_files);
	size_t size = it->files[which].size;
	bool good = fuzz_once_in(8);
	unsigned char *file;

	memcpy(it->bytes, it->files[which].data, size);
	if (!good)
		size = fuzz_mutate(it->bytes, size, size + 4096);
	file = fuzz_memory_end(&it->from, size);
	memcpy(file, it->bytes, size);
	look_and_decode(file, size, good, which);
}

/* Pixels. */

/* Gaps between rows and planes, of an image that has none. */
static void spread(fl_frame_info *info)
{
	uint32_t at = (uint32_t)fuzz_below(40);

	for (uint32_t i = 0; i < info->n_planes; i++) {
		uint32_t rows = i == 0 || info->format == FL_PIXELS_GRAY8 ? info->height : (info->height + 1) / 2;

		info->stride[i] += (uint32_t)fuzz_below(20);
		info->offset[i] = at;
		at += info->stride[i] * rows + (uint32_t)fuzz_below(20);
	}
	info->size = at;
}

/* Whether every byte of the image's rows has been written. It was filled with two values in turn. */
static void expect_filled(const fl_frame_info *info, const unsigned char *first, const unsigned char *second)
{
	for (uint32_t i = 0; i < info->n_planes; i++) {
		uint32_t half = i > 0, row = info->format == FL_PIXELS_RGB24 ? 3 * info->width : info->width >> half;

		for (uint32_t y = 0; y < info->height >> half; y++) {
			size_t at = info->offset[i] + (size_t)y * info->stride[i];

			FUZZ_EXPECT(memcmp(first + at, second + at, row) == 0, "row %u of plane %u is not written", y,
				    i);
		}
	}
}

static void some_pixels(void)
{
	uint32_t width = 1 + (uint32_t)fuzz_below(70), height = 1 + (uint32_t)fuzz_below(40);
	fl_frame_info from, to;
	unsigned char *source, *target;
	int error;

	if (fl_frame_info_init(&from, formats[fuzz_below(FORMATS - 1)], width, height) != 0 ||
	    fl_frame_info_init(&to, formats[fuzz_below(FORMATS - 1)], width, height) != 0)
		return; /* such a format is of even sizes only */
	spread(&from);
	if (fuzz_once_in(2))
		spread(&to);
	FUZZ_EXPECT(fl_frame_info_check(&from, from.size) == 0, "the test describes an image that can't be");
	source = fuzz_memory_end(&it->from, from.size);
	fuzz_fill(source, from.size);
	target = place_for(&to);
	memset(target, 1, to.size);
	error = pixels_convert(&from, source, &to, target);
#ifdef FUZZ_PLANT
	if (width == 33)
		target[-1] = 0;
#endif
	expect_marks(target);
	fuzz_note((unsigned)error);
	FUZZ_EXPECT(error == 0 || error == -EINVAL, "%d", error);
	FUZZ_EXPECT((error == 0) == (to.format == FL_PIXELS_RGB24 || to.format == FL_PIXELS_GRAY8 ||
				     to.format == FL_PIXELS_I420),
		    "%d from %08x to %08x", error, from.format, to.format);
	if (error != 0)
		return;
	memcpy(it->bytes, target, to.size);
	memset(target, 2, to.size);
	FUZZ_EXPECT(pixels_convert(&from, source, &to, target) == 0, "it converts only once");
	expect_filled(&to, it->bytes, target);
}

static void a_round(void)
{
	if (fuzz_once_in(3))
		some_pixels();
	else
		a_jpeg();
}

const struct fuzz_part fuzz_images = {"images", open_part, a_round, close_part};
