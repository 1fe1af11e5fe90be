/*
 * test_video.c - video files: what they decode to, and what is refused.
 */
#define _GNU_SOURCE
#include "testing.h"
#include "videos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct videos_seen seen, again;

/* ---- what is in a video ---- */

static const struct {
	const char *url;
	unsigned pictures;
	uint32_t width, height;
	fl_time last; /* to the ms */
} clips[] = {
	{COCKATOO, 280, 1280, 720, FL_MS(13950)},
	{REALSHORT, 36, 320, 240, FL_MS(1165)},
	{FORENSICS, 41, 1920, 1080, FL_MS(1484)},
};

START_TEST(clips_have_all_their_pictures_and_have_them_again)
{
	struct video_input *input;

	ck_assert_msg(videos_open(&input, clips[_i].url) == 0, "%s", why);
	ck_assert(!plugin->live(input));
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -ENODATA);
	ck_assert_uint_eq(seen.pictures, clips[_i].pictures);
	ck_assert_uint_eq(seen.width, clips[_i].width);
	ck_assert_uint_eq(seen.height, clips[_i].height);
	ck_assert_int_eq(seen.last / FL_MS(1), clips[_i].last / FL_MS(1));
	ck_assert_uint_eq(seen.corrupt, 0);
	ck_assert_int_eq(plugin->rewind(input), 0);
	videos_see(input, &again);
	ck_assert_mem_eq(&seen, &again, sizeof(seen));
	ck_assert_uint_eq(plugin->damaged(input), 0);
	ck_assert_ptr_null(plugin->close(input));
}
END_TEST

START_TEST(the_end_stays_the_end_until_it_is_rewound)
{
	struct video_input *input;
	struct video_picture picture;

	ck_assert_int_eq(videos_open(&input, REALSHORT), 0);
	videos_see(input, &seen);
	ck_assert_int_eq(plugin->next(input, &picture), -ENODATA);
	ck_assert_int_eq(plugin->next(input, &picture), -ENODATA);
	ck_assert_int_eq(plugin->rewind(input), 0);
	ck_assert_int_eq(plugin->next(input, &picture), 0);
	ck_assert_int_eq(picture.at, 0);
	ck_assert_int_eq(plugin->rewind(input), 0);
	videos_see(input, &again);
	ck_assert_mem_eq(&seen, &again, sizeof(seen));
	plugin->close(input);
}
END_TEST

START_TEST(a_file_stays_the_one_that_was_opened)
{
	size_t size;
	unsigned char *clip = videos_load(REALSHORT, &size);
	const char *path = videos_file("clip.mp4", clip, size);
	struct video_input *input;

	ck_assert_int_eq(videos_open(&input, path), 0);
	videos_see(input, &seen);
	ck_assert_int_eq(unlink(path), 0);
	videos_file("clip.mp4", "other", 5);
	ck_assert_int_eq(plugin->rewind(input), 0);
	videos_see(input, &again);
	ck_assert_mem_eq(&seen, &again, sizeof(seen));
	plugin->close(input);
	free(clip);
}
END_TEST

/* The picture is 50 % red, so that range and matrix show: what JPEG makes of it is known. */
static void expect_colours(const char *options)
{
	char command[512], path[256];
	struct video_input *input;
	struct video_picture picture;
	unsigned char *data;

	snprintf(path, sizeof(path), "%s", videos_path("colour.mkv"));
	snprintf(command, sizeof(command),
		 "ffmpeg -nostdin -y -v error -f lavfi -i color=c=0xC02040:s=66x50:r=10:d=0.5 %s %s", options, path);
	ck_assert_msg(system(command) == 0, "%s", command);
	ck_assert_int_eq(videos_open(&input, path), 0);
	ck_assert_int_eq(plugin->next(input, &picture), 0);
	data = malloc(picture.info.size);
	plugin->copy(input, data);
	for (uint32_t i = 0; i < picture.info.size; i++) {
		int wanted = i < picture.info.offset[1] ? 83 : i < picture.info.offset[2] ? 117 : 205;

		ck_assert_msg(abs(data[i] - wanted) <= 4, "%s: byte %u is %u, not %d", options, i, data[i], wanted);
	}
	free(data);
	plugin->close(input);
}

START_TEST(pictures_have_the_colours_of_a_jpeg)
{
	static const char *const options[] = {
		"-vf scale=out_color_matrix=bt601:out_range=tv,format=yuv420p -c:v ffv1",
		"-vf scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p -c:v mjpeg -q:v 1",
		"-vf scale=out_color_matrix=bt601:out_range=pc,format=yuvj444p -c:v mjpeg -q:v 1",
		"-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -colorspace bt709 -c:v libx264 -qp 1",
		"-c:v ffv1 -pix_fmt bgr0",
	};

	expect_colours(options[_i]);
}
END_TEST

START_TEST(sizes_that_change_are_followed_and_odd_ones_cut)
{
	char command[1024];
	struct video_input *input;
	struct video_picture picture;
	unsigned counts[2] = {0};

	snprintf(command, sizeof(command),
		 "cd %s && for s in 65x49 128x96; do ffmpeg -nostdin -y -v error -f lavfi -i testsrc=s=$s:r=10:d=1 "
		 "-c:v mjpeg -pix_fmt yuvj420p $s.mjpeg || exit; done; cat 65x49.mjpeg 128x96.mjpeg >both.mjpeg",
		 videos_folder);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(videos_open(&input, videos_path("both.mjpeg")), 0);
	while (plugin->next(input, &picture) == 0) {
		unsigned char *data = malloc(picture.info.size);

		ck_assert(picture.info.width == 64 || picture.info.width == 128);
		ck_assert_uint_eq(picture.info.height, picture.info.width / 4 * 3);
		plugin->copy(input, data);
		counts[picture.info.width == 128]++;
		free(data);
	}
	ck_assert_uint_eq(counts[0], 10);
	ck_assert_uint_eq(counts[1], 10);
	plugin->close(input);
}
END_TEST

/* A little too large is seen by the plug-in, much too large by the decoder, which then decodes nothing. */
static const struct {
	const char *codec, *then;
} growing[] = {
	{"mpeg2video", "256x256"},
	{"mpeg2video", "1280x1024"},
	{"libx264", "256x256"},
	{"libx264", "1280x1024"},
};

START_TEST(a_size_that_grows_too_large_ends_it)
{
	char command[1024];
	struct video_wish wish = {.max_pixels = 64 * 64};
	struct video_input *input;

	snprintf(command, sizeof(command),
		 "cd %s && for s in 64x64 %s; do ffmpeg -nostdin -y -v error -f lavfi -i testsrc=s=$s:r=10:d=1 "
		 "-c:v %s $s.ts || exit; done; cat 64x64.ts %s.ts >both.ts",
		 videos_folder, growing[_i].then, growing[_i].codec, growing[_i].then);
	ck_assert_int_eq(system(command), 0);
	wish.url = videos_path("both.ts");
	ck_assert_msg(plugin->open(&input, &wish, why, sizeof(why)) == 0, "%s", why);
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -EMSGSIZE);
	ck_assert_uint_gt(seen.pictures, 0);
	ck_assert_uint_le(seen.pictures, 10);
	ck_assert_uint_eq(seen.width, 64);
	ck_assert_int_eq(plugin->rewind(input), 0);
	plugin->close(input);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(what_is_no_video_is_refused_with_a_sentence)
{
	size_t size;
	unsigned char *clip = videos_load(COCKATOO, &size);

	videos_expect_refused(videos_path("missing.mp4"), 0, -ENOENT, "no such file");
	videos_expect_refused(videos_file("empty.mp4", "", 0), 0, -EPROTO, "empty");
	videos_expect_refused(videos_file("text.mp4", "Some words.\nMore.\n", 18), 0, -EPROTO, "not a video");
	videos_expect_refused(videos_folder, 0, -EISDIR, "folder");
	videos_expect_refused(videos_file("short.mp4", clip, 20), 0, -EPROTO, "not a video");
	videos_expect_refused(COCKATOO, 1280 * 720 - 1, -EMSGSIZE, "1280 x 720");
	videos_expect_refused("/dev/video12345", 0, -ENODEV, "camera");
	videos_expect_refused("/dev/zero", 0, -EPROTO, "neither a file nor a camera");
	ck_assert_int_eq(mkfifo(videos_path("pipe"), 0600), 0);
	videos_expect_refused(videos_path("pipe"), 0, -EPROTO, "neither a file nor a camera");
	videos_expect_refused("", 0, -ENOENT, "no such file");
	free(clip);
}
END_TEST

/* A path is a path, also where there is a file of that name. */
START_TEST(a_path_is_never_a_protocol)
{
	static const char *const names[] = {"http:evil", "concat:a|b", "file:x",
					    "-",         "pipe:0",     "data:,hello",
					    "async:x",   "img%d.mp4",  "cache:http://127.0.0.1/"};
	size_t size;
	unsigned char *clip = videos_load(REALSHORT, &size);
	struct video_input *input;

	ck_assert_int_eq(chdir(videos_folder), 0);
	videos_file("a", clip, size);
	videos_file("x", clip, size);
	videos_file("img1.mp4", clip, size);
	ck_assert_int_eq(mkdir(videos_path("cache:http:"), 0700), 0);
	ck_assert_int_eq(mkdir(videos_path("cache:http:/127.0.0.1"), 0700), 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]) - 1; i++) {
		videos_expect_refused(names[i], 0, -ENOENT, "no such file");
		videos_file(names[i], clip, size);
		ck_assert_msg(videos_open(&input, names[i]) == 0, "%s: %s", names[i], why);
		plugin->close(input);
	}
	videos_expect_refused(names[8], 0, -EISDIR, "folder");
	free(clip);
}
END_TEST

START_TEST(a_file_opens_no_other)
{
	static const char *const lists[] = {
		"ffconcat version 1.0\nfile 'clip.mp4'\n",
		"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\nclip.mp4\n#EXT-X-ENDLIST\n",
		"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 26\n",
	};
	size_t size;
	unsigned char *clip = videos_load(REALSHORT, &size);

	ck_assert_int_eq(chdir(videos_folder), 0);
	videos_file("clip.mp4", clip, size);
	videos_expect_refused(videos_file("list.mp4", lists[_i], strlen(lists[_i])), 0, -EPROTO, "not a video");
	free(clip);
}
END_TEST

static bool at_the_third_time(void *arg)
{
	unsigned *asked = arg;

	return ++*asked >= 3;
}

START_TEST(it_stops_when_asked)
{
	unsigned asked = 0;
	struct video_wish wish = {.url = COCKATOO, .stop = at_the_third_time, .arg = &asked};
	struct video_input *input = NULL;
	struct video_picture picture;
	int error = plugin->open(&input, &wish, why, sizeof(why));

	while (!error)
		error = plugin->next(input, &picture);
	ck_assert_int_eq(error, -ECANCELED);
	ck_assert_uint_eq(asked, 3);
	plugin->close(input);
}
END_TEST

/* ---- damage ---- */

/* What a damaged file may lead to. */
static void take_damaged(const char *path)
{
	struct video_input *input;
	int error = videos_open(&input, path);

	if (error) {
		ck_assert_msg(error == -EPROTO || error == -EMSGSIZE || error == -ENOMEM, "%d: %s", error, why);
		ck_assert(why[0]);
		return;
	}
	videos_see(input, &seen);
	ck_assert_msg(seen.end == 0 || seen.end == -ENODATA || seen.end == -EPROTO || seen.end == -EMSGSIZE, "%d",
		      seen.end);
	plugin->close(input);
}

START_TEST(what_is_left_of_a_truncated_file_is_shown)
{
	size_t size;
	unsigned char *clip = videos_load(REALSHORT, &size);
	char command[512];
	struct video_input *input;

	/* Its index stands at its end; without that there is nothing, and in Matroska there need be none. */
	take_damaged(videos_file("half.mp4", clip, size / 2));
	snprintf(command, sizeof(command), "ffmpeg -nostdin -v error -i " REALSHORT " -c copy -an %s",
		 videos_path("all.mkv"));
	ck_assert_int_eq(system(command), 0);
	free(clip);
	clip = videos_load(videos_path("all.mkv"), &size);
	ck_assert_int_eq(videos_open(&input, videos_file("half.mkv", clip, size / 2)), 0);
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -ENODATA);
	ck_assert_uint_gt(seen.pictures, 5);
	ck_assert_uint_lt(seen.pictures, 36);
	plugin->close(input);
	free(clip);
}
END_TEST

START_TEST(damage_never_breaks_the_reader)
{
	size_t size, length;
	unsigned char *clip = videos_load(REALSHORT, &size), *copy = malloc(size);
	unsigned shown = 0;

	ck_assert_ptr_nonnull(copy);
	srandom((unsigned)_i + 1);
	for (unsigned round = 0; round < 25; round++) {
		memcpy(copy, clip, size);
		length = random() % 4 ? size : (size_t)random() % size;
		/* Every other time only where the index is, which is all that leads to the pictures. */
		for (long n = random() % 40; n >= 0; n--) {
			size_t at = round % 2 ? (size_t)random() % size : size - 1 - (size_t)random() % 4000;

			copy[at] = (unsigned char)random();
		}
		take_damaged(videos_file("damaged.mp4", copy, length));
		shown += seen.pictures;
	}
	/* That some were looked into at all. */
	ck_assert_uint_gt(shown, 0);
	free(copy);
	free(clip);
}
END_TEST

/* ---- threads ---- */

static void read_a_clip(unsigned index, void *arg)
{
	const char *url = index % 2 ? REALSHORT : FORENSICS;
	struct videos_seen *own = calloc(1, sizeof(*own));
	struct video_wish wish = {.url = url};
	struct video_input *input;
	char said[VIDEO_WHY];

	(void)arg;
	ck_assert_ptr_nonnull(own);
	ck_assert_int_eq(plugin->open(&input, &wish, said, sizeof(said)), 0);
	videos_see(input, own);
	ck_assert_uint_eq(own->pictures, index % 2 ? 36 : 41);
	plugin->close(input);
	free(own);
}

START_TEST(threads_read_side_by_side)
{
	testing_together(4, read_a_clip, NULL);
}
END_TEST

/* ---- the plug-in ---- */

START_TEST(without_the_plug_in_there_is_a_sentence)
{
	const struct video_plugin *none = NULL;

	ck_assert_ptr_nonnull(mkdtemp(strcpy(videos_folder, "/tmp/fairlead-video-XXXXXX")));
	setenv("FAIRLEAD_PLUGINS", videos_folder, 1);
	ck_assert_int_eq(video_plugin(&none, why, sizeof(why)), -ELIBACC);
	ck_assert_ptr_null(none);
	ck_assert_ptr_nonnull(strstr(why, "package fairlead-video"));
	videos_file("fairlead-video.so", "no library", 10);
	ck_assert_int_eq(video_plugin(&none, why, sizeof(why)), -ELIBACC);
	ck_assert_ptr_nonnull(strstr(why, "libavformat59"));
	videos_tear_down();
}
END_TEST

static void load(unsigned index, void *arg)
{
	const struct video_plugin **got = arg;
	char said[VIDEO_WHY];

	ck_assert_int_eq(video_plugin(&got[index], said, sizeof(said)), 0);
}

START_TEST(threads_load_one_plug_in)
{
	const struct video_plugin *got[8] = {NULL};

	testing_together(8, load, got);
	for (unsigned i = 0; i < 8; i++)
		ck_assert(got[i] && got[i] == got[0] && got[i]->version == VIDEO_PLUGIN_VERSION);
}
END_TEST

START_TEST(nothing_of_ffmpeg_reaches_stderr)
{
	FILE *said;
	int error = dup2(fileno(said = fopen(videos_path("stderr"), "w+e")), STDERR_FILENO);

	ck_assert_int_eq(error, STDERR_FILENO);
	take_damaged(videos_file("text", "hello", 5));
	take_damaged(videos_file("riff.avi",
				 "RIFF\xff\xff\xff\xff"
				 "AVI LIST\xff\xff\xff\xffhdrl",
				 24));
	ck_assert_int_eq(fseek(said, 0, SEEK_END), 0);
	ck_assert_int_eq(ftell(said), 0);
	fclose(said);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("video");
	TCase *videos = testing_case_between(suite, "videos", videos_set_up, videos_tear_down);
	TCase *loading = testing_case(suite, "loading");

	tcase_add_loop_test(videos, clips_have_all_their_pictures_and_have_them_again, 0, 3);
	tcase_add_test(videos, the_end_stays_the_end_until_it_is_rewound);
	tcase_add_test(videos, a_file_stays_the_one_that_was_opened);
	tcase_add_loop_test(videos, pictures_have_the_colours_of_a_jpeg, 0, 5);
	tcase_add_test(videos, sizes_that_change_are_followed_and_odd_ones_cut);
	tcase_add_loop_test(videos, a_size_that_grows_too_large_ends_it, 0, 4);
	tcase_add_test(videos, what_is_no_video_is_refused_with_a_sentence);
	tcase_add_test(videos, a_path_is_never_a_protocol);
	tcase_add_loop_test(videos, a_file_opens_no_other, 0, 3);
	tcase_add_test(videos, it_stops_when_asked);
	tcase_add_test(videos, what_is_left_of_a_truncated_file_is_shown);
	tcase_add_loop_test(videos, damage_never_breaks_the_reader, 0, 8);
	tcase_add_test(videos, threads_read_side_by_side);
	tcase_add_test(videos, nothing_of_ffmpeg_reaches_stderr);
	tcase_add_test(loading, without_the_plug_in_there_is_a_sentence);
	tcase_add_test(loading, threads_load_one_plug_in);
	return testing_run(suite);
}
