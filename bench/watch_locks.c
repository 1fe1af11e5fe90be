/*
 * bench/watch_locks.c - what a free lock costs, for bench/watch: acquire + release, in rounds that are shorter than a
 * time slice.
 *
 * usage: watch_locks THREADS
 *
 * THREADS is 1 or 2; the second one only sleeps, so that the C library no longer takes the short cuts of a process with
 * one thread. Prints a line for each round: the nanoseconds of a cycle, as a chain of multiplications has them, and of
 * one pair for a mutex that is the only one held, one that is acquired while another is held, a spin lock, and the read
 * side of an rwlock.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 5000
#define ROUNDS 400

static pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double time_mutex(void)
{
	double start = now();

	for (int i = 0; i < PAIRS; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return (now() - start) / PAIRS;
}

static double time_second(void)
{
	double took;

	pthread_mutex_lock(&outer);
	took = time_mutex();
	pthread_mutex_unlock(&outer);
	return took;
}

static double time_spin(void)
{
	double start = now();

	for (int i = 0; i < PAIRS; i++) {
		pthread_spin_lock(&spin);
		pthread_spin_unlock(&spin);
	}
	return (now() - start) / PAIRS;
}

static double time_read(void)
{
	double start = now();

	for (int i = 0; i < PAIRS; i++) {
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
	}
	return (now() - start) / PAIRS;
}

/* A loop of multiplications that wait for each other: the time of three cycles each, by which rounds at different
 * clock rates can be compared. */
static double time_cycle(void)
{
	unsigned long x = 3;
	double start = now();

	for (int i = 0; i < PAIRS; i++) {
		for (int j = 0; j < 10; j++) {
			x *= 5;
			__asm__ volatile("" : "+r"(x));
		}
	}
	return (now() - start) / PAIRS / 30;
}

static void *idle(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1 && atoi(argv[1]) > 1 && pthread_create(&thread, NULL, idle, NULL) != 0)
		return 1;
	pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
	for (int i = 0; i < ROUNDS; i++)
		printf("%.4f %.3f %.3f %.3f %.3f\n", time_cycle(), time_mutex(), time_second(), time_spin(),
		       time_read());
	return 0;
}
