/*
 * if_not_while - a consumer that looks whether there is something, waits, and does not look again.
 *
 * Breaks: it is woken for an item; before it has the lock again, the other consumer takes the item.
 * Mended: looks again after each wait.
 */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int items;

static void *take(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
#ifndef MENDED
	if (items == 0)
#else
	while (items == 0)
#endif
		pthread_cond_wait(&changed, &lock);
	items--;
	assert(items >= 0); /* here */
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *put(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++) {
		pthread_mutex_lock(&lock);
		items++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	void *(*const parts[])(void *) = {take, take, put};
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, parts[i], NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return items;
}
