/*
 * watch/real.c - finds the functions that this library stands before.
 *
 * A constructor of another library may use a lock before this one's constructor has run; so whoever comes first finds
 * them. Several threads that do so at once find the same.
 *
 * glibc has pthread_cond_wait and its kin twice: the ones of before 2003, with a smaller condition, are there for
 * programs of that time. The version says which are meant, where the machine is so old that it has both.
 */
#define _GNU_SOURCE
#include "real.h"

#include "atomic.h"
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

struct watch_real watch_real_;

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	{"pthread_mutex_lock", offsetof(struct watch_real, mutex_lock)},
	{"pthread_mutex_trylock", offsetof(struct watch_real, mutex_trylock)},
	{"pthread_mutex_unlock", offsetof(struct watch_real, mutex_unlock)},
	{"pthread_mutex_destroy", offsetof(struct watch_real, mutex_destroy)},
	{"pthread_mutex_clocklock", offsetof(struct watch_real, mutex_clocklock)},
	{"pthread_mutex_init", offsetof(struct watch_real, mutex_init)},
	{"pthread_rwlock_rdlock", offsetof(struct watch_real, rdlock)},
	{"pthread_rwlock_tryrdlock", offsetof(struct watch_real, tryrdlock)},
	{"pthread_rwlock_wrlock", offsetof(struct watch_real, wrlock)},
	{"pthread_rwlock_trywrlock", offsetof(struct watch_real, trywrlock)},
	{"pthread_rwlock_unlock", offsetof(struct watch_real, rwlock_unlock)},
	{"pthread_rwlock_destroy", offsetof(struct watch_real, rwlock_destroy)},
	{"pthread_rwlock_clockrdlock", offsetof(struct watch_real, clockrdlock)},
	{"pthread_rwlock_clockwrlock", offsetof(struct watch_real, clockwrlock)},
	{"pthread_rwlock_init", offsetof(struct watch_real, rwlock_init)},
	{"pthread_spin_lock", offsetof(struct watch_real, spin_lock)},
	{"pthread_spin_trylock", offsetof(struct watch_real, spin_trylock)},
	{"pthread_spin_unlock", offsetof(struct watch_real, spin_unlock)},
	{"pthread_spin_destroy", offsetof(struct watch_real, spin_destroy)},
	{"pthread_spin_init", offsetof(struct watch_real, spin_init)},
	{"pthread_cond_wait", offsetof(struct watch_real, cond_wait)},
	{"pthread_cond_timedwait", offsetof(struct watch_real, cond_timedwait)},
	{"pthread_cond_clockwait", offsetof(struct watch_real, cond_clockwait)},
	{"sem_wait", offsetof(struct watch_real, sem_wait)},
	{"sem_trywait", offsetof(struct watch_real, sem_trywait)},
	{"sem_destroy", offsetof(struct watch_real, sem_destroy)},
	{"sem_clockwait", offsetof(struct watch_real, sem_clockwait)},
	{"sem_init", offsetof(struct watch_real, sem_init)},
	{"pthread_create", offsetof(struct watch_real, create)},
	{"pthread_join", offsetof(struct watch_real, join)},
	{"pthread_tryjoin_np", offsetof(struct watch_real, tryjoin)},
	{"pthread_timedjoin_np", offsetof(struct watch_real, timedjoin)},
	{"pthread_clockjoin_np", offsetof(struct watch_real, clockjoin)},
	{"mtx_init", offsetof(struct watch_real, mtx_init)},
	{"free", offsetof(struct watch_real, free)},
	{"malloc_usable_size", offsetof(struct watch_real, malloc_usable_size)},
	{"_Fork", offsetof(struct watch_real, fork_alone)},
};

static void *find(const char *name)
{
	void *found = NULL;

#ifdef __x86_64__
	if (strncmp(name, "pthread_cond_", strlen("pthread_cond_")) == 0)
		found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
#endif
	return found ? found : dlsym(RTLD_NEXT, name);
}

/* A program may bring its own malloc and free without the rest. */
static bool of_one_library(const void *a, const void *b)
{
	Dl_info of_a, of_b;

	return a && b && dladdr(a, &of_a) && dladdr(b, &of_b) && of_a.dli_fbase == of_b.dli_fbase;
}

void watch_real_find_(void)
{
	static uint32_t found;
	static __thread bool finding;
	struct watch_real real = {0};
	void *function;

	/* [real.1] acquire; pairs with [real.2] */
	if (fl_load_acquire(&found) || finding)
		return;
	finding = true; /* the search itself may free something */
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		function = find(functions[i].name);
		memcpy((char *)&real + functions[i].offset, &function, sizeof(function));
	}
	dlerror(); /* what was not found is no error that the program shall see */
	if (!of_one_library((const void *)(uintptr_t)real.free, (const void *)(uintptr_t)real.malloc_usable_size))
		real.malloc_usable_size = NULL;
	watch_real_ = real;
	/* [real.2] release; pairs with [real.1] */
	fl_store_release(&found, 1);
	finding = false;
}

__attribute__((constructor(101))) static void find_early(void)
{
	watch_real_find_();
}
