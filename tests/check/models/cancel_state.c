/*
 * check/models/cancel_state.c - a thread that has cancellation off goes on until it has it on; a request is kept; an
 * asynchronous one comes at once; a thread may cancel itself.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>

static int go, passed;

static void *holds_out(void *arg)
{
	int old;

	assert(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) == 0 && old == PTHREAD_CANCEL_ENABLE);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		sched_yield();
	pthread_testcancel();
	passed = 1;
	assert(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old) == 0 && old == PTHREAD_CANCEL_DISABLE);
	pthread_testcancel();
	assert(0);
	return arg;
}

static void *spins(void *arg)
{
	int *never = arg;

	assert(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL) == 0);
	while (!__atomic_load_n(never, __ATOMIC_RELAXED))
		continue;
	assert(0);
	return NULL;
}

static void *cancels_itself(void *arg)
{
	int old;

	assert(pthread_cancel(pthread_self()) == 0);
	passed++;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	assert(0);
	return arg;
}

static void *ends(void *arg)
{
	return arg;
}

static void *run(void *(*routine)(void *), void *arg)
{
	pthread_t thread;
	void *result;

	assert(pthread_create(&thread, NULL, routine, arg) == 0);
	assert(pthread_cancel(thread) == 0);
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	assert(pthread_join(thread, &result) == 0);
	return result;
}

int main(void)
{
	int never = 0;

	assert(pthread_setcancelstate(7, NULL) != 0 && pthread_setcanceltype(7, NULL) != 0);
	assert(run(holds_out, NULL) == PTHREAD_CANCELED && passed == 1);
	assert(run(spins, &never) == PTHREAD_CANCELED);
	assert(run(cancels_itself, NULL) == PTHREAD_CANCELED && passed == 2);
	assert(run(ends, &never) == &never);
	return 0;
}
