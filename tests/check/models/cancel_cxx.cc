/*
 * check/models/cancel_cxx.cc - destructors run when a thread of C++ is cancelled or calls pthread_exit, and a handler
 * for everything that throws again lets it end.
 */
#include <cassert>
#include <cxxabi.h>
#include <pthread.h>
#include <unistd.h>

static int destroyed, caught;

struct counts {
	~counts() { __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST); }
};

static void clean(void *)
{
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static void sleep_for_ever()
{
	counts here;

	try {
		for (;;)
			sleep(100);
	} catch (abi::__forced_unwind &) {
		__atomic_add_fetch(&caught, 1, __ATOMIC_SEQ_CST);
		throw;
	}
}

static void *cancelled(void *)
{
	counts here;

	pthread_cleanup_push(clean, nullptr);
	try {
		sleep_for_ever();
	} catch (...) {
		__atomic_add_fetch(&caught, 1, __ATOMIC_SEQ_CST);
		throw;
	}
	pthread_cleanup_pop(0);
	return nullptr;
}

static void *exits(void *arg)
{
	counts here;

	pthread_exit(arg);
}

int main()
{
	pthread_t threads[2];
	void *result;

	pthread_create(&threads[0], nullptr, cancelled, nullptr);
	pthread_create(&threads[1], nullptr, exits, &destroyed);
	pthread_cancel(threads[0]);
	pthread_join(threads[0], &result);
	assert(result == PTHREAD_CANCELED && caught == 2);
	pthread_join(threads[1], &result);
	assert(result == &destroyed && destroyed == 4);
	return 0;
}
