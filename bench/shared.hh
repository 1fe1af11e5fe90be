/*
 * bench/shared.hh - what peers have between processes: memory, and a mutex in it.
 */
#ifndef FAIRLEAD_BENCH_SHARED_HH
#define FAIRLEAD_BENCH_SHARED_HH

#include "machine.h"

#include <pthread.h>
#include <sys/mman.h>

/* Memory that another process could have, for a peer's lock. */
template <class T> struct in_shared_memory {
	T *at;

	in_shared_memory()
	{
		void *memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED)
			bench_fail("shared memory");
		at = static_cast<T *>(memory);
	}
	~in_shared_memory() { munmap(at, sizeof(T)); }
};

static inline void init_shared(pthread_mutex_t *lock, int robust)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, robust);
	pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

#endif
