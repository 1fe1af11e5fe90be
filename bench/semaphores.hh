/*
 * bench/semaphores.hh - semaphores behind the same two names, for templates; see locks.hh.
 *
 * All begin with no permit. The bare futex is one word that is 0 or 1: no more than two threads can hand something
 * back and forth with, and no less either.
 */
#ifndef FAIRLEAD_BENCH_SEMAPHORES_HH
#define FAIRLEAD_BENCH_SEMAPHORES_HH

#include "machine.h"

#include <fairlead/semaphore.h>
#include <semaphore.h>
#include <semaphore>

struct alignas(BENCH_CACHE_LINE) fairlead_semaphore {
	fl_semaphore semaphore = FL_SEMAPHORE_INIT(0);

	void release() { fl_semaphore_release(&semaphore, 1); }
	void acquire() { fl_semaphore_acquire(&semaphore); }
};

struct alignas(BENCH_CACHE_LINE) posix_semaphore {
	sem_t semaphore;

	posix_semaphore() { sem_init(&semaphore, 0, 0); }
	~posix_semaphore() { sem_destroy(&semaphore); }
	void release() { sem_post(&semaphore); }
	void acquire() { sem_wait(&semaphore); }
};

struct alignas(BENCH_CACHE_LINE) std_semaphore {
	std::counting_semaphore<> semaphore{0};

	void release() { semaphore.release(); }
	void acquire() { semaphore.acquire(); }
};

struct alignas(BENCH_CACHE_LINE) bare_futex {
	uint32_t word = 0;

	void release()
	{
		__atomic_store_n(&word, 1, __ATOMIC_RELEASE);
		bench_futex_wake(&word, 1);
	}
	void acquire()
	{
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 0)
			bench_futex_wait(&word, 0);
		__atomic_store_n(&word, 0, __ATOMIC_RELAXED);
	}
};

/* Not a semaphore that anybody should use: what a hand-over costs when nobody ever sleeps. */
struct alignas(BENCH_CACHE_LINE) bare_cache_line {
	uint32_t word = 0;

	void release() { __atomic_store_n(&word, 1, __ATOMIC_RELEASE); }
	void acquire()
	{
		while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 0)
			bench_relax();
		__atomic_store_n(&word, 0, __ATOMIC_RELAXED);
	}
};

#endif
