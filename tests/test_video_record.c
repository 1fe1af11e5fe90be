/*
 * test_video_record.c - recordings: what was written is read back, whatever has happened to the writer.
 */
#define _GNU_SOURCE
#include "testing.h"
#include "videos.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct videos_jpeg jpegs[VIDEOS_JPEGS];
static struct videos_seen seen;

static void set_up(void)
{
	videos_set_up();
	videos_make_jpegs(jpegs);
}

static void tear_down(void)
{
	videos_free_jpegs(jpegs);
	videos_tear_down();
}

/* Uneven, as cameras are. */
static fl_time time_of(unsigned i)
{
	return FL_SECONDS(1000) + FL_MS(33) * i + FL_US(700) * (i % 3);
}

static struct video_record *record(const char *path)
{
	struct video_record *made;

	ck_assert_msg(plugin->record(&made, path, 320, 240, why, sizeof(why)) == 0, "%s", why);
	return made;
}

static void write_all(struct video_record *made)
{
	for (unsigned i = 0; i < VIDEOS_JPEGS; i++)
		ck_assert_int_eq(plugin->write(made, jpegs[i].data, jpegs[i].size, time_of(i)), 0);
}

static uint64_t size_of(const char *path)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	return (uint64_t)status.st_size;
}

/* The first `pictures` are all that is in the file, and they are right. */
static void expect(const char *path, unsigned pictures)
{
	struct video_input *input;

	ck_assert_msg(videos_open(&input, path) == 0, "%s", why);
	videos_see(input, &seen);
	ck_assert_int_eq(seen.end, -ENODATA);
	ck_assert_uint_eq(seen.pictures, pictures);
	ck_assert_uint_eq(seen.width, 320);
	ck_assert_uint_eq(seen.height, 240);
	ck_assert_uint_eq(seen.corrupt, 0);
	ck_assert_uint_eq(plugin->damaged(input), 0);
	for (unsigned i = 0; i < pictures; i++)
		ck_assert_int_eq(seen.times[i] / FL_MS(1), (time_of(i) - time_of(0)) / FL_MS(1));
	plugin->close(input);
}

START_TEST(what_was_recorded_is_read_back)
{
	const char *path = videos_path("recording.mkv");
	struct video_record *made = record(path);
	struct stat status;
	uint64_t before = plugin->written(made);

	ck_assert_uint_eq(before, size_of(path));
	write_all(made);
	ck_assert_uint_eq(plugin->written(made), size_of(path));
	ck_assert_uint_gt(plugin->written(made), before + VIDEOS_JPEGS * 1000);
	ck_assert_int_eq(plugin->finish(made), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	expect(path, VIDEOS_JPEGS);
	ck_assert_int_eq(plugin->finish(NULL), 0);
}
END_TEST

START_TEST(the_jpegs_are_in_it_as_they_were)
{
	const char *path = videos_path("recording.mkv");
	struct video_record *made = record(path);
	unsigned char *file;
	size_t size;

	write_all(made);
	ck_assert_int_eq(plugin->finish(made), 0);
	file = videos_load(path, &size);
	for (unsigned i = 0; i < VIDEOS_JPEGS; i++)
		ck_assert_ptr_nonnull(memmem(file, size, jpegs[i].data, jpegs[i].size));
	free(file);
}
END_TEST

START_TEST(times_grow_whatever_the_camera_says)
{
	static const fl_time captured[] = {5, 5, 0, INT64_MIN, FL_MS(3), INT64_MAX, FL_MS(7)};
	const char *path = videos_path("recording.mkv");
	struct video_record *made = record(path);
	struct video_input *input;

	for (unsigned i = 0; i < 7; i++) {
		bool far = captured[i] == INT64_MAX;

		ck_assert_int_eq(plugin->write(made, jpegs[i].data, jpegs[i].size, far ? FL_MS(9) : captured[i]), 0);
	}
	ck_assert_int_eq(plugin->finish(made), 0);
	ck_assert_int_eq(videos_open(&input, path), 0);
	videos_see(input, &seen);
	ck_assert_uint_eq(seen.pictures, 7);
	for (unsigned i = 1; i < 5; i++)
		ck_assert_int_eq(seen.times[i], FL_MS(i));
	ck_assert_int_eq(seen.times[5], FL_MS(8));
	ck_assert_int_eq(seen.times[6], FL_MS(9));
	plugin->close(input);
}
END_TEST

START_TEST(nothing_is_written_over)
{
	const char *path = videos_file("precious.mkv", "precious", 8);
	struct video_record *made = NULL;
	unsigned char *file;
	size_t size;

	ck_assert_int_eq(plugin->record(&made, path, 320, 240, why, sizeof(why)), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why, "not written over"));
	ck_assert_int_eq(symlink(videos_path("nowhere"), videos_path("link")), 0);
	ck_assert_int_eq(plugin->record(&made, videos_path("link"), 320, 240, why, sizeof(why)), -EEXIST);
	ck_assert_ptr_null(made);
	file = videos_load(path, &size);
	ck_assert_uint_eq(size, 8);
	ck_assert_mem_eq(file, "precious", 8);
	free(file);
}
END_TEST

START_TEST(what_cannot_be_recorded_leaves_nothing)
{
	struct video_record *made = NULL;
	const char *path = videos_path("none.mkv");

	ck_assert_int_eq(plugin->record(&made, path, 0, 240, why, sizeof(why)), -EINVAL);
	ck_assert_int_eq(plugin->record(&made, path, 320, 65536, why, sizeof(why)), -EMSGSIZE);
	ck_assert_int_eq(plugin->record(&made, videos_path("no/such.mkv"), 320, 240, why, sizeof(why)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "folder"));
	ck_assert_int_eq(access(path, F_OK), -1);
	made = record(path);
	ck_assert_int_eq(plugin->write(made, "no jpeg at all", 14, 1), -EINVAL);
	ck_assert_int_eq(plugin->write(made, jpegs[0].data, 0, 1), -EINVAL);
	write_all(made);
	ck_assert_int_eq(plugin->finish(made), 0);
	expect(path, VIDEOS_JPEGS);
}
END_TEST

/* A limit of the file's size stands for a disk that is full; what it says is EFBIG. */
static void limit_files(uint64_t size)
{
	struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_is_said_once_and_what_was_written_plays)
{
	const char *path = videos_path("recording.mkv");
	struct video_record *made = record(path);
	unsigned written = 0;
	uint64_t whole;
	int error;

	limit_files(5 * (jpegs[0].size + 100));
	do {
		whole = plugin->written(made);
		error = plugin->write(made, jpegs[written].data, jpegs[written].size, time_of(written));
	} while (!error && ++written < VIDEOS_JPEGS);
	ck_assert_int_eq(error, -EFBIG);
	ck_assert_uint_gt(written, 2);
	ck_assert_uint_eq(plugin->written(made), whole);
	ck_assert_uint_eq(size_of(path), whole);
	ck_assert_int_eq(plugin->write(made, jpegs[0].data, jpegs[0].size, time_of(written)), -EPIPE);
	ck_assert_int_eq(plugin->finish(made), 0);
	limit_files(RLIM_INFINITY);
	expect(path, written);
}
END_TEST

START_TEST(a_disk_that_is_full_at_the_end_costs_only_the_index)
{
	const char *path = videos_path("recording.mkv");
	struct video_record *made = record(path);

	write_all(made);
	limit_files(plugin->written(made) + 1);
	ck_assert_int_eq(plugin->finish(made), -EFBIG);
	limit_files(RLIM_INFINITY);
	expect(path, VIDEOS_JPEGS);
}
END_TEST

START_TEST(a_disk_that_is_full_at_the_beginning_leaves_no_file)
{
	const char *path = videos_path("recording.mkv");
	struct video_record *made = NULL;
	int error;

	limit_files(10);
	error = plugin->record(&made, path, 320, 240, why, sizeof(why));
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(error, -EFBIG);
	ck_assert_ptr_null(made);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* The writer says when it is done, and then waits to be killed. */
START_TEST(a_killed_writer_loses_nothing_that_it_wrote)
{
	const char *path = videos_path("recording.mkv");
	int ends[2], status;
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		struct video_record *made;

		EXPECT(plugin->record(&made, path, 320, 240, why, sizeof(why)) == 0);
		for (unsigned i = 0; i < VIDEOS_JPEGS; i++)
			EXPECT(plugin->write(made, jpegs[i].data, jpegs[i].size, time_of(i)) == 0);
		EXPECT(write(ends[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	expect(path, VIDEOS_JPEGS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("video_record");
	TCase *tcase = testing_case_between(suite, "recordings", set_up, tear_down);

	tcase_add_test(tcase, what_was_recorded_is_read_back);
	tcase_add_test(tcase, the_jpegs_are_in_it_as_they_were);
	tcase_add_test(tcase, times_grow_whatever_the_camera_says);
	tcase_add_test(tcase, nothing_is_written_over);
	tcase_add_test(tcase, what_cannot_be_recorded_leaves_nothing);
	tcase_add_test(tcase, a_full_disk_is_said_once_and_what_was_written_plays);
	tcase_add_test(tcase, a_disk_that_is_full_at_the_end_costs_only_the_index);
	tcase_add_test(tcase, a_disk_that_is_full_at_the_beginning_leaves_no_file);
	tcase_add_test(tcase, a_killed_writer_loses_nothing_that_it_wrote);
	return testing_run(suite);
}
