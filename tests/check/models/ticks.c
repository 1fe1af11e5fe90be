/*
 * check/models/ticks.c - the processor's counter is one of the clocks: it shows virtual time, a tick a nanosecond, and
 * is ahead by a second after a sleep of a second, in each run.
 */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define SECOND UINT64_C(1000000000)

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void *wait_for_it(void *arg)
{
	uint64_t until = __rdtsc() + SECOND / 1000;

	while (__rdtsc() < until)
		;
	return arg;
}

int main(void)
{
	uint64_t before = now(), ticks = __rdtsc(), later;
	pthread_t thread;
	unsigned processor = 7;

	assert(ticks > before && ticks - before < 10000);
	sleep(1);
	later = __rdtscp(&processor);
	assert(processor == 0 && later - ticks >= SECOND && later - ticks < SECOND + 10000);
	pthread_create(&thread, NULL, wait_for_it, NULL);
	pthread_join(thread, NULL);
	assert(now() - later >= SECOND / 1000 && now() - later < SECOND / 100);
	return 0;
}
