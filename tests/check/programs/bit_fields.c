/*
 * bit_fields - two flags, each with a lock of its own, that are neighbours in one byte.
 *
 * Breaks: to write a bit is to read and write the byte; one thread writes the other's flag back as it was.
 * Mended: the flags are bytes, which are neighbours in one word and may be written by different threads.
 */
#include <assert.h>
#include <pthread.h>

#ifndef MENDED
#define FLAG(name) unsigned name : 1
#else
#define FLAG(name) unsigned char name
#endif

static struct {
	FLAG(open);
	FLAG(lit);
} door;
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lit_lock = PTHREAD_MUTEX_INITIALIZER;

static void *open_it(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&open_lock);
	door.open = 1; /* here */
	pthread_mutex_unlock(&open_lock);
	return NULL;
}

static void *light_it(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lit_lock);
	door.lit = 1;
	pthread_mutex_unlock(&lit_lock);
	return NULL;
}

int main(void)
{
	pthread_t opener, lighter;
	pthread_create(&opener, NULL, open_it, NULL);
	pthread_create(&lighter, NULL, light_it, NULL);
	pthread_join(opener, NULL);
	pthread_join(lighter, NULL);
	assert(door.open && door.lit); /* here */
	return 0;
}
