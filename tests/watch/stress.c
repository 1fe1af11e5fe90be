/*
 * tests/watch/stress.c - 16 threads that do all that can be done with locks, in one order, and count.
 *
 * Threads come and go, locks are made and destroyed and freed, released in any order, tried, waited for with deadlines
 * and in conditions; a child is forked and does the same. What the mutexes guard is checked at the end, and how often
 * each was acquired is printed, which the command's table is compared with.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 16
#define LOCKS 24

static pthread_mutex_t locks[LOCKS];
static long guarded[LOCKS], acquired[LOCKS];
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static atomic_long sum;
static int rounds = 400;

static unsigned roll(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Counts while it holds. */
static void hold(int i)
{
	guarded[i]++;
	acquired[i]++;
	atomic_fetch_add_explicit(&sum, 1, memory_order_relaxed);
}

static void lock(int i)
{
	MUST(pthread_mutex_lock(&locks[i]));
	hold(i);
}

/* Some locks upwards, and back in another order. */
static void climb(unsigned *state)
{
	int held[4], n = 0;

	for (int i = (int)(roll(state) % LOCKS); i < LOCKS && n < 4; i += 1 + (int)(roll(state) % 5)) {
		lock(i);
		held[n++] = i;
	}
	while (n > 0) {
		int which = (int)(roll(state) % (unsigned)n);

		MUST(pthread_mutex_unlock(&locks[held[which]]));
		held[which] = held[--n];
	}
}

static void try_down(unsigned *state)
{
	int i = (int)(roll(state) % LOCKS), j = (int)(roll(state) % LOCKS);

	lock(i);
	if (j != i && pthread_mutex_trylock(&locks[j]) == 0) {
		hold(j);
		MUST(pthread_mutex_unlock(&locks[j]));
	}
	MUST(pthread_mutex_unlock(&locks[i]));
}

static void wait_a_moment(void)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec = (deadline.tv_nsec + 20000) % 1000000000;
	lock(0);
	pthread_cond_timedwait(&condition, &locks[0], &deadline);
	hold(0);
	pthread_cond_broadcast(&condition);
	MUST(pthread_mutex_unlock(&locks[0]));
}

static void others(unsigned *state)
{
	if (roll(state) % 2)
		MUST(pthread_rwlock_rdlock(&rwlock));
	else
		MUST(pthread_rwlock_wrlock(&rwlock));
	pthread_spin_lock(&spin);
	pthread_spin_unlock(&spin);
	MUST(pthread_rwlock_unlock(&rwlock));
	sem_wait(&semaphore);
	sem_post(&semaphore);
}

/* A lock of one's own, for a moment, in memory that somebody else had. */
static void make_and_free(unsigned *state)
{
	pthread_mutex_t *mine = malloc(64 + roll(state) % 256);

	MUST(pthread_mutex_init(mine, NULL));
	MUST(pthread_mutex_lock(mine));
	MUST(pthread_mutex_unlock(mine));
	if (roll(state) % 2)
		MUST(pthread_mutex_destroy(mine));
	free(mine);
}

static void *short_life(void *argument)
{
	climb(argument);
	return NULL;
}

static void create(unsigned *state)
{
	unsigned its = *state;
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, short_life, &its));
	MUST(pthread_join(thread, NULL));
}

static void *work(void *argument)
{
	unsigned state = (unsigned)(size_t)argument;

	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < 20; j++)
			climb(&state);
		try_down(&state);
		others(&state);
		make_and_free(&state);
		if (i % 16 == 0)
			wait_a_moment();
		if (i % 32 == 0)
			create(&state);
	}
	return NULL;
}

static void run(void)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, work, (void *)(i + 1)));
	for (size_t i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
	long all = 0;
	int status;

	if (argc > 1)
		rounds = atoi(argv[1]);
	pthread_spin_init(&spin, 0);
	sem_init(&semaphore, 0, 4);
	for (int i = 0; i < LOCKS; i++)
		MUST(pthread_mutex_init(&locks[i], NULL));
	run();
	if (fork() == 0) {
		rounds /= 8;
		run();
		_exit(0);
	}
	wait(&status);
	for (int i = 0; i < LOCKS; i++) {
		all += guarded[i];
		printf("%s%ld", i > 0 ? " " : "", acquired[i]);
	}
	puts("");
	return status == 0 && all == atomic_load(&sum) ? 0 : 1;
}
