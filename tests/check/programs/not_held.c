/*
 * not_held - tries a lock, and unlocks it whether or not it got it.
 *
 * Breaks: the other thread holds it; the try fails, and the unlock lets go of the other's lock.
 * Mended: unlocks what it locked.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;

static void *add(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	total++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *look(void *ret_seen)
{
	int busy = pthread_mutex_trylock(&lock);
	if (!busy)
		*(int *)ret_seen = total;
#ifdef MENDED
	if (!busy)
#endif
		pthread_mutex_unlock(&lock); /* here */
	return NULL;
}

int main(void)
{
	pthread_t adder, looker;
	int seen = 0;
	pthread_create(&adder, NULL, add, NULL);
	pthread_create(&looker, NULL, look, &seen);
	pthread_join(adder, NULL);
	pthread_join(looker, NULL);
	return seen <= 1 ? 0 : 1;
}
