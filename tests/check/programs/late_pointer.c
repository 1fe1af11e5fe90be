/*
 * late_pointer - starts the thread that needs the settings, and then publishes the settings.
 *
 * Breaks: the thread runs before main goes on, and follows a null pointer.
 * Mended: publishes first.
 */
#include <pthread.h>
#include <stdatomic.h>

struct settings {
	const char *name;
	int size;
};

static struct settings defaults = {"defaults", 7};
static struct settings *_Atomic settings;

static void *work(void *ret_size)
{
	struct settings *found = atomic_load(&settings);
	*(int *)ret_size = found->size; /* here */
	return NULL;
}

int main(void)
{
	pthread_t worker;
	int size = 0;
#ifndef MENDED
	pthread_create(&worker, NULL, work, &size);
	atomic_store(&settings, &defaults);
#else
	atomic_store(&settings, &defaults);
	pthread_create(&worker, NULL, work, &size);
#endif
	pthread_join(worker, NULL);
	return size == 7 ? 0 : 1;
}
