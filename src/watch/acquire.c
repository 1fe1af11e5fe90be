/*
 * watch/acquire.c - waiting for what was not free: that is timed, and said while it lasts.
 *
 * A call that fails, with EDEADLK or EINVAL say, is not counted as a wait.
 */
#include "acquire.h"

void watch_waited_(struct watch_chain *chain, int64_t since)
{
	int64_t waited = watch_now() - since;

	chain->contended++;
	chain->waited += waited;
	if (waited > chain->waited_most)
		chain->waited_most = waited;
}

/* Whether this thread has it: who acquires a recursive mutex again does not wait. */
static bool is_held(const struct watch_chain *chain)
{
	uintptr_t address = chain->address;

	for (chain = chain->parent; chain->address != 0; chain = chain->parent)
		if (chain->address == address)
			return true;
	return false;
}

int watch_acquire_odd_(struct watch_chain *chain, int error)
{
	if (watch_has(error))
		watch_enter(watch_me_, chain);
	else
		watch_back(watch_me_, chain);
	return error;
}

int watch_acquire_busy_(void *object, const struct watch_way *way, struct watch_chain *chain)
{
	int64_t since = watch_now();
	int error;

	watch_go(watch_me_, chain);
	error = (*way->acquire)(object);
	if (watch_has(error) && !is_held(chain))
		watch_waited_(chain, since);
	return watch_acquire_odd_(chain, error);
}

int watch_acquire_new_(void *object, const struct watch_way *way, const void *site)
{
	struct watch_chain *chain = watch_find_(object, way->mode, way->kind, site);

	if (!chain)
		return (*way->acquire)(object);
	if (way->busy(object))
		return watch_acquire_busy_(object, way, chain);
	watch_go(watch_me_, chain);
	return watch_acquire_odd_(chain, (*way->acquire)(object));
}

int watch_release_other_(void *object, watch_call *release)
{
	watch_leave_(object);
	return release(object);
}

int watch_until_busy_(void *object, const struct watch_way *way, struct watch_chain *chain, clockid_t clock,
		      const struct timespec *deadline)
{
	int64_t since = watch_now();
	int error = (*way->until)(object, clock, deadline);

	if (watch_has(error) || error == ETIMEDOUT)
		watch_waited_(chain, since);
	return error;
}
