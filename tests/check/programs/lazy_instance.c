/*
 * lazy_instance - makes the one instance when it is first asked for: if there is none, make one.
 *
 * Breaks: both threads see none, and each makes one; two of the only one there may be.
 * Mended: pthread_once.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct instance {
	int serial;
};

static struct instance instances[2];
static atomic_int made;
static struct instance *_Atomic the_instance;
#ifdef MENDED
static pthread_once_t once = PTHREAD_ONCE_INIT;
#endif

static void make(void)
{
	int serial = atomic_fetch_add(&made, 1);
	instances[serial].serial = serial;
	atomic_store(&the_instance, &instances[serial]);
}

static struct instance *get(void)
{
#ifndef MENDED
	if (!atomic_load(&the_instance))
		make();
#else
	pthread_once(&once, make);
#endif
	return atomic_load(&the_instance);
}

static void *use(void *unused)
{
	(void)unused;
	return get();
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, use, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert(atomic_load(&made) == 1); /* here */
	return 0;
}
