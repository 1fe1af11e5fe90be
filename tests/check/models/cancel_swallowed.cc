/*
 * check/models/cancel_swallowed.cc - catching the end of a thread and not throwing it again ends the process.
 * check: fails was caught as an exception
 */
#include <pthread.h>

static void *work(void *)
{
	try {
		pthread_exit(nullptr);
	} catch (...) {
	}
	return nullptr;
}

int main()
{
	pthread_t thread;

	pthread_create(&thread, nullptr, work, nullptr);
	pthread_join(thread, nullptr);
	return 0;
}
