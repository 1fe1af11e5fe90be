/*
 * bench/jpegs.c - a folder of JPEG files as a camera's images, and the moments at which it takes them; see jpegs.h.
 *
 * The width and height come from the first file's frame header, the marker SOF.
 */
#include "jpegs.h"

#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t second = 1000000000;

/* ---- files ---- */

/* The file's first two bytes, which begin every JPEG, are where the comment ends; they go to its beginning. */
static int add_comment(unsigned char *data)
{
	static const unsigned char begin[] = {0xff, 0xd8, 0xff, 0xfe, 0, JPEGS_HEAD - 4};

	if (memcmp(data + JPEGS_HEAD - 2, begin, 2) != 0)
		return -EINVAL;
	memcpy(data, begin, sizeof begin);
	memcpy(data + sizeof begin, JPEGS_COMMENT, sizeof JPEGS_COMMENT - 1);
	memset(data + JPEGS_HEAD - JPEGS_DIGITS, '0', JPEGS_DIGITS);
	return 0;
}

static int read_file(struct jpeg *ret_jpeg, const char *path)
{
	FILE *file = fopen(path, "rb");
	unsigned char *data = NULL;
	long size = -1;

	if (file == NULL)
		return -errno;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size > 2)
		data = malloc((size_t)size + JPEGS_HEAD);
	rewind(file);
	if (data == NULL || fread(data + JPEGS_HEAD - 2, 1, (size_t)size, file) != (size_t)size) {
		fclose(file);
		free(data);
		return -EIO;
	}
	fclose(file);
	*ret_jpeg = (struct jpeg){data, (size_t)size + JPEGS_HEAD - 2};
	return add_comment(data);
}

static unsigned big_endian(const unsigned char *two)
{
	return two[0] * 256u + two[1];
}

static bool is_frame_header(unsigned marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Segments follow each other up to the frame header: 0xff, the marker, a length that counts itself. */
static int find_size(struct jpegs *jpegs)
{
	const struct jpeg *first = &jpegs->of[0];
	size_t at = 2;

	while (at + 9 <= first->size && first->data[at] == 0xff) {
		const unsigned char *segment = first->data + at;

		if (is_frame_header(segment[1])) {
			jpegs->height = big_endian(segment + 5);
			jpegs->width = big_endian(segment + 7);
			return 0;
		}
		at += 2 + big_endian(segment + 2);
	}
	return -EINVAL;
}

static int load_all(struct jpegs *jpegs, char **paths, size_t n)
{
	jpegs->of = calloc(n, sizeof *jpegs->of);
	if (jpegs->of == NULL)
		return -ENOMEM;
	for (; jpegs->count < n; jpegs->count++) {
		struct jpeg *one = &jpegs->of[jpegs->count];
		int error = read_file(one, paths[jpegs->count]);

		if (error < 0)
			return error;
		if (one->size > jpegs->largest)
			jpegs->largest = one->size;
	}
	return find_size(jpegs);
}

int jpegs_load(struct jpegs *ret_jpegs, const char *folder)
{
	struct jpegs jpegs = {0};
	char pattern[4096];
	glob_t found;
	int error;

	snprintf(pattern, sizeof pattern, "%s/*.jpg", folder);
	if (glob(pattern, 0, NULL, &found) != 0)
		return -ENOENT;
	error = load_all(&jpegs, found.gl_pathv, found.gl_pathc);
	globfree(&found);
	if (error < 0)
		jpegs_free(&jpegs);
	else
		*ret_jpegs = jpegs;
	return error;
}

void jpegs_free(struct jpegs *jpegs)
{
	for (size_t i = 0; i < jpegs->count; i++)
		free(jpegs->of[i].data);
	free(jpegs->of);
	memset(jpegs, 0, sizeof *jpegs);
}

void jpegs_take(void *ret_data, const struct jpeg *jpeg, int64_t captured)
{
	char digits[JPEGS_DIGITS + 1];

	snprintf(digits, sizeof digits, "%0*lld", JPEGS_DIGITS, (long long)captured);
	memcpy(ret_data, jpeg->data, jpeg->size);
	memcpy((char *)ret_data + JPEGS_HEAD - JPEGS_DIGITS, digits, JPEGS_DIGITS);
}

/* ---- time ---- */

int64_t jpegs_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * second + now.tv_nsec;
}

struct jpegs_clock jpegs_clock_start(unsigned fps)
{
	return (struct jpegs_clock){jpegs_now(), fps};
}

int64_t jpegs_clock_tick(const struct jpegs_clock *clock, uint64_t number)
{
	return clock->start + (int64_t)number * second / clock->fps;
}

uint64_t jpegs_clock_next(const struct jpegs_clock *clock, int64_t now)
{
	uint64_t number = now < clock->start ? 0 : (uint64_t)(now - clock->start) * clock->fps / (uint64_t)second;

	while (jpegs_clock_tick(clock, number) <= now)
		number++;
	return number;
}
