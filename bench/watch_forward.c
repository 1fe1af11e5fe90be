/*
 * bench/watch_forward.c - plain interposition, for bench/watch: a library that stands before the same functions as
 * libfairlead-watch.so, and only passes the calls on, by pointers that it has found before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define FORWARD(name, type) \
	static int (*name##_real)(type * lock); \
	__attribute__((visibility("default"))) int name(type *lock) \
	{ \
		return name##_real(lock); \
	}

FORWARD(pthread_mutex_lock, pthread_mutex_t)
FORWARD(pthread_mutex_unlock, pthread_mutex_t)
FORWARD(pthread_spin_lock, pthread_spinlock_t)
FORWARD(pthread_spin_unlock, pthread_spinlock_t)
FORWARD(pthread_rwlock_rdlock, pthread_rwlock_t)
FORWARD(pthread_rwlock_unlock, pthread_rwlock_t)

static void find(const char *name, void *ret_function)
{
	void *function = dlsym(RTLD_NEXT, name);

	memcpy(ret_function, &function, sizeof(function));
}

__attribute__((constructor)) static void find_all(void)
{
	find("pthread_mutex_lock", &pthread_mutex_lock_real);
	find("pthread_mutex_unlock", &pthread_mutex_unlock_real);
	find("pthread_spin_lock", &pthread_spin_lock_real);
	find("pthread_spin_unlock", &pthread_spin_unlock_real);
	find("pthread_rwlock_rdlock", &pthread_rwlock_rdlock_real);
	find("pthread_rwlock_unlock", &pthread_rwlock_unlock_real);
}
