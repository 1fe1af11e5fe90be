/*
 * check/stream.c - the lock of a stream, for programs that take it by name: flockfile and its like.
 *
 * Waiting for it is the C library's, by a futex that inside.c models. What is added here is the order: who gets the
 * lock knows what was done by those that had it before, so that it may guard what is the program's own.
 */
#include "object.h"

#include <dlfcn.h>
#include <stdio.h>

static struct object *lock_of(const FILE *stream)
{
	return object_get((uintptr_t)stream | 1, OBJECT_OTHER);
}

EXPORT void flockfile(FILE *stream)
{
	static void (*real)(FILE *);

	if (real == NULL)
		real = (void (*)(FILE *))dlsym(RTLD_NEXT, "flockfile");
	real(stream);
	if (controlled())
		clock_acquire(lock_of(stream));
}

EXPORT int ftrylockfile(FILE *stream)
{
	static int (*real)(FILE *);
	int error;

	if (real == NULL)
		real = (int (*)(FILE *))dlsym(RTLD_NEXT, "ftrylockfile");
	error = real(stream);
	if (error == 0 && controlled())
		clock_acquire(lock_of(stream));
	return error;
}

EXPORT void funlockfile(FILE *stream)
{
	static void (*real)(FILE *);

	if (real == NULL)
		real = (void (*)(FILE *))dlsym(RTLD_NEXT, "funlockfile");
	if (controlled())
		clock_release(lock_of(stream));
	real(stream);
}
