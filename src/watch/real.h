/*
 * watch/real.h - the functions that this library stands before: those of the C library, or of another one that was
 * loaded before it.
 *
 * Objects are void pointers here, since all go the same ways (acquire.h). The threads and mutexes of C11 are glibc's
 * POSIX ones under other names; they have no functions of their own here (c11.c).
 */
#ifndef FL_WATCH_REAL_H
#define FL_WATCH_REAL_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#define WATCH_EXPORT __attribute__((visibility("default")))

typedef int watch_call(void *object);
typedef int watch_until(void *object, clockid_t clock, const struct timespec *deadline);

struct watch_real {
	watch_call *mutex_lock, *mutex_trylock, *mutex_unlock, *mutex_destroy;
	watch_until *mutex_clocklock;
	int (*mutex_init)(void *mutex, const void *attributes);

	watch_call *rdlock, *tryrdlock, *wrlock, *trywrlock, *rwlock_unlock, *rwlock_destroy;
	watch_until *clockrdlock, *clockwrlock;
	int (*rwlock_init)(void *rwlock, const void *attributes);

	watch_call *spin_lock, *spin_trylock, *spin_unlock, *spin_destroy;
	int (*spin_init)(void *spin, int shared);

	int (*cond_wait)(void *condition, void *mutex);
	int (*cond_timedwait)(void *condition, void *mutex, const struct timespec *deadline);
	int (*cond_clockwait)(void *condition, void *mutex, clockid_t clock, const struct timespec *deadline);

	watch_call *sem_wait, *sem_trywait, *sem_destroy;
	watch_until *sem_clockwait;
	int (*sem_init)(void *semaphore, int shared, unsigned value);

	int (*create)(void *thread, const void *attributes, void *(*start)(void *), void *argument);
	int (*join)(unsigned long thread, void **ret_value);
	int (*tryjoin)(unsigned long thread, void **ret_value);
	int (*timedjoin)(unsigned long thread, void **ret_value, const struct timespec *deadline);
	int (*clockjoin)(unsigned long thread, void **ret_value, clockid_t clock, const struct timespec *deadline);

	int (*mtx_init)(void *mutex, int type);

	void (*free)(void *memory);
	size_t (*malloc_usable_size)(void *memory); /* NULL: it does not belong to that free */
	pid_t (*fork_alone)(void);                  /* _Fork */
};

extern struct watch_real watch_real_;

/* Finds them all; to be called before the first use. It may be called again, and from several threads. */
void watch_real_find_(void);

#endif
