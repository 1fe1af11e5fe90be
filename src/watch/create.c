/*
 * watch/create.c - threads are created and joined: what comes before what, and who waits for whose end.
 *
 * A thread that was joined is found by its handle among the lives that nobody has joined, the newest first, since a
 * handle is given again when its thread has ended. A join with a deadline is not a wait for ever, and not marked.
 */
#define _GNU_SOURCE
#include "create.h"

#include "acquire.h"
#include "thread.h"
#include <pthread.h>

static void *live(void *argument)
{
	struct watch_life *life = argument;
	void *(*start)(void *) = (void *(*)(void *))life->start;

	watch_begin_life_(life);
	return start(life->argument);
}

int watch_create_(void *thread, const void *attributes, uintptr_t start, void *argument)
{
	struct watch_life *life = watch_conceive_(start, argument);
	int error;

	if (!life)
		return watch_real_.create(thread, attributes, (void *(*)(void *))start, argument);
	error = watch_real_.create(thread, attributes, live, life);
	if (error == 0)
		watch_created_(life, *(pthread_t *)thread);
	return error;
}

WATCH_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
				void *argument)
{
	return watch_create_(thread, attributes, (uintptr_t)start, argument);
}

static void end_join(void *seat)
{
	watch_join_end_(seat);
}

static int join_watched(struct watch_life *life, pthread_t thread, void **ret_value, const void *site)
{
	struct watch_seat *me = watch_me_;
	int error;

	watch_join_begin_(me, life, site);
	pthread_cleanup_push(end_join, me);
	error = watch_real_.join(thread, ret_value);
	pthread_cleanup_pop(1);
	return error;
}

/* The life of a thread that is about to be joined; NULL: it is not watched. */
static struct watch_life *life_of(pthread_t thread)
{
	struct watch_seat *me = watch_seat_();

	return me && !me->busy ? watch_life_of_(thread) : NULL;
}

static int joined(struct watch_life *life, int error)
{
	if (life && error == 0)
		watch_joined_(life);
	return error;
}

int watch_join_(unsigned long thread, void **ret_value, const void *site)
{
	struct watch_life *life = life_of(thread);

	return life ? joined(life, join_watched(life, thread, ret_value, site)) : watch_real_.join(thread, ret_value);
}

WATCH_EXPORT int pthread_join(pthread_t thread, void **ret_value)
{
	return watch_join_(thread, ret_value, WATCH_SITE);
}

WATCH_EXPORT int pthread_tryjoin_np(pthread_t thread, void **ret_value)
{
	struct watch_life *life = life_of(thread);

	return joined(life, watch_real_.tryjoin(thread, ret_value));
}

WATCH_EXPORT int pthread_timedjoin_np(pthread_t thread, void **ret_value, const struct timespec *deadline)
{
	struct watch_life *life = life_of(thread);

	return joined(life, watch_real_.timedjoin(thread, ret_value, deadline));
}

WATCH_EXPORT int pthread_clockjoin_np(pthread_t thread, void **ret_value, clockid_t clock,
				      const struct timespec *deadline)
{
	struct watch_life *life = life_of(thread);

	return joined(life, watch_real_.clockjoin(thread, ret_value, clock, deadline));
}
