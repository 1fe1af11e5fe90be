/*
 * videos.c - what the tests of hub/video.h share.
 *
 * Pictures are copied to memory with a band after it that must stay as it is, since swscale writes with vector
 * instructions that no sanitizer sees.
 */
#define _GNU_SOURCE
#include "videos.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

enum { BAND = 256, PATTERN = 0xA5 };

const struct video_plugin *plugin;
char videos_folder[64];
char why[VIDEO_WHY];

#ifdef __SANITIZE_THREAD__
/* TSan does not see the atomics of FFmpeg's libraries, which are not built with it, but does see what they allocate and
 * free: it takes each buffer that is handed over for a race. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "called_from_lib:libavutil.so\ncalled_from_lib:libavcodec.so\ncalled_from_lib:libavformat.so\n"
	       "called_from_lib:libswscale.so\n";
}
#endif

void videos_set_up(void)
{
	snprintf(videos_folder, sizeof(videos_folder), "/tmp/fairlead-video-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(videos_folder));
	ck_assert_msg(video_plugin(&plugin, why, sizeof(why)) == 0, "%s", why);
}

static int take_away(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status, (void)type, (void)at;
	return remove(path);
}

void videos_tear_down(void)
{
	ck_assert_int_eq(nftw(videos_folder, take_away, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *videos_path(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", videos_folder, name);
	return path;
}

const char *videos_file(const char *name, const void *data, size_t size)
{
	const char *path = videos_path(name);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

unsigned char *videos_load(const char *clip, size_t *ret_size)
{
	FILE *file = fopen(clip, "re");
	unsigned char *data;
	long size;

	ck_assert_msg(file, "%s is missing: install python3-imageio and forensics-samples-files", clip);
	ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	ck_assert_int_gt(size, 0);
	rewind(file);
	data = malloc((size_t)size);
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(fread(data, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	*ret_size = (size_t)size;
	return data;
}

int videos_open(struct video_input **ret, const char *url)
{
	struct video_wish wish = {.url = url, .max_pixels = VIDEOS_LARGEST};
	bool missing = !strncmp(url, "/usr/", 5) && access(url, R_OK);

	ck_assert_msg(!missing, "%s is missing: install python3-imageio and forensics-samples-files", url);
	why[0] = '\0';
	return plugin->open(ret, &wish, why, sizeof(why));
}

void videos_expect_refused(const char *url, uint64_t max_pixels, int error, const char *sentence)
{
	struct video_wish wish = {.url = url, .max_pixels = max_pixels};
	struct video_input *input = NULL;

	why[0] = '\0';
	ck_assert_int_eq(plugin->open(&input, &wish, why, sizeof(why)), error);
	ck_assert_msg(strstr(why, sentence), "\"%s\" does not say \"%s\"", why, sentence);
	ck_assert_ptr_null(strchr(why, '\n'));
	ck_assert_ptr_null(input);
}

static uint64_t sum_of(const unsigned char *data, size_t size, uint64_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ data[i]) * 1099511628211u;
	return sum;
}

static void see_picture(struct video_input *input, const struct video_picture *picture, struct videos_seen *seen)
{
	const fl_frame_info *info = &picture->info;
	unsigned char *data = malloc(info->size + BAND);

	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(info->format, FL_PIXELS_I420);
	ck_assert_int_eq(fl_frame_info_check(info, info->size), 0);
	ck_assert_int_eq(info->captured, 0);
	memset(data + info->size, PATTERN, BAND);
	plugin->copy(input, data);
	for (unsigned i = 0; i < BAND; i++)
		ck_assert_uint_eq(data[info->size + i], PATTERN);
	seen->sum = sum_of(data, info->size, seen->sum);
	free(data);
	seen->width = info->width;
	seen->height = info->height;
	seen->corrupt += (info->flags & FL_FRAME_CORRUPT) != 0;
}

void videos_see(struct video_input *input, struct videos_seen *ret_seen)
{
	struct videos_seen seen = {.last = -1};
	struct video_picture picture;

	while (seen.pictures < 512 && (seen.end = plugin->next(input, &picture)) == 0) {
		if (plugin->live(input)) {
			ck_assert_int_eq(picture.at, -1);
		} else {
			ck_assert_int_gt(picture.at, seen.last);
			ck_assert(seen.pictures || picture.at == 0);
		}
		see_picture(input, &picture, &seen);
		seen.last = seen.times[seen.pictures++] = picture.at;
	}
	*ret_seen = seen;
}

static void make_jpeg(tjhandle press, const fl_frame_info *info, const unsigned char *data, struct videos_jpeg *jpeg)
{
	ck_assert_int_eq(tjCompressFromYUV(press, data, (int)info->width, 1, (int)info->height, TJSAMP_420, &jpeg->data,
					   &jpeg->size, 85, 0),
			 0);
}

void videos_make_jpegs(struct videos_jpeg *jpegs)
{
	tjhandle press = tjInitCompress();
	struct video_picture picture;
	struct video_input *input;

	memset(jpegs, 0, VIDEOS_JPEGS * sizeof(*jpegs));
	ck_assert_ptr_nonnull(press);
	ck_assert_int_eq(videos_open(&input, REALSHORT), 0);
	for (unsigned i = 0; i < VIDEOS_JPEGS; i++) {
		unsigned char *data;

		ck_assert_int_eq(plugin->next(input, &picture), 0);
		data = malloc(picture.info.size);
		ck_assert_ptr_nonnull(data);
		plugin->copy(input, data);
		make_jpeg(press, &picture.info, data, &jpegs[i]);
		free(data);
	}
	ck_assert_ptr_null(plugin->close(input));
	tjDestroy(press);
}

void videos_free_jpegs(struct videos_jpeg *jpegs)
{
	for (unsigned i = 0; i < VIDEOS_JPEGS; i++)
		tjFree(jpegs[i].data);
}
