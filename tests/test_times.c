/*
 * test_times.c - FAIRLEAD_CHECK=times: the table of where the time goes.
 *
 * Figures that depend on the machine are compared with the test's own measurement of the same thing: it reads the
 * clock within what Fairlead measures, so Fairlead must see at least as much. Waiting is forced: a thread is seen in
 * the queue of a lock before that is released.
 */
#define _GNU_SOURCE
#include "calls.h"
#include "checks.h"
#include "testing.h"
#include "waiting.h"

#include <errno.h>
#include <fairlead/fairlead.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static fl_lock lock, other;
static fl_rlock rlock;
static fl_rwlock rwlock;
static fl_condition condition;
static struct call call;

static void set_up(void)
{
	ck_assert_int_eq(fl_check_enable(FL_CHECK_TIMES), 0);
	fl_lock_init(&lock, "till");
	fl_lock_init(&other, NULL);
	fl_rlock_init(&rlock, "again");
	fl_rwlock_init(&rwlock, "table");
	fl_condition_init_lock(&condition, &lock, "changed");
}

/* The table that the test's process prints when it exits is in nobody's interest. */
static void tear_down(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
}

/* Reading the table. */

struct row {
	char kind[16];
	uint64_t acquires;
	double contended;                            /* percent */
	double waited, waited_most, held, held_most; /* nanoseconds */
	char sites[512];                             /* the rest of the line */
};

static char table[256 * 1024];

static void print_table(void)
{
	int fd = memfd_create("table", MFD_CLOEXEC);
	ssize_t length;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fl_check_print_times(fd), 0);
	length = pread(fd, table, sizeof(table) - 1, 0);
	ck_assert_int_ge(length, 0);
	table[length] = '\0';
	close(fd);
}

static double read_duration(const char **from)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
	char unit[8];
	double number;
	int n = 0;

	ck_assert_msg(sscanf(*from, "%lf %7s%n", &number, unit, &n) == 2, "no duration: %s", *from);
	*from += n;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return number * units[i].ns;
	ck_abort_msg("no unit: %s", unit);
}

/* Where the line begins in which the first column is `what` and the second `kind`; NULL if there is none. */
static const char *find_line(const char *what, const char *kind)
{
	for (const char *line = table; *line; line = strchrnul(line, '\n'), line += *line != '\0') {
		const char *rest = line + strlen(what);

		if (strncmp(line, what, strlen(what)) != 0 || *rest != ' ')
			continue;
		rest += strspn(rest, " ");
		if (strncmp(rest, kind, strlen(kind)) == 0 && rest[strlen(kind)] == ' ')
			return line;
	}
	return NULL;
}

static struct row read_row(const char *what, const char *kind)
{
	const char *at = find_line(what, kind);
	struct row row = {0};
	int n = 0;

	ck_assert_msg(at != NULL, "no line of '%s', %s in:\n%s", what, kind, table);
	at += strlen(what);
	ck_assert_int_eq(sscanf(at, " %15s %" SCNu64 " %lf %%%n", row.kind, &row.acquires, &row.contended, &n), 3);
	at += n;
	row.waited = read_duration(&at);
	row.waited_most = read_duration(&at);
	row.held = read_duration(&at);
	row.held_most = read_duration(&at);
	snprintf(row.sites, sizeof(row.sites), "%.*s", (int)strcspn(at, "\n"), at);
	return row;
}

/* The first column of a living lock. */
static const char *living(const char *name, const void *address)
{
	static char column[128];

	if (name)
		snprintf(column, sizeof(column), "'%s' %p", name, address);
	else
		snprintf(column, sizeof(column), "%p", address);
	return column;
}

static struct row row_of(const char *name, const void *address, const char *kind)
{
	print_table();
	return read_row(living(name, address), kind);
}

/* The table has four digits or so: what it says may be off by that much. */
static void expect_at_least(double told, double measured)
{
	ck_assert_msg(told >= measured * 0.999 - 100, "told %f, measured %f in:\n%s", told, measured, table);
}

/* Passes the time, and returns how much of it. */
static double spend(fl_time duration)
{
	fl_time begun = fl_now(), now;

	do
		now = fl_now();
	while (now - begun < duration);
	return (double)(now - begun);
}

/* Counting. */

START_TEST(acquisitions_are_counted_exactly)
{
	struct row row;

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(fl_lock_acquire(&lock), 0);
		fl_lock_release(&lock);
	}
	ck_assert(fl_lock_acquire_try(&lock));
	ck_assert(!fl_lock_acquire_try(&lock));
	ck_assert_int_eq(fl_lock_acquire_until(&lock, fl_after(FL_MS(1)), NULL), -ETIMEDOUT);
	fl_lock_release(&lock);
	row = row_of("till", &lock, "lock");
	ck_assert_uint_eq(row.acquires, 1001);
	ck_assert_double_eq(row.contended, 0);
	ck_assert_double_eq(row.waited, 0);
	ck_assert_str_eq(row.sites, "");
	ck_assert_ptr_null(find_line(living(NULL, &other), "lock"));
}
END_TEST

static void acquire_often(unsigned index, void *arg)
{
	(void)index;
	(void)arg;
	for (int i = 0; i < 5000; i++) {
		fl_lock_acquire(&lock);
		fl_lock_release(&lock);
		fl_rwlock_acquire_read(&rwlock);
		fl_rwlock_release_read(&rwlock);
	}
}

START_TEST(acquisitions_by_many_threads_are_counted_exactly)
{
	testing_together(4, acquire_often, NULL);
	ck_assert_uint_eq(row_of("till", &lock, "lock").acquires, 20000);
	ck_assert_uint_eq(row_of("table", &rwlock, "read").acquires, 20000);
}
END_TEST

START_TEST(how_long_it_was_held)
{
	double longest, sum;
	struct row row;

	fl_lock_acquire(&lock);
	sum = spend(FL_US(10));
	fl_lock_release(&lock);
	fl_lock_acquire(&lock);
	longest = spend(FL_MS(2));
	fl_lock_release(&lock);
	sum += longest;
	row = row_of("till", &lock, "lock");
	expect_at_least(row.held, sum);
	expect_at_least(row.held_most, longest);
	expect_at_least(row.held, row.held_most);
	ck_assert_double_lt(row.held_most, 1e12);
}
END_TEST

static int acquire_once(void *arg)
{
	int error = fl_lock_acquire(arg);

	fl_lock_release(arg);
	return error;
}

START_TEST(how_long_a_thread_waited)
{
	struct row row;
	double waited;

	fl_lock_acquire(&lock);
	call_start(&call, acquire_once, &lock);
	waiting_await(&lock, 1);
	waited = spend(FL_MS(2));
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&call), 0);
	row = row_of("till", &lock, "lock");
	ck_assert_uint_eq(row.acquires, 2);
	ck_assert_double_eq(row.contended, 50);
	expect_at_least(row.waited, waited);
	expect_at_least(row.waited_most, waited);
	expect_at_least(row.waited, row.waited_most);
	ck_assert_msg(strstr(row.sites, "100 % at ") != NULL, "%s", row.sites);
}
END_TEST

/* Three places to wait at. */
#define PLACE(name) \
	static __attribute__((noinline)) int name(void *arg) \
	{ \
		int error = fl_lock_acquire(arg); \
\
		fl_lock_release(arg); \
		__asm__ volatile("# " #name); \
		return error; \
	}
PLACE(here)
PLACE(there)
PLACE(elsewhere)
PLACE(nowhere)

static void wait_at(int (*place)(void *arg), fl_time duration)
{
	fl_lock_acquire(&lock);
	call_start(&call, place, &lock);
	waiting_await(&lock, 1);
	spend(duration);
	fl_lock_release(&lock);
	ck_assert_int_eq(call_end(&call), 0);
}

START_TEST(the_places_where_most_was_waited_are_named)
{
	struct row row;
	double first, last;
	int lines = 0;

	wait_at(here, FL_MS(1));
	wait_at(there, FL_MS(40));
	wait_at(elsewhere, FL_MS(1));
	wait_at(nowhere, FL_MS(1));
	row = row_of("till", &lock, "lock");
	ck_assert_int_eq(sscanf(row.sites, "%lf %% at ", &first), 1);
	for (const char *at = table; (at = strstr(at, " % at ")); at++, lines++)
		last = strtod(at - 3, NULL);
	ck_assert_int_eq(lines, 3);
	ck_assert_double_le(last, first);
	ck_assert_double_le(first, 100);
	ck_assert_double_gt(first, 25);
}
END_TEST

START_TEST(an_rlock_counts_once_for_all_its_owner_does)
{
	struct row row;
	double held;

	fl_rlock_acquire(&rlock);
	fl_rlock_acquire(&rlock);
	fl_rlock_release(&rlock);
	held = spend(FL_US(500));
	fl_rlock_release(&rlock);
	row = row_of("again", &rlock, "rlock");
	ck_assert_uint_eq(row.acquires, 1);
	expect_at_least(row.held_most, held);
}
END_TEST

static int write_once(void *arg)
{
	int error = fl_rwlock_acquire_write(arg);

	fl_rwlock_release_write(arg);
	return error;
}

START_TEST(the_sides_of_an_rwlock_are_counted_apart)
{
	struct row reads, writes;
	double waited;

	fl_rwlock_acquire_read(&rwlock);
	fl_rwlock_acquire_read(&rwlock);
	fl_rwlock_release_read(&rwlock);
	call_start(&call, write_once, &rwlock);
	waiting_await(&rwlock, 1);
	waited = spend(FL_MS(1));
	fl_rwlock_release_read(&rwlock);
	ck_assert_int_eq(call_end(&call), 0);
	ck_assert_int_eq(fl_rwlock_acquire_write(&rwlock), 0);
	ck_assert_int_eq(fl_rwlock_downgrade(&rwlock), 0);
	fl_rwlock_release_read(&rwlock);
	reads = row_of("table", &rwlock, "read");
	ck_assert_uint_eq(reads.acquires, 2);
	ck_assert_double_eq(reads.contended, 0);
	expect_at_least(reads.held_most, waited);
	writes = row_of("table", &rwlock, "write");
	ck_assert_uint_eq(writes.acquires, 2);
	ck_assert_double_eq(writes.contended, 50);
	expect_at_least(writes.waited_most, waited);
}
END_TEST

START_TEST(another_thread_may_release_it)
{
	struct row row;
	double held;

	fl_lock_acquire(&lock);
	held = spend(FL_MS(1));
	call_start(&call, acquire_once, &other);
	call_end(&call);
	/* As if by accident, it is the other thread that releases. */
	call_start(&call, (int (*)(void *))(void (*)(void))fl_lock_release, &lock);
	call_end(&call);
	row = row_of("till", &lock, "lock");
	ck_assert_uint_eq(row.acquires, 1);
	expect_at_least(row.held_most, held);
	ck_assert_uint_eq(row_of(NULL, &other, "lock").acquires, 1);
}
END_TEST

static bool is_set(void *arg)
{
	return *(bool *)arg;
}

static int wait_until_set(void *arg)
{
	int error;

	fl_condition_acquire(&condition);
	error = fl_condition_wait_for(&condition, is_set, arg);
	fl_condition_release(&condition);
	return error;
}

START_TEST(a_condition_does_not_hold_its_lock_while_it_waits)
{
	bool set = false;
	struct row row;
	double waited;

	call_start(&call, wait_until_set, &set);
	waiting_await(&condition, 1);
	waited = spend(FL_MS(50));
	fl_condition_acquire(&condition);
	set = true;
	fl_condition_notify(&condition, 1);
	fl_condition_release(&condition);
	ck_assert_int_eq(call_end(&call), 0);
	row = row_of("till", &lock, "lock");
	ck_assert_uint_eq(row.acquires, 3);
	ck_assert_double_lt(row.waited, waited);
}
END_TEST

START_TEST(what_was_held_before_may_be_released_after)
{
	fl_lock_acquire(&other);
	fl_rwlock_acquire_read(&rwlock);
	ck_assert_int_eq(fl_check_enable(FL_CHECK_ORDER | FL_CHECK_TIMES), 0);
	fl_lock_release(&other);
	fl_rwlock_release_read(&rwlock);
	fl_lock_acquire(&other);
	fl_lock_release(&other);
	ck_assert_uint_eq(row_of(NULL, &other, "lock").acquires, 1);
	ck_assert_ptr_null(find_line(living(NULL, &rwlock), "read"));
}
END_TEST

/* The table. */

static void acquire_for(fl_lock *which, fl_time held, fl_time waited)
{
	fl_lock_acquire(which);
	if (waited > 0) {
		call_start(&call, acquire_once, which);
		waiting_await(which, 1);
	}
	spend(held + waited);
	fl_lock_release(which);
	if (waited > 0)
		call_end(&call);
}

START_TEST(the_most_waited_for_comes_first)
{
	static fl_lock locks[4];
	static const char *const names[] = {"idle", "held", "waited for", "waited for most"};
	const char *last = table + sizeof(table);

	for (int i = 0; i < 4; i++)
		fl_lock_init(&locks[i], names[i]);
	acquire_for(&locks[2], 0, FL_MS(1));
	acquire_for(&locks[0], 0, 0);
	acquire_for(&locks[3], 0, FL_MS(200));
	acquire_for(&locks[1], FL_MS(1), 0);
	print_table();
	ck_assert(strncmp(table, "fairlead: times of process ", 27) == 0);
	for (int i = 0; i < 4; i++) {
		const char *line = find_line(living(names[i], &locks[i]), "lock");

		ck_assert_ptr_nonnull(line);
		ck_assert_msg(line < last, "'%s' comes too late in:\n%s", names[i], table);
		last = line;
	}
}
END_TEST

START_TEST(columns_are_aligned)
{
	const char *heading, *line;
	size_t width;

	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	fl_rlock_acquire(&rlock);
	fl_rlock_release(&rlock);
	print_table();
	heading = strchr(table, '\n') + 1;
	ck_assert(strncmp(heading, "lock ", 5) == 0);
	width = (size_t)(strstr(heading, "  sites\n") - heading);
	line = find_line(living("till", &lock), "lock");
	ck_assert_uint_eq(strcspn(line, "\n"), width);
	line = find_line(living("again", &rlock), "rlock");
	ck_assert_uint_eq(strcspn(line, "\n"), width);
}
END_TEST

START_TEST(what_has_ended_is_kept_by_name)
{
	for (int i = 0; i < 10; i++) {
		fl_lock brief;

		fl_lock_init(&brief, i % 2 ? "brief" : NULL);
		for (int j = 0; j < i; j++) {
			fl_lock_acquire(&brief);
			fl_lock_release(&brief);
		}
		fl_lock_destroy(&brief);
	}
	print_table();
	ck_assert_uint_eq(read_row("'brief' (5 ended)", "lock").acquires, 1 + 3 + 5 + 7 + 9);
	/* One of these was never acquired. */
	ck_assert_uint_eq(read_row("without a name (4 ended)", "lock").acquires, 2 + 4 + 6 + 8);
}
END_TEST

START_TEST(a_lock_made_anew_begins_anew)
{
	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	fl_lock_init(&lock, "second till");
	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	ck_assert_uint_eq(row_of("second till", &lock, "lock").acquires, 1);
	ck_assert_uint_eq(read_row("'till' (1 ended)", "lock").acquires, 1);
}
END_TEST

START_TEST(what_write_says_is_returned)
{
	fl_lock_acquire(&lock);
	fl_lock_release(&lock);
	ck_assert_int_eq(fl_check_print_times(-1), -EBADF);
}
END_TEST

START_TEST(a_long_table_is_written_whole)
{
	static fl_lock many[400];
	char name[64];

	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "a lock with a rather long name, number %d", i);
		fl_lock_init(&many[i], name);
		fl_lock_acquire(&many[i]);
		fl_lock_release(&many[i]);
	}
	print_table();
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "a lock with a rather long name, number %d", i);
		ck_assert_ptr_nonnull(find_line(living(name, &many[i]), "lock"));
	}
}
END_TEST

static void add_counting(Suite *suite)
{
	TCase *counting = testing_case(suite, "counting"), *tables = testing_case(suite, "table");

	TCase *enabling = testing_case(suite, "enabling");

	tcase_add_checked_fixture(enabling, NULL, tear_down);
	tcase_add_test(enabling, what_was_held_before_may_be_released_after);
	tcase_add_checked_fixture(counting, set_up, tear_down);
	tcase_add_checked_fixture(tables, set_up, tear_down);
	tcase_add_test(counting, acquisitions_are_counted_exactly);
	tcase_add_test(counting, acquisitions_by_many_threads_are_counted_exactly);
	tcase_add_test(counting, how_long_it_was_held);
	tcase_add_test(counting, how_long_a_thread_waited);
	tcase_add_test(counting, the_places_where_most_was_waited_are_named);
	tcase_add_test(counting, an_rlock_counts_once_for_all_its_owner_does);
	tcase_add_test(counting, the_sides_of_an_rwlock_are_counted_apart);
	tcase_add_test(counting, another_thread_may_release_it);
	tcase_add_test(counting, a_condition_does_not_hold_its_lock_while_it_waits);
	tcase_add_test(tables, the_most_waited_for_comes_first);
	tcase_add_test(tables, columns_are_aligned);
	tcase_add_test(tables, what_has_ended_is_kept_by_name);
	tcase_add_test(tables, a_lock_made_anew_begins_anew);
	tcase_add_test(tables, what_write_says_is_returned);
	tcase_add_test(tables, a_long_table_is_written_whole);
}

int main(void)
{
	Suite *suite;

	if (checks_left_out())
		return 0;
	suite = suite_create("times");
	add_counting(suite);
	return testing_run(suite);
}
