/*
 * test_local.c - locals: made once a thread, destroyed with it, never anybody else's.
 *
 * Values are counted: `made` and `alive` say at the end whether each has been destroyed once. A value remembers
 * which thread made it, so a thread that gets another's is found.
 */
#define _GNU_SOURCE
#include "testing.h"

#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/local.h>
#include <fairlead/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct value {
	pid_t owner;
};

static int made, alive;

static void *make(void)
{
	struct value *value = malloc(sizeof(*value));

	value->owner = gettid();
	__atomic_fetch_add(&made, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&alive, 1, __ATOMIC_RELAXED);
	return value;
}

static void destroy(void *value)
{
	__atomic_fetch_sub(&alive, 1, __ATOMIC_RELAXED);
	free(value);
}

static fl_local local = FL_LOCAL_INIT(make, destroy);

static pid_t owner_of(fl_local *which)
{
	const struct value *value = fl_local_get(which);

	ck_assert_ptr_nonnull(value);
	return value->owner;
}

static void expect_values(int all, int left)
{
	ck_assert_int_eq(__atomic_load_n(&made, __ATOMIC_RELAXED), all);
	ck_assert_int_eq(__atomic_load_n(&alive, __ATOMIC_RELAXED), left);
}

static fl_event go, here;

/* Getting and setting. */

static void get_mine(unsigned index, void *arg)
{
	(void)index;
	(void)arg;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(owner_of(&local), gettid());
}

START_TEST(each_thread_has_its_own)
{
	ck_assert_int_eq(owner_of(&local), getpid());
	testing_together(4, get_mine, NULL);
	ck_assert_ptr_eq(fl_local_get(&local), fl_local_get(&local));
	expect_values(5, 1);
	fl_local_destroy(&local);
	expect_values(5, 0);
}
END_TEST

static void *get_in_thread(void *arg)
{
	return (void *)(intptr_t)owner_of(arg);
}

START_TEST(threads_of_fairlead_have_one_too)
{
	fl_thread *thread;
	void *value;
	int id;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, get_in_thread, &local), 0);
	id = fl_thread_id(thread);
	ck_assert_int_eq(fl_thread_join(thread, &value), 0);
	ck_assert_int_eq((int)(intptr_t)value, id);
	expect_values(1, 0);
}
END_TEST

START_TEST(a_value_is_replaced)
{
	fl_local bare;
	int one, two;
	void *first = fl_local_get(&local), *second = make();

	ck_assert_int_eq(fl_local_set(&local, first), 0);
	expect_values(2, 2);
	ck_assert_int_eq(fl_local_set(&local, second), 0);
	expect_values(2, 1);
	ck_assert_ptr_eq(fl_local_get(&local), second);
	ck_assert_int_eq(fl_local_set(&local, NULL), 0);
	expect_values(2, 0);
	fl_local_get(&local); /* makes one again */
	expect_values(3, 1);
	fl_local_destroy(&local);

	fl_local_init(&bare, NULL, NULL);
	ck_assert_ptr_null(fl_local_get(&bare));
	ck_assert_int_eq(fl_local_set(&bare, NULL), 0);
	ck_assert_int_eq(fl_local_set(&bare, &one), 0);
	ck_assert_int_eq(fl_local_set(&bare, &two), 0);
	ck_assert_ptr_eq(fl_local_get(&bare), &two);
	fl_local_destroy(&bare);
	ck_assert_ptr_null(fl_local_get(&bare));
}
END_TEST

static int tries;

static void *make_at_third(void)
{
	return ++tries < 3 ? NULL : make();
}

START_TEST(making_is_tried_again)
{
	fl_local late = FL_LOCAL_INIT(make_at_third, destroy);

	errno = 4711;
	ck_assert_ptr_null(fl_local_get(&late));
	ck_assert_ptr_null(fl_local_get(&late));
	ck_assert_ptr_nonnull(fl_local_get(&late));
	fl_local_get(&late);
	ck_assert_int_eq(tries, 3);
	ck_assert_int_eq(errno, 4711);
	fl_local_destroy(&late);
	expect_values(1, 0);
}
END_TEST

#define MANY 5000
static fl_local many[MANY];

static void use_many(unsigned index, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < MANY; i++) {
		unsigned which = index == 0 ? i : MANY - 1 - i;

		ck_assert_int_eq(owner_of(&many[which]), gettid());
	}
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_int_eq(owner_of(&many[i]), gettid());
}

/* More than pthreads have keys. */
START_TEST(there_may_be_thousands)
{
	for (int i = 0; i < MANY; i++)
		fl_local_init(&many[i], make, destroy);
	testing_together(2, use_many, NULL);
	expect_values(2 * MANY, 0);
	for (int i = 0; i < MANY; i++)
		fl_local_destroy(&many[i]);
}
END_TEST

/* The end of a thread. */

static int order[8], n_order;

static void note_order(void *value)
{
	order[n_order++] = (int)(intptr_t)value;
}

static fl_local ordered[3] = {FL_LOCAL_INIT(NULL, note_order), FL_LOCAL_INIT(NULL, note_order),
			      FL_LOCAL_INIT(NULL, note_order)};

static void *set_in_order(void *arg)
{
	fl_local_set(&ordered[1], (void *)1);
	fl_local_set(&ordered[2], (void *)2);
	fl_local_set(&ordered[0], (void *)3);
	return arg;
}

START_TEST(the_last_made_is_destroyed_first)
{
	fl_thread *thread;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, set_in_order, NULL), 0);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	ck_assert_int_eq(n_order, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(order[i], 3 - i);
}
END_TEST

static int revivals;
static void revive(void *value);
static fl_local immortal = FL_LOCAL_INIT(NULL, revive);

/* Uses a local that is gone already, and itself. */
static void revive(void *value)
{
	revivals++;
	ck_assert_int_eq(owner_of(&local), gettid());
	ck_assert_int_eq(fl_local_set(&immortal, value), 0);
}

static void *use_immortal(void *arg)
{
	fl_local_set(&immortal, &revivals);
	fl_local_get(&local);
	return arg;
}

START_TEST(destroying_may_use_locals_but_comes_to_an_end)
{
	fl_thread *thread;

	ck_assert_int_eq(fl_thread_start(&thread, NULL, use_immortal, NULL), 0);
	ck_assert_int_eq(fl_thread_join(thread, NULL), 0);
	ck_assert_int_eq(revivals, 4);
	/* Made before the end, in the first round and in the third; each of the other two finds and destroys what
	 * is there. */
	expect_values(3, 0);
}
END_TEST

static pthread_key_t key;
static int rounds;

static void use_in_key(void *value)
{
	ck_assert_int_eq(owner_of(&local), gettid());
	if (++rounds < 2) /* the fourth and last round, in the end, is the sanitizers' */
		ck_assert_int_eq(pthread_setspecific(key, value), 0);
}

static void *set_key(void *arg)
{
	pthread_setspecific(key, &rounds);
	fl_local_get(&local);
	return arg;
}

START_TEST(locals_can_be_used_in_destructors_of_keys)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_key_create(&key, use_in_key), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, set_key, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(rounds, 2);
	ck_assert_int_eq(alive, 0);
}
END_TEST

/* The end of a local. */

static void *get_and_wait(void *arg)
{
	ck_assert_int_eq(owner_of(arg), gettid());
	fl_event_set(&here);
	fl_event_wait(&go);
	return arg;
}

START_TEST(destroying_a_local_takes_the_values_of_all_threads)
{
	fl_local other = FL_LOCAL_INIT(make, destroy);
	pthread_t threads[3];

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get_and_wait, &local), 0);
		fl_event_wait(&here);
		fl_event_clear(&here);
	}
	fl_local_get(&local);
	expect_values(4, 4);
	fl_local_destroy(&local);
	expect_values(4, 0);
	/* Has its place now, and nothing of what was there. */
	ck_assert_int_eq(owner_of(&other), getpid());
	fl_local_get(&local);
	fl_event_set(&go);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	expect_values(6, 2);
	fl_local_destroy(&other);
	fl_local_destroy(&local);
	expect_values(6, 0);
}
END_TEST

/* Threads come and go, with values of the one local, while others are made and destroyed. */
static void churn(unsigned index, void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		fl_local own[20];
		pthread_t thread;

		if (index < 2) {
			ck_assert_int_eq(pthread_create(&thread, NULL, get_in_thread, &local), 0);
			ck_assert_int_eq(pthread_join(thread, NULL), 0);
			continue;
		}
		for (int j = 0; j < 20; j++) {
			fl_local_init(&own[j], make, destroy);
			ck_assert_int_eq(owner_of(&own[j]), gettid());
		}
		for (int j = 0; j < 20; j++)
			fl_local_destroy(&own[(j * 7) % 20]);
		ck_assert_int_eq(owner_of(&local), gettid());
	}
}

START_TEST(locals_and_threads_come_and_go)
{
	testing_together(4, churn, NULL);
	expect_values(2 * 200 + 2 * (200 * 20 + 1), 0);
}
END_TEST

/* Fork. */

static int in_child(void)
{
	struct value *mine = fl_local_get(&local);
	fl_local other = FL_LOCAL_INIT(make, destroy);
	pthread_t thread = pthread_self();

	(void)thread;
	if (mine->owner != getppid() || alive != 2)
		return 1;
#ifndef __SANITIZE_THREAD__ /* which cannot start threads after such a fork */
	if (pthread_create(&thread, NULL, get_in_thread, &local) != 0 || pthread_join(thread, NULL) != 0 || alive != 2)
		return 2;
#endif
	fl_local_get(&other);
	fl_local_destroy(&local);
	/* Left: that of the thread that stayed behind, and that of the other. */
	return alive == 2 ? 0 : 3;
}

START_TEST(a_forked_child_has_the_values_of_its_thread)
{
	pthread_t thread;
	pid_t child;
	int status;

	fl_local_get(&local);
	ck_assert_int_eq(pthread_create(&thread, NULL, get_and_wait, &local), 0);
	fl_event_wait(&here);
	child = fork();
	if (child == 0)
		_exit(in_child());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	fl_event_set(&go);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	fl_local_destroy(&local);
	expect_values(2, 0);
}
END_TEST

START_TEST(its_size_is_pinned)
{
	ck_assert_uint_eq(sizeof(fl_local), 16 + 2 * sizeof(void *));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("local");
	TCase *values = testing_case(suite, "values"), *ends = testing_case(suite, "ends");

	tcase_add_test(values, each_thread_has_its_own);
	tcase_add_test(values, threads_of_fairlead_have_one_too);
	tcase_add_test(values, a_value_is_replaced);
	tcase_add_test(values, making_is_tried_again);
	tcase_add_test(values, there_may_be_thousands);
	tcase_add_test(values, its_size_is_pinned);
	tcase_add_test(ends, the_last_made_is_destroyed_first);
	tcase_add_test(ends, destroying_may_use_locals_but_comes_to_an_end);
	tcase_add_test(ends, locals_can_be_used_in_destructors_of_keys);
	tcase_add_test(ends, destroying_a_local_takes_the_values_of_all_threads);
	tcase_add_test(ends, locals_and_threads_come_and_go);
	tcase_add_test(ends, a_forked_child_has_the_values_of_its_thread);
	return testing_run(suite);
}
