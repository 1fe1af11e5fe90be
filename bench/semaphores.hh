/*
 * bench/semaphores.hh - semaphores behind the same two names, for templates; see locks.hh.
 *
 * All begin with no permit. The bare futex is one word that is 0 or 1: no more than two threads can hand something
 * back and forth with, and no less either.
 */
#ifndef FAIRLEAD_BENCH_SEMAPHORES_HH
#define FAIRLEAD_BENCH_SEMAPHORES_HH

#include "in_segment.hh"
#include "machine.h"

#include <semaphore.h>
#include <semaphore>
#include <sys/mman.h>

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

/* Those that processes share. */
struct shared_semaphore : in_segment {
	fl_semaphore *semaphore = nullptr;

	void release() { fl_semaphore_release(semaphore, 1); }
	void acquire() { fl_semaphore_acquire(semaphore); }
};

struct fairlead_shared_semaphore : shared_semaphore {
	fairlead_shared_semaphore()
	{
		if (fl_segment_semaphore(segment, "semaphore", 0, &semaphore) != 1)
			bench_fail("a semaphore");
	}
};

/* Two, so that there is more than one place to look. */
struct fairlead_seats : shared_semaphore {
	fairlead_seats()
	{
		if (fl_segment_semaphore_holders(segment, "seats", 2, &semaphore) != 1)
			bench_fail("a semaphore");
	}
};

struct posix_shared_semaphore {
	sem_t *semaphore;

	posix_shared_semaphore()
	{
		void *memory = mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			bench_fail("shared memory");
		semaphore = static_cast<sem_t *>(memory);
		sem_init(semaphore, 1, 0);
	}
	~posix_shared_semaphore()
	{
		sem_destroy(semaphore);
		munmap(semaphore, sizeof(sem_t));
	}
	void release() { sem_post(semaphore); }
	void acquire() { sem_wait(semaphore); }
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
