/*
 * once_lock - an initialiser that takes a lock, under which another thread asks for the initialisation.
 *
 * Breaks: the first thread initialises and waits for the lock; the second holds it and waits for the initialisation.
 * Mended: asks for the initialisation before it takes the lock.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int begun;
static int value;

static void initialise(void)
{
	pthread_mutex_lock(&lock); /* here */
	value += 10;
	pthread_mutex_unlock(&lock);
}

static void *begin(void *unused)
{
	(void)unused;
	atomic_store(&begun, 1);
	pthread_once(&once, initialise);
	return NULL;
}

static void *use(void *unused)
{
	(void)unused;
#ifdef MENDED
	pthread_once(&once, initialise);
#endif
	pthread_mutex_lock(&lock);
	if (atomic_load(&begun))
		pthread_once(&once, initialise); /* here */
	value++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t beginner, user;
	pthread_create(&beginner, NULL, begin, NULL);
	pthread_create(&user, NULL, use, NULL);
	pthread_join(beginner, NULL);
	pthread_join(user, NULL);
	return value > 0 ? 0 : 1;
}
