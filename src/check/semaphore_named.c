/*
 * check/semaphore_named.c - named semaphores: known by their names within the process and one execution.
 *
 * The kernel would keep them in a file that outlives the program, and with it what one execution has done to the next.
 * So here a name begins to be known with its first sem_open of an execution: one that another process is to have made
 * before is not found. A name may go while some still use what it named.
 */
#include "mutex.h"
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>

#define NAME 64u

struct named {
	struct named *next;
	sem_t semaphore;
	char name[NAME]; /* empty: unlinked */
	unsigned users;
};

static struct named *find(const char *name)
{
	for (struct named *named = run->named; named != NULL; named = named->next) {
		if (raw_equal(named->name, name))
			return named;
	}
	return NULL;
}

static void *fail_with(int error)
{
	errno = error;
	return NULL;
}

static sem_t *make(const char *name, unsigned value)
{
	struct named *named;

	if (value > SEM_VALUE_MAX)
		return fail_with(EINVAL);
	named = pool_take(sizeof(*named));
	raw_copy(named->name, name, raw_length(name) + 1);
	named->users = 1;
	named->next = run->named;
	run->named = named;
	sem_init(&named->semaphore, 1, value);
	return &named->semaphore;
}

static sem_t *open_named(const char *name, int flags, unsigned value, uintptr_t pc)
{
	struct named *named;

	while (*name == '/')
		name++;
	if (*name == 0)
		return fail_with(EINVAL);
	if (raw_length(name) >= NAME)
		not_modelled("a semaphore with a name of more than 63 letters");
	sched_point(CHECK_INIT, (uintptr_t)&run->named, true, pc);
	named = find(name);
	if (named == NULL)
		return (flags & O_CREAT) != 0 ? make(name, value) : fail_with(ENOENT);
	if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
		return fail_with(EEXIST);
	named->users++;
	return &named->semaphore;
}

EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
	unsigned value = 0;
	va_list list;

	if ((flags & O_CREAT) != 0) {
		va_start(list, flags);
		va_arg(list, mode_t);
		value = va_arg(list, unsigned);
		va_end(list);
	}
	if (!controlled())
		raw_die("a named semaphore is opened before main(), which is not modelled");
	return open_named(name, flags, value, CALLER);
}

static struct named *owner_of(const sem_t *semaphore)
{
	for (struct named *named = run->named; named != NULL; named = named->next) {
		if (&named->semaphore == semaphore)
			return named;
	}
	return NULL;
}

EXPORT int sem_close(sem_t *semaphore)
{
	struct named *named;

	if (!controlled())
		return 0;
	sched_point(CHECK_DESTROY, (uintptr_t)semaphore, true, CALLER);
	named = owner_of(semaphore);
	if (named == NULL || named->users == 0)
		fail(CHECK_MISUSE, CALLER, "sem_close of what sem_open did not return, or once too often");
	named->users--;
	return 0;
}

static int unlink_named(const char *name, uintptr_t pc)
{
	struct named *named;

	while (*name == '/')
		name++;
	sched_point(CHECK_DESTROY, (uintptr_t)&run->named, true, pc);
	named = find(name);
	if (named == NULL || *name == 0) {
		errno = ENOENT;
		return -1;
	}
	named->name[0] = 0;
	return 0;
}

EXPORT int sem_unlink(const char *name)
{
	return controlled() ? unlink_named(name, CALLER) : 0;
}
