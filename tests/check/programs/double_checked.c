/*
 * double_checked - looks at a plain pointer without the lock, and takes the lock only if it is null.
 *
 * Breaks: one thread's first look is not ordered with another's store under the lock.
 * Mended: the pointer is atomic, stored with release and loaded with acquire.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

struct table {
	int size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct table storage;
#ifndef MENDED
static struct table *table;
#define LOAD(pointer) (*(pointer))
#define STORE(pointer, value) (*(pointer) = (value))
#else
static struct table *_Atomic table;
#define LOAD(pointer) atomic_load_explicit(pointer, memory_order_acquire)
#define STORE(pointer, value) atomic_store_explicit(pointer, value, memory_order_release)
#endif

static struct table *get(void)
{
	if (!LOAD(&table)) { /* here */
		pthread_mutex_lock(&lock);
		if (!LOAD(&table)) {
			storage.size = 16;
			STORE(&table, &storage);
		}
		pthread_mutex_unlock(&lock);
	}
	return LOAD(&table);
}

static void *use(void *unused)
{
	(void)unused;
	assert(get()->size == 16);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, use, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
