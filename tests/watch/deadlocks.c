/*
 * tests/watch/deadlocks.c - programs whose threads wait for each other for ever, each time: they acquire what the
 * others want, meet, and then want what the others have.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <threads.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t r = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t all_have;

/* Starts the threads, and waits for one that never ends. */
static void at_once(int n, void *(*const *works)(void *))
{
	pthread_t threads[4];

	MUST(pthread_barrier_init(&all_have, NULL, (unsigned)n));
	for (int i = 0; i < n; i++)
		MUST(pthread_create(&threads[i], NULL, works[i], NULL));
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void have_and_want(pthread_mutex_t *have, pthread_mutex_t *want)
{
	pthread_mutex_lock(have);
	pthread_barrier_wait(&all_have);
	pthread_mutex_lock(want);
}

static void *has_a_wants_b(void *argument)
{
	have_and_want(&a, &b);
	return argument;
}

static void *has_b_wants_a(void *argument)
{
	have_and_want(&b, &a);
	return argument;
}

static void *has_b_wants_c(void *argument)
{
	have_and_want(&b, &c);
	return argument;
}

static void *has_c_wants_a(void *argument)
{
	have_and_want(&c, &a);
	return argument;
}

static void two(void)
{
	at_once(2, (void *(*[])(void *)){has_a_wants_b, has_b_wants_a});
}

static void three(void)
{
	at_once(3, (void *(*[])(void *)){has_a_wants_b, has_b_wants_c, has_c_wants_a});
}

/* The only thread there is, in the kind of mutex that does not look. */
static void itself(void)
{
	pthread_mutex_lock(&a);
	pthread_mutex_lock(&a);
}

/* Who reads cannot write until all have read. */
static void upgrade(void)
{
	pthread_rwlock_rdlock(&r);
	pthread_rwlock_wrlock(&r);
}

static void *upgrades(void *argument)
{
	pthread_rwlock_rdlock(&r);
	pthread_barrier_wait(&all_have);
	pthread_rwlock_wrlock(&r);
	return argument;
}

static void two_upgrades(void)
{
	at_once(2, (void *(*[])(void *)){upgrades, upgrades});
}

static void *wants_a(void *argument)
{
	pthread_mutex_lock(&a);
	return argument;
}

/* Main waits for the end of a thread that waits for what main holds. */
static void join_with_a(void)
{
	pthread_t thread;

	pthread_mutex_lock(&a);
	MUST(pthread_create(&thread, NULL, wants_a, NULL));
	pthread_join(thread, NULL);
}

static pthread_t members[3];

static void *joins_next(void *argument)
{
	size_t i = (size_t)argument;

	pthread_barrier_wait(&all_have);
	pthread_join(members[(i + 1) % 3], NULL);
	return NULL;
}

static void join_circle(void)
{
	MUST(pthread_barrier_init(&all_have, NULL, 4));
	for (size_t i = 0; i < 3; i++)
		MUST(pthread_create(&members[i], NULL, joins_next, (void *)i));
	pthread_barrier_wait(&all_have);
	for (;;)
		pause();
}

static pthread_spinlock_t spins[2];

static void *spins_up(void *argument)
{
	pthread_spin_lock(&spins[0]);
	pthread_barrier_wait(&all_have);
	pthread_spin_lock(&spins[1]);
	return argument;
}

static void *spins_down(void *argument)
{
	pthread_spin_lock(&spins[1]);
	pthread_barrier_wait(&all_have);
	pthread_spin_lock(&spins[0]);
	return argument;
}

static void spin_locks(void)
{
	pthread_spin_init(&spins[0], 0);
	pthread_spin_init(&spins[1], 0);
	at_once(2, (void *(*[])(void *)){spins_up, spins_down});
}

static mtx_t mutexes[2];

static int c11_work(void *argument)
{
	size_t i = (size_t)argument;

	mtx_lock(&mutexes[i]);
	pthread_barrier_wait(&all_have);
	mtx_lock(&mutexes[1 - i]);
	return 0;
}

static void c11(void)
{
	thrd_t threads[2];

	pthread_barrier_init(&all_have, NULL, 2);
	for (size_t i = 0; i < 2; i++)
		mtx_init(&mutexes[i], mtx_plain);
	for (size_t i = 0; i < 2; i++)
		thrd_create(&threads[i], c11_work, (void *)i);
	thrd_join(threads[0], NULL);
}

/* A reader waits behind a writer, which waits for a reader, which waits for the first one. The lock prefers writers;
 * whether one waits is what a second reader's try tells. */
static pthread_rwlock_t strict;

static void *reads_wants_a(void *argument)
{
	pthread_rwlock_rdlock(&strict);
	pthread_barrier_wait(&all_have);
	pthread_mutex_lock(&a);
	return argument;
}

static void *wants_to_write(void *argument)
{
	pthread_barrier_wait(&all_have);
	pthread_rwlock_wrlock(&strict);
	return argument;
}

static void *has_a_wants_to_read(void *argument)
{
	pthread_mutex_lock(&a);
	pthread_barrier_wait(&all_have);
	while (pthread_rwlock_tryrdlock(&strict) == 0)
		pthread_rwlock_unlock(&strict);
	pthread_rwlock_rdlock(&strict);
	return argument;
}

static void behind_a_writer(void)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&strict, &attributes);
	at_once(3, (void *(*[])(void *)){reads_wants_a, wants_to_write, has_a_wants_to_read});
}

/* In a forked child, which inherits what its parent held. */
static void in_a_child(void)
{
	pthread_mutex_lock(&a);
	if (fork() == 0)
		pthread_mutex_lock(&a);
	for (;;)
		pause();
}

static const struct watch_case cases[] = {
	{"two", two},
	{"three", three},
	{"itself", itself},
	{"upgrade", upgrade},
	{"two-upgrades", two_upgrades},
	{"join-with-a", join_with_a},
	{"join-circle", join_circle},
	{"spin-locks", spin_locks},
	{"c11", c11},
	{"behind-a-writer", behind_a_writer},
	{"in-a-child", in_a_child},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
