/*
 * test_segment_look.c - looking at segments: FL_SEGMENT_LOOK, and lists. Whoever looks is seen by nobody and changes
 * nothing.
 */
#define _GNU_SOURCE
#include "processes.h"
#include "segments.h"
#include "shm/layout.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static fl_segment *segment, *looker;
static char shop[] = "shop";

static void set_up(void)
{
	processes_set_up();
	segments_set_up();
}

static void tear_down(void)
{
	fl_segment_close(segment);
	fl_segment_close(looker);
	processes_tear_down();
}

static int count_one(const fl_segment_process_info *info, void *arg)
{
	ck_assert(!info->self);
	++((unsigned *)arg)[info->alive];
	return 0;
}

/* Expects so many that live and so many that died. */
static void expect_processes(fl_segment *of, unsigned alive, unsigned dead)
{
	unsigned counts[2] = {0};

	ck_assert_int_eq(fl_segment_processes(of, count_one, counts), 0);
	ck_assert_uint_eq(counts[true], alive);
	ck_assert_uint_eq(counts[false], dead);
}

/* Appends to a text that has room for 100 bytes. */
static void append(char *text, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, 100 - length, "%s", more);
}

static int see_object(const fl_segment_object_info *info, void *arg)
{
	ck_assert_str_eq(info->type, "uint64_t");
	ck_assert_uint_eq(info->version, 1);
	ck_assert_uint_eq(info->size, 8);
	append(arg, info->name);
	return 0;
}

static void expect_objects(fl_segment *of, const char *names)
{
	char seen[100] = "";

	ck_assert_int_eq(fl_segment_objects(of, see_object, seen), 0);
	ck_assert_str_eq(seen, names);
}

START_TEST(who_looks_is_not_attached)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	expect_processes(looker, 1, 0);
	expect_objects(looker, "n");
	segment = fl_segment_close(segment);
	expect_processes(looker, 0, 0);
	expect_objects(looker, "n");
}
END_TEST

START_TEST(who_looks_keeps_nobody_from_being_the_last)
{
	ck_assert_int_eq(segments_open(&segment, shop, FL_SEGMENT_REMOVE), 0);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	looker = fl_segment_close(looker);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	segment = fl_segment_close(segment);
	ck_assert_int_eq(segments_open(&segment, shop, FL_SEGMENT_ATTACH), -ENOENT);
}
END_TEST

START_TEST(what_is_found_can_be_read)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);
	uint64_t *mine, *theirs;
	int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &mine), 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	ck_assert_int_eq(fl_segment_find(looker, "n", &type, (void **)&theirs), 0);
	*mine = 12;
	ck_assert_uint_eq(*theirs, 12);
	ck_assert_ptr_eq(fl_segment_at(looker, fl_segment_offset(segment, mine), 8), theirs);
	ck_assert_int_eq(read(zeros, theirs, 8), -1); /* the kernel will not write there either */
	ck_assert_int_eq(read(zeros, mine, 8), 8);
	close(zeros);
}
END_TEST

START_TEST(who_looks_changes_nothing)
{
	static const fl_segment_type type = FL_SEGMENT_TYPE(uint64_t, 1);
	uint64_t *n, *found;

	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	ck_assert_int_eq(fl_segment_find(looker, "n", &type, (void **)&found), 0);
	ck_assert_int_eq(segments_number(looker, "n", &n), -EACCES);
	ck_assert_str_eq(fl_segment_why(), "the segment is only looked at");
	ck_assert_int_eq(fl_segment_delete(looker, "n"), -EACCES);
	ck_assert_int_eq(fl_segment_alloc(looker, 8, found), -EACCES);
	ck_assert_int_eq(fl_segment_free(looker, found), -EACCES);
	expect_objects(segment, "n");
}
END_TEST

START_TEST(flags_are_checked)
{
	const fl_segment_options options = {.flags = FL_SEGMENT_LOOK};

	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), -ENOENT);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK | FL_SEGMENT_CREATE), -EINVAL);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK | FL_SEGMENT_REMOVE), -EINVAL);
	ck_assert_int_eq(fl_segment_open(&looker, NULL, &options), -EINVAL);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_ATTACH), -ENOENT); /* none was made */
}
END_TEST

/* A descriptor that can only be read will do. */
START_TEST(one_is_looked_at_by_its_descriptor)
{
	const fl_segment_options look = {.flags = FL_SEGMENT_LOOK};
	uint64_t *n;
	char path[40];
	int fd;

	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fl_segment_fd(segment));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fl_segment_adopt(&looker, fd, &look), 0);
	close(fd);
	expect_processes(looker, 1, 0);
	expect_objects(looker, "n");
}
END_TEST

static void open_and_stay(void *unused)
{
	uint64_t *n;

	(void)unused;
	EXPECT(segments_open(&segment, shop, 0) == 0);
	EXPECT(segments_number(segment, "n", &n) >= 0);
	process_stay();
}

START_TEST(a_stale_one_stays_as_it_is)
{
	pid_t child = process_start(open_and_stay, NULL);

	process_await(&shared->ready, 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	expect_processes(looker, 1, 0);
	process_kill(child);
	expect_processes(looker, 0, 1);
	looker = fl_segment_close(looker);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	expect_processes(looker, 0, 1);
	expect_objects(looker, "n");
	ck_assert_int_eq(segments_open(&segment, shop, FL_SEGMENT_ATTACH), -ESTALE);
}
END_TEST

/* What somebody leaves who dies between the two stores that make an object, or that delete it. */
START_TEST(what_somebody_died_at_is_seen_and_not_mended)
{
	static const enum fl_block_state states[] = {FL_BLOCK_TAKING, FL_BLOCK_GIVING};
	struct fl_segment_head *head;
	struct fl_block *block;
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	block = (struct fl_block *)((char *)n - sizeof(struct fl_object)) - 1;
	head = (struct fl_segment_head *)((char *)n - fl_segment_offset(segment, n));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		block->size_state = (block->size_state & ~(uint64_t)FL_BLOCK_STATE) | (uint64_t)states[i];
		head->changing = 1;
		expect_objects(looker, "n");
		ck_assert_uint_eq(head->changing, 1);
		ck_assert_uint_eq(block->size_state & FL_BLOCK_STATE, (uint64_t)states[i]);
	}
	expect_objects(segment, "");
	expect_objects(looker, "");
}
END_TEST

static void look_in_a_child(void *unused)
{
	(void)unused;
	expect_objects(looker, "n");
	expect_processes(looker, 1, 0);
}

START_TEST(a_forked_child_looks_too)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, shop, 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_int_eq(segments_open(&looker, shop, FL_SEGMENT_LOOK), 0);
	ck_assert_int_eq(process_end(process_start(look_in_a_child, NULL)), 0);
	expect_processes(looker, 1, 0);
}
END_TEST

/* Lists. */

static void put_file(const char *name, const char *text)
{
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", segments_directory(), name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static int see_reason(const fl_segment_info *info, void *arg)
{
	snprintf(arg, 200, "%s: %d: %s", info->name, info->error, fl_segment_why());
	return 0;
}

START_TEST(what_is_no_segment_is_listed_with_the_reason)
{
	char reason[200] = "", wanted[200];

	put_file("note", "not a segment");
	ck_assert_int_eq(fl_segment_list(segments_directory(), see_reason, reason), 0);
	snprintf(wanted, sizeof(wanted), "note: %d: it is no segment", -EPROTO);
	ck_assert_str_eq(reason, wanted);
}
END_TEST

static int remove_the_other(const fl_segment_info *info, void *arg)
{
	append(arg, info->name);
	ck_assert_int_eq(fl_segment_remove("b", segments_directory()), strcmp(info->name, "a") == 0 ? 0 : -ENOENT);
	return 0;
}

START_TEST(what_goes_meanwhile_is_not_listed)
{
	char seen[100] = "";

	ck_assert_int_eq(segments_open(&segment, "a", 0), 0);
	put_file("b", "");
	put_file("c", "");
	ck_assert_int_eq(fl_segment_list(segments_directory(), remove_the_other, seen), 0);
	ck_assert_str_eq(seen, "ac");
}
END_TEST

static Suite *segment_look_suite(void)
{
	Suite *suite = suite_create("segment_look");
	TCase *looking = testing_case_between(suite, "looking", set_up, tear_down);
	TCase *listing = testing_case_between(suite, "listing", set_up, tear_down);

	tcase_add_test(looking, who_looks_is_not_attached);
	tcase_add_test(looking, who_looks_keeps_nobody_from_being_the_last);
	tcase_add_test(looking, what_is_found_can_be_read);
	tcase_add_test(looking, who_looks_changes_nothing);
	tcase_add_test(looking, flags_are_checked);
	tcase_add_test(looking, one_is_looked_at_by_its_descriptor);
	tcase_add_test(looking, a_stale_one_stays_as_it_is);
	tcase_add_test(looking, what_somebody_died_at_is_seen_and_not_mended);
	tcase_add_test(looking, a_forked_child_looks_too);
	tcase_add_test(listing, what_is_no_segment_is_listed_with_the_reason);
	tcase_add_test(listing, what_goes_meanwhile_is_not_listed);
	return suite;
}

int main(void)
{
	return testing_run(segment_look_suite());
}
