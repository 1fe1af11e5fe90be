/*
 * tests/watch/correct.c - programs that cannot deadlock, and look as if they could: `fairlead watch` is to be silent.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER, c = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t r = PTHREAD_RWLOCK_INITIALIZER, s = PTHREAD_RWLOCK_INITIALIZER;

static void both(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

static void a_then_b(void)
{
	both(&a, &b);
}

static void b_then_a(void)
{
	both(&b, &a);
}

static void nothing(void)
{
}

/* All that do it hold c. */
static void gated_up(void)
{
	pthread_mutex_lock(&c);
	a_then_b();
	pthread_mutex_unlock(&c);
}

static void gated_down(void)
{
	pthread_mutex_lock(&c);
	b_then_a();
	pthread_mutex_unlock(&c);
}

static void gate(void)
{
	in_turns(gated_up, gated_down);
}

/* One that writes keeps out one that reads. */
static void read_gated(void)
{
	pthread_rwlock_rdlock(&r);
	a_then_b();
	pthread_rwlock_unlock(&r);
}

static void write_gated(void)
{
	pthread_rwlock_wrlock(&r);
	b_then_a();
	pthread_rwlock_unlock(&r);
}

static void gate_of_both_sides(void)
{
	in_turns(read_gated, write_gated);
}

static void up_and_down(void)
{
	a_then_b();
	b_then_a();
}

static void one_thread(void)
{
	in_turns(up_and_down, nothing);
}

/* Three locks in a circle, of which one thread makes two steps. */
static void two_steps(void)
{
	both(&a, &b);
	both(&b, &c);
}

static void last_step(void)
{
	pthread_mutex_lock(&b);
	both(&c, &a);
	pthread_mutex_unlock(&b);
}

static void circle_of_two_threads(void)
{
	in_turns(two_steps, nothing);
	in_a_thread(last_step);
}

/* Main does it before the thread is there, and after. */
static void before_and_after(void)
{
	b_then_a();
	in_a_thread(a_then_b);
	b_then_a();
}

static void one_after_the_other(void)
{
	in_a_thread(a_then_b);
	in_a_thread(b_then_a);
}

/* By two threads that never met, and whose parents did not either. */
static void nested_up(void)
{
	in_a_thread(a_then_b);
}

static void nested_down(void)
{
	in_a_thread(b_then_a);
}

static void grandchildren(void)
{
	in_a_thread(nested_up);
	in_a_thread(nested_down);
	b_then_a();
}

/* A thousand threads, one after the other. */
static void generations(void)
{
	for (int i = 0; i < 1000; i++)
		in_a_thread(i % 2 ? a_then_b : b_then_a);
}

/* Who cannot have the second one gives the first one back. */
static void try_b_then_a(void)
{
	for (;;) {
		pthread_mutex_lock(&b);
		if (pthread_mutex_trylock(&a) == 0)
			break;
		pthread_mutex_unlock(&b);
	}
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
}

static void back_off(void)
{
	in_turns(a_then_b, try_b_then_a);
}

static void timed_b_then_a(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec++;
	pthread_mutex_lock(&b);
	if (pthread_mutex_timedlock(&a, &deadline) == 0)
		pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
}

static void deadline(void)
{
	in_turns(a_then_b, timed_b_then_a);
}

/* Along a list, with never more than two. */
static pthread_mutex_t list[32];

static void hand_over_hand(void)
{
	for (int round = 0; round < 100; round++) {
		pthread_mutex_lock(&list[0]);
		for (int i = 1; i < 32; i++) {
			pthread_mutex_lock(&list[i]);
			pthread_mutex_unlock(&list[i - 1]);
		}
		pthread_mutex_unlock(&list[31]);
	}
}

static void along_a_list(void)
{
	for (int i = 0; i < 32; i++)
		pthread_mutex_init(&list[i], NULL);
	in_turns(hand_over_hand, hand_over_hand);
}

/* A lock that was destroyed, and another one where it was. */
static void renew(void)
{
	pthread_mutex_destroy(&a);
	pthread_mutex_destroy(&b);
	pthread_mutex_init(&a, NULL);
	pthread_mutex_init(&b, NULL);
}

static void destroyed(void)
{
	in_turns(a_then_b, renew, b_then_a);
}

/* The same without anybody's telling, but that the memory is freed. */
static pthread_mutex_t *pair;
static uintptr_t old_pair;

static pthread_mutex_t *make_pair(void)
{
	pthread_mutex_t *made = malloc(2 * sizeof(pthread_mutex_t));

	/* NOLINTNEXTLINE(misc-non-copyable-objects): nobody uses them yet; malloc and memset would become calloc */
	made[0] = made[1] = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	return made;
}

static void use_and_free(void)
{
	pthread_mutex_t *mine = make_pair();

	old_pair = (uintptr_t)mine;
	both(&mine[0], &mine[1]);
	free(mine);
	pair = make_pair();
	if ((uintptr_t)pair != old_pair)
		puts("the allocator gave other memory: nothing is tested");
}

static void use_other_way(void)
{
	both(&pair[1], &pair[0]);
}

static void freed(void)
{
	in_turns(use_and_free, use_other_way);
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int items, taken;

static void *take(void *argument)
{
	pthread_mutex_lock(&a);
	while (taken < 2000) {
		while (items == 0 && taken < 2000)
			pthread_cond_wait(&condition, &a);
		if (items > 0) {
			items--;
			taken++;
		}
		both(&b, &c);
	}
	pthread_cond_broadcast(&condition);
	pthread_mutex_unlock(&a);
	return argument;
}

static void conditions(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		MUST(pthread_create(&threads[i], NULL, take, NULL));
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&a);
		items++;
		pthread_cond_signal(&condition);
		pthread_mutex_unlock(&a);
	}
	for (int i = 0; i < 4; i++)
		MUST(pthread_join(threads[i], NULL));
}

static void read_up(void)
{
	pthread_rwlock_rdlock(&r);
	pthread_rwlock_rdlock(&s);
	pthread_rwlock_unlock(&s);
	pthread_rwlock_unlock(&r);
}

static void read_down(void)
{
	pthread_rwlock_rdlock(&s);
	pthread_rwlock_rdlock(&r);
	pthread_rwlock_unlock(&r);
	pthread_rwlock_unlock(&s);
}

static void readers(void)
{
	in_turns(read_up, read_down);
}

/* Of two locks only one would be waited for: who reads does not wait for who reads. */
static void a_then_read(void)
{
	pthread_mutex_lock(&a);
	pthread_rwlock_rdlock(&r);
	pthread_rwlock_unlock(&r);
	pthread_mutex_unlock(&a);
}

static void read_then_a(void)
{
	pthread_rwlock_rdlock(&r);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_rwlock_unlock(&r);
}

static void reader_last(void)
{
	in_turns(a_then_read, read_then_a);
}

static void reader_first(void)
{
	in_turns(read_then_a, a_then_read);
}

/* What a thread already holds it does not wait for. */
static pthread_mutex_t again = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void inside_out(void)
{
	pthread_mutex_lock(&again);
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&again);
	pthread_mutex_unlock(&again);
	pthread_mutex_unlock(&b);
	pthread_mutex_unlock(&again);
}

static void recursive(void)
{
	in_turns(inside_out, inside_out);
}

/* A mutex that says so instead of waiting for itself. */
static void checked(void)
{
	pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

	MUST(pthread_mutex_lock(&mutex));
	if (pthread_mutex_lock(&mutex) != EDEADLK)
		exit(97);
	MUST(pthread_mutex_unlock(&mutex));
	if (pthread_mutex_unlock(&mutex) != EPERM)
		exit(96);
}

/* One waits for long, and is not stuck. */
static pthread_barrier_t both_there;

static void *hold_for_long(void *argument)
{
	pthread_mutex_lock(&a);
	pthread_barrier_wait(&both_there);
	usleep(500000);
	pthread_mutex_unlock(&a);
	return argument;
}

static void long_wait(void)
{
	pthread_t thread;

	pthread_barrier_init(&both_there, NULL, 2);
	MUST(pthread_create(&thread, NULL, hold_for_long, NULL));
	pthread_barrier_wait(&both_there);
	pthread_mutex_lock(&b);
	pthread_mutex_lock(&a);
	pthread_mutex_unlock(&a);
	pthread_mutex_unlock(&b);
	MUST(pthread_join(thread, NULL));
}

/* A thread that is cancelled while it waits for a condition holds the mutex until its cleanup releases it. */
static void release(void *mutex)
{
	both(&b, &c);
	pthread_mutex_unlock(mutex);
}

static void *wait_for_ever(void *argument)
{
	pthread_mutex_lock(&a);
	pthread_cleanup_push(release, &a);
	pthread_barrier_wait(&both_there);
	for (;;)
		pthread_cond_wait(&condition, &a);
	pthread_cleanup_pop(0);
	return argument;
}

static void cancelled(void)
{
	pthread_t thread;

	pthread_barrier_init(&both_there, NULL, 2);
	MUST(pthread_create(&thread, NULL, wait_for_ever, NULL));
	pthread_barrier_wait(&both_there);
	MUST(pthread_cancel(thread));
	MUST(pthread_join(thread, NULL));
	both(&a, &b);
}

/* Locks one holds at a fork are one's own in the child. */
static void forks(void)
{
	pthread_mutex_lock(&a);
	if (fork() == 0) {
		pthread_mutex_lock(&b);
		pthread_mutex_unlock(&a);
		pthread_mutex_lock(&a);
		pthread_mutex_unlock(&a);
		pthread_mutex_unlock(&b);
		in_a_thread(a_then_b);
		_exit(0);
	}
	pthread_mutex_unlock(&a);
}

static const struct watch_case cases[] = {
	{"gate", gate},
	{"gate-of-both-sides", gate_of_both_sides},
	{"one-thread", one_thread},
	{"circle-of-two-threads", circle_of_two_threads},
	{"before-and-after", before_and_after},
	{"one-after-the-other", one_after_the_other},
	{"grandchildren", grandchildren},
	{"generations", generations},
	{"back-off", back_off},
	{"deadline", deadline},
	{"along-a-list", along_a_list},
	{"destroyed", destroyed},
	{"freed", freed},
	{"conditions", conditions},
	{"readers", readers},
	{"reader-last", reader_last},
	{"reader-first", reader_first},
	{"recursive", recursive},
	{"checked", checked},
	{"long-wait", long_wait},
	{"cancelled", cancelled},
	{"forks", forks},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return run_case(cases, argc, argv);
}
