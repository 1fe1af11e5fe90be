/*
 * test_segment.c - segments: making, finding, attaching and leaving; who is attached; forks.
 */
#define _GNU_SOURCE
#include "processes.h"
#include "segments.h"
#include "testing.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static fl_segment *segment, *other;
static char shop[] = "shop";

static void set_up(void)
{
	processes_set_up();
	segments_set_up();
}

static void tear_down(void)
{
	fl_segment_close(segment);
	fl_segment_close(other);
	processes_tear_down();
}

/* Whoever comes first makes it. */

START_TEST(two_attach_to_the_same_segment)
{
	uint64_t *mine, *theirs;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &mine), 1);
	ck_assert_int_eq(segments_number(other, "n", &theirs), 0);
	ck_assert_ptr_ne(mine, theirs);
	*mine = 5;
	ck_assert_uint_eq(*theirs, 5);
	ck_assert_uint_eq(fl_segment_offset(segment, mine), fl_segment_offset(other, theirs));
}
END_TEST

START_TEST(flags_say_who_may_be_first)
{
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH), -ENOENT);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_CREATE), 0);
	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_CREATE), -EEXIST);
	ck_assert_ptr_nonnull(strstr(fl_segment_why(), "'shop' already"));
	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_ATTACH), 0);
}
END_TEST

/* Eight processes open one at the same moment: each finds the same object, and one of them has made it. */
static void open_with_others(void *unused)
{
	uint64_t *count;
	int made;

	(void)unused;
	process_tell(&shared->ready);
	process_await(&shared->go_on, 1);
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	made = segments_number(segment, "n", &count);
	EXPECT(made >= 0);
	__atomic_add_fetch(count, made ? 1000 : 1, __ATOMIC_RELAXED);
	process_tell(&shared->ready);
	process_await(&shared->go_on, 2);
	EXPECT(*count == 1007);
}

START_TEST(of_many_at_once_one_makes_it)
{
	pid_t children[8];

	for (int i = 0; i < 8; i++)
		children[i] = process_start(open_with_others, NULL);
	process_await(&shared->ready, 8);
	process_tell(&shared->go_on);
	process_await(&shared->ready, 16);
	process_tell(&shared->go_on);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(process_end(children[i]), 0);
}
END_TEST

START_TEST(names_are_checked)
{
	static const char *const wrong[] = {"", ".", "..", ".hidden", "a/b", "/a", "a b", "a\n", "\xc3\xa4"};
	char longest[FL_SEGMENT_NAME + 1];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_int_eq(segments_open(&segment, wrong[i], 0), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[FL_SEGMENT_NAME] = 0;
	ck_assert_int_eq(segments_open(&segment, longest, 0), -EINVAL);
	longest[FL_SEGMENT_NAME - 1] = 0;
	ck_assert_int_eq(segments_open(&segment, longest, 0), 0);
}
END_TEST

START_TEST(options_are_checked)
{
	fl_segment_options options = {.directory = segments_directory()};

	options.flags = 64;
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -EINVAL);
	options.flags = FL_SEGMENT_CREATE | FL_SEGMENT_ATTACH;
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -EINVAL);
	options.flags = 0;
	options.mode = 0666;
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -EINVAL);
	options.mode = 0;
	options.fl_spare[3] = 1;
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -EINVAL);
	options.fl_spare[3] = 0;
	options.size = (size_t)1 << 30;
	options.max_size = (size_t)1 << 20;
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -EINVAL);
	options.max_size = 0;
	options.directory = "/no/such/directory";
	ck_assert_int_eq(fl_segment_open(&segment, "shop", &options), -ENOENT);
}
END_TEST

START_TEST(rights_are_the_owners_alone)
{
	struct stat about;
	mode_t mask = umask(0);

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	umask(mask);
	ck_assert_int_eq(fstat(fl_segment_fd(segment), &about), 0);
	ck_assert_uint_eq(about.st_mode & 0777, 0600);
}
END_TEST

START_TEST(what_everybody_may_write_to_is_refused)
{
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(fchmod(fl_segment_fd(segment), 0602), 0);
	ck_assert_int_eq(segments_open(&other, "shop", 0), -EPERM);
	ck_assert_int_eq(chmod(segments_directory(), 0777), 0);
	ck_assert_int_eq(segments_open(&other, "more", 0), -EPERM);
}
END_TEST

/* Without a name. */

START_TEST(one_without_a_name_is_reached_by_its_descriptor)
{
	uint64_t *mine, *theirs;

	ck_assert_int_eq(fl_segment_open(&segment, NULL, NULL), 0);
	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	ck_assert_int_eq(segments_number(segment, "n", &mine), 1);
	ck_assert_int_eq(segments_number(other, "n", &theirs), 0);
	*mine = 7;
	ck_assert_uint_eq(*theirs, 7);
	ck_assert_int_ne(ftruncate(fl_segment_fd(segment), 4096), 0);
}
END_TEST

START_TEST(a_descriptor_of_something_else_is_refused)
{
	int pipes[2], file = memfd_create("x", MFD_CLOEXEC);

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_lt(fl_segment_adopt(&other, pipes[0], NULL), 0);
	ck_assert_int_eq(fl_segment_adopt(&other, file, NULL), -EPROTO);
	ck_assert_int_eq(ftruncate(file, 1 << 20), 0);
	ck_assert_int_eq(fl_segment_adopt(&other, file, NULL), -EPROTO);
	ck_assert_int_eq(fl_segment_adopt(&other, 999, NULL), -EBADF);
	close(pipes[0]), close(pipes[1]), close(file);
}
END_TEST

/* Leaving. */

START_TEST(it_stays_when_all_have_left)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	*n = 3;
	segment = fl_segment_close(segment);
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 0);
	ck_assert_uint_eq(*n, 3);
}
END_TEST

START_TEST(the_last_one_removes_it_if_asked_for)
{
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_REMOVE), 0);
	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	segment = fl_segment_close(segment);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH), 0);
	segment = fl_segment_close(segment);
	other = fl_segment_close(other);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH), -ENOENT);
}
END_TEST

START_TEST(the_last_one_may_have_adopted_it)
{
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_REMOVE), 0);
	ck_assert_int_eq(fl_segment_adopt(&other, fl_segment_fd(segment), NULL), 0);
	segment = fl_segment_close(segment);
	other = fl_segment_close(other);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH), -ENOENT);
}
END_TEST

START_TEST(removed_by_name_it_goes_on_for_those_who_have_it)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(fl_segment_remove("shop", segments_directory()), 0);
	ck_assert_int_eq(fl_segment_remove("shop", segments_directory()), -ENOENT);
	ck_assert_int_eq(fl_segment_remove("../shop", segments_directory()), -EINVAL);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_CREATE), 0);
	ck_assert_int_eq(segments_number(other, "n", &n), 1);
}
END_TEST

/* Dying. */

static void open_and_stay(void *name)
{
	uint64_t *n;

	EXPECT(segments_open(&segment, name, 0) == 0);
	EXPECT(segments_number(segment, "n", &n) >= 0);
	*n = 4;
	process_stay();
}

static void open_and_die(char *name)
{
	uint32_t ready = __atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE);
	pid_t child = process_start(open_and_stay, name);

	process_await(&shared->ready, ready + 1);
	process_kill(child);
}

START_TEST(whose_processes_all_died_it_is_made_anew)
{
	uint64_t *n;

	open_and_die(shop);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH), -ESTALE);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_ATTACH | FL_SEGMENT_STALE), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 0);
	ck_assert_uint_eq(*n, 4);
	segment = fl_segment_close(segment);
}
END_TEST

START_TEST(the_next_one_to_make_it_removes_a_stale_one)
{
	uint64_t *n;

	open_and_die(shop);
	ck_assert_int_eq(segments_open(&segment, "shop", FL_SEGMENT_CREATE), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	ck_assert_uint_eq(*n, 0);
}
END_TEST

START_TEST(one_that_lives_keeps_it)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	open_and_die(shop);
	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	ck_assert_int_eq(segments_number(other, "n", &n), 0);
	ck_assert_uint_eq(*n, 4);
	ck_assert_int_eq(fl_segment_clean(segments_directory(), NULL, NULL), 0);
}
END_TEST

START_TEST(who_outlives_others_leaves_no_stale_one)
{
	uint64_t *n;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	open_and_die(shop);
	segment = fl_segment_close(segment);
	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 0);
	ck_assert_uint_eq(*n, 4);
}
END_TEST

static int see_stale(const fl_segment_info *info, void *arg)
{
	ck_assert_int_eq(info->error, 0);
	ck_assert(info->stale);
	ck_assert_uint_eq(info->dead, 1);
	ck_assert_str_eq(info->name, "shop");
	++*(int *)arg;
	return 0;
}

START_TEST(stale_ones_are_cleaned_away_and_others_are_not)
{
	int seen = 0;

	open_and_die(shop);
	ck_assert_int_eq(segments_open(&segment, "used", 0), 0);
	ck_assert_int_eq(segments_open(&other, "left", 0), 0);
	other = fl_segment_close(other);
	ck_assert_int_eq(fl_segment_clean(segments_directory(), see_stale, &seen), 1);
	ck_assert_int_eq(seen, 1);
	ck_assert_int_eq(fl_segment_clean(segments_directory(), NULL, NULL), 0);
	ck_assert_int_eq(segments_open(&other, "left", FL_SEGMENT_ATTACH), 0);
	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_ATTACH), -ENOENT);
}
END_TEST

/* Who is attached. */

struct crowd {
	unsigned alive, dead, self;
	char name[FL_SEGMENT_NAME];
	pid_t pid;
};

static int see_process(const fl_segment_process_info *info, void *arg)
{
	struct crowd *crowd = arg;

	crowd->alive += info->alive;
	crowd->dead += !info->alive;
	crowd->self += info->self;
	if (!info->self) {
		memcpy(crowd->name, info->name, sizeof(crowd->name));
		crowd->pid = info->pid;
		ck_assert_int_gt(info->start, 0);
		ck_assert_int_gt(info->since, 0);
	}
	return 0;
}

static struct crowd crowd_of(fl_segment *of)
{
	struct crowd crowd = {0};

	ck_assert_int_eq(fl_segment_processes(of, see_process, &crowd), 0);
	return crowd;
}

START_TEST(it_knows_who_is_attached_and_who_died)
{
	struct crowd crowd;
	pid_t child;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	child = process_start(open_and_stay, shop);
	process_await(&shared->ready, 1);
	crowd = crowd_of(segment);
	ck_assert_uint_eq(crowd.alive, 2);
	ck_assert_uint_eq(crowd.self, 1);
	ck_assert_int_eq(crowd.pid, child);
	ck_assert_int_eq(kill(child, SIGSTOP), 0);
	ck_assert_uint_eq(crowd_of(segment).alive, 2);
	process_kill(child);
	crowd = crowd_of(segment);
	ck_assert_uint_eq(crowd.alive, 1);
	ck_assert_uint_eq(crowd.dead, 1);
	ck_assert_int_eq(segments_open(&other, "shop", 0), 0);
	crowd = crowd_of(segment);
	ck_assert_uint_eq(crowd.alive, 2);
	ck_assert_uint_eq(crowd.dead, 0);
}
END_TEST

START_TEST(no_more_than_so_many_may_attach)
{
	fl_segment *all[FL_SEGMENT_PROCESSES];

	for (unsigned i = 0; i < FL_SEGMENT_PROCESSES; i++)
		ck_assert_int_eq(segments_open(&all[i], "shop", 0), 0);
	ck_assert_int_eq(segments_open(&segment, "shop", 0), -EUSERS);
	fl_segment_close(all[60]);
	ck_assert_int_eq(segments_open(&all[60], "shop", 0), 0);
	for (unsigned i = 0; i < FL_SEGMENT_PROCESSES; i++)
		fl_segment_close(all[i]);
}
END_TEST

/* Forks. */

static void use_what_was_inherited(void *n)
{
	uint64_t *again;

	EXPECT(segments_number(segment, "n", &again) == 0);
	EXPECT(again == n);
	EXPECT(crowd_of(segment).alive == 2);
	__atomic_store_n((uint64_t *)n, 9, __ATOMIC_RELAXED);
	process_stay();
}

START_TEST(a_child_is_a_process_of_its_own)
{
	uint64_t *n;
	pid_t child;

	ck_assert_int_eq(segments_open(&segment, "shop", 0), 0);
	ck_assert_int_eq(segments_number(segment, "n", &n), 1);
	child = process_start(use_what_was_inherited, n);
	process_await(&shared->ready, 1);
	ck_assert_uint_eq(*n, 9);
	process_kill(child);
	ck_assert_uint_eq(crowd_of(segment).alive, 1);
	ck_assert_uint_eq(crowd_of(segment).dead, 1);
}
END_TEST

/* A child that does nothing with it does not keep its parent alive. */
static void open_and_fork(void *unused)
{
	pid_t child;

	(void)unused;
	EXPECT(segments_open(&segment, "shop", 0) == 0);
	child = fork();
	EXPECT(child >= 0);
	if (child == 0)
		process_stay();
	__atomic_store_n(&shared->go_on, (uint32_t)child, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

START_TEST(a_child_does_not_keep_its_parents_place)
{
	pid_t child = process_start(open_and_fork, NULL), grandchild;

	process_await(&shared->ready, 1);
	while ((grandchild = (pid_t)__atomic_load_n(&shared->go_on, __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
	process_kill(child);
	ck_assert_int_eq(segments_open(&other, "shop", FL_SEGMENT_ATTACH), -ESTALE);
	ck_assert_int_eq(kill(grandchild, SIGKILL), 0);
}
END_TEST

static Suite *segment_suite(void)
{
	Suite *suite = suite_create("segment");
	TCase *opening = testing_case_between(suite, "opening", set_up, tear_down);
	TCase *leaving = testing_case_between(suite, "leaving", set_up, tear_down);
	TCase *processes = testing_case_between(suite, "processes", set_up, tear_down);

	tcase_add_test(opening, two_attach_to_the_same_segment);
	tcase_add_test(opening, flags_say_who_may_be_first);
	tcase_add_test(opening, of_many_at_once_one_makes_it);
	tcase_add_test(opening, names_are_checked);
	tcase_add_test(opening, options_are_checked);
	tcase_add_test(opening, rights_are_the_owners_alone);
	tcase_add_test(opening, what_everybody_may_write_to_is_refused);
	tcase_add_test(opening, one_without_a_name_is_reached_by_its_descriptor);
	tcase_add_test(opening, a_descriptor_of_something_else_is_refused);
	tcase_add_test(leaving, it_stays_when_all_have_left);
	tcase_add_test(leaving, the_last_one_removes_it_if_asked_for);
	tcase_add_test(leaving, the_last_one_may_have_adopted_it);
	tcase_add_test(leaving, removed_by_name_it_goes_on_for_those_who_have_it);
	tcase_add_test(leaving, whose_processes_all_died_it_is_made_anew);
	tcase_add_test(leaving, the_next_one_to_make_it_removes_a_stale_one);
	tcase_add_test(leaving, one_that_lives_keeps_it);
	tcase_add_test(leaving, who_outlives_others_leaves_no_stale_one);
	tcase_add_test(leaving, stale_ones_are_cleaned_away_and_others_are_not);
	tcase_add_test(processes, it_knows_who_is_attached_and_who_died);
	tcase_add_test(processes, no_more_than_so_many_may_attach);
	tcase_add_test(processes, a_child_is_a_process_of_its_own);
	tcase_add_test(processes, a_child_does_not_keep_its_parents_place);
	return suite;
}

int main(void)
{
	return testing_run(segment_suite());
}
