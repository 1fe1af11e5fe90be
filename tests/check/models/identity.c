/*
 * check/models/identity.c - what a program can see of where it runs is the same in every execution and engine: threads'
 * names, process numbers, processors, random numbers, time stamps. It computes a schedule from them, which could not be
 * repeated otherwise, and fails on purpose.
 * check: fails on purpose
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static unsigned sum;

static void *work(void *arg)
{
	unsigned yields = (unsigned)((uintptr_t)pthread_self() >> 6) % 5;
	unsigned char bytes[4];

	yields += (unsigned)gettid() % 3 + (unsigned)getpid() % 3 + (unsigned)sysconf(_SC_NPROCESSORS_ONLN) % 3;
	assert(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	yields += bytes[0] % 4 + (unsigned)time(NULL) % 3 + (unsigned)sched_getcpu() % 2;
	yields += (unsigned)syscall(SYS_gettid) % 2;
	for (unsigned i = 0; i < yields; i++)
		sched_yield();
	__atomic_store_n(&sum, __atomic_load_n(&sum, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
	return arg;
}

int main(void)
{
	pthread_t threads[3];
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], i == 1 ? &attributes : NULL, work, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert(sum == 3 && "on purpose");
	return 0;
}
