/*
 * test_lock_race.c - Lock, when many come at once: one holder at a time, nothing left behind in the word, and memory
 * that may go as soon as the lock is released.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <fairlead/lock.h>
#include <fairlead/note.h>
#include <semaphore.h>
#include <stdlib.h>

static fl_lock lock;

static long counter;
static unsigned owner;

static void own(unsigned index)
{
	ck_assert_uint_eq(owner, 0);
	owner = index + 1;
	counter++;
	ck_assert_uint_eq(owner, index + 1);
	owner = 0;
}

static void count(unsigned index, void *rounds)
{
	int i;

	for (i = 0; i < *(int *)rounds; i++) {
		ck_assert_int_eq(fl_lock_acquire(&lock), 0);
		own(index);
		fl_lock_release(&lock);
	}
}

START_TEST(holders_exclude_each_other)
{
	static const unsigned threads[] = {2, 3, 8};
	int rounds = 10000;

	counter = 0;
	testing_together(threads[_i], count, &rounds);
	ck_assert_int_eq(counter, (long)threads[_i] * rounds);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

/* Long and short waits, so that deadlines, cancels and releases fall together. */
static void ask_in_all_ways(unsigned index, void *ret_taken)
{
	fl_note note;
	long taken = 0;
	int i;

	for (i = 0; i < 5000; i++) {
		fl_time soon = fl_after((fl_time)((unsigned)i * 7919u % 30000u));

		fl_note_init(&note, NULL, i % 3 == 0 ? soon : FL_FOREVER);
		if (fl_lock_acquire_until(&lock, i % 3 == 1 ? soon : FL_FOREVER, &note) != 0)
			continue;
		taken++;
		own(index);
		fl_lock_release(&lock);
	}
	__atomic_add_fetch((long *)ret_taken, taken, __ATOMIC_RELAXED);
}

START_TEST(deadlines_may_race_with_releases)
{
	long taken = 0;

	counter = 0;
	testing_together(4, ask_in_all_ways, &taken);
	ck_assert_int_eq(counter, taken);
	ck_assert_uint_eq(lock.fl_word, 0);
}
END_TEST

/* Two threads that take turns, by what is not tested here. */
static sem_t turns[2];

static void set_up_turns(void)
{
	ck_assert_int_eq(sem_init(&turns[0], 0, 1), 0);
	ck_assert_int_eq(sem_init(&turns[1], 0, 0), 0);
}

/* One thread acquires, the other one releases. */
static void pass_on(unsigned index, void *unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 2000; i++) {
		sem_wait(&turns[index]);
		if (index == 0)
			ck_assert_int_eq(fl_lock_acquire(&lock), 0);
		else
			fl_lock_release(&lock);
		sem_post(&turns[1 - index]);
	}
}

START_TEST(one_acquires_and_another_releases)
{
	set_up_turns();
	testing_together(2, pass_on, NULL);
	ck_assert(!fl_lock_locked(&lock));
}
END_TEST

struct shared {
	fl_lock lock;
	int users;
};

static struct shared *current;

/* If the other thread's release touched the lock after it let it go, that would race with this, which
 * ThreadSanitizer sees; and undo it, which is seen here. */
static void forget(struct shared *mine)
{
	static const struct shared gone = {.lock = {.fl_spin = 0x5a5a}, .users = -1};
	fl_time soon = fl_after(FL_NS(500));

	*mine = gone;
	while (fl_now() < soon)
		;
	ck_assert_mem_eq(mine, &gone, sizeof(gone));
	free(mine);
}

static void use(struct shared *mine)
{
	int left;

	fl_lock_acquire(&mine->lock);
	left = --mine->users;
	fl_lock_release(&mine->lock);
	if (left == 0)
		forget(mine);
}

static void use_and_forget(unsigned index, void *unused)
{
	struct shared *mine;
	int i;

	(void)unused;
	for (i = 0; i < 2000; i++) {
		sem_wait(&turns[index]);
		if (index == 0) {
			current = calloc(1, sizeof(*current));
			current->users = 2;
		}
		mine = current;
		if (index == 0)
			sem_post(&turns[1]);
		use(mine);
		if (index == 1)
			sem_post(&turns[0]);
	}
}

START_TEST(the_next_holder_may_free_its_memory)
{
	set_up_turns();
	testing_together(2, use_and_forget, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock_race");
	TCase *contention = testing_case(suite, "contention");

	tcase_add_loop_test(contention, holders_exclude_each_other, 0, 3);
	tcase_add_test(contention, deadlines_may_race_with_releases);
	tcase_add_test(contention, one_acquires_and_another_releases);
	tcase_add_test(contention, the_next_holder_may_free_its_memory);
	return testing_run(suite);
}
