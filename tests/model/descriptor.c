/*
 * descriptor.c - an eventfd, the only one there is: a count that a write adds to and a read takes away. It is readable
 * when the count is not 0. Neither orders anything here: the kernel promises nothing of that kind.
 */
#include "engine.h"

#include <errno.h>
#include <sys/eventfd.h>

#define NUMBER 1000 /* of no descriptor that the program has */

static uint32_t *counter(void)
{
	return (uint32_t *)(void *)(model_arena + sizeof(fl_time)); /* after the clock */
}

int model_eventfd(unsigned count, int flags);
int model_eventfd(unsigned count, int flags)
{
	(void)flags;
	fl_store_relaxed(counter(), count);
	return NUMBER;
}

int model_eventfd_write(int fd, eventfd_t more);
int model_eventfd_write(int fd, eventfd_t more)
{
	if (fd != NUMBER)
		model_fail("descriptor %d is written to, which is none", fd);
	fl_add_relaxed(counter(), (uint32_t)more);
	return 0;
}

int model_eventfd_read(int fd, eventfd_t *ret_count);
int model_eventfd_read(int fd, eventfd_t *ret_count)
{
	if (fd != NUMBER)
		model_fail("descriptor %d is read, which is none", fd);
	*ret_count = fl_exchange_relaxed(counter(), 0);
	if (*ret_count != 0)
		return 0;
	errno = EAGAIN;
	return -1;
}

void model_await_readable(void)
{
	model_await_note(counter(), 1);
}
