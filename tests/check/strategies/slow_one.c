/*
 * slow_one - a thread checks that there is room, and takes it forty steps of the other thread later.
 *
 * Breaks when the other one does all of its steps between the check and what follows from it: one change of threads at
 * the right place, and none for long after it.
 */
/* check: found portfolio 120 reads-from 60 places 60 pct 200 */
#include <assert.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int room = 20;

static int left(void)
{
	int n;

	pthread_mutex_lock(&lock);
	n = room;
	pthread_mutex_unlock(&lock);
	return n;
}

static void take(void)
{
	pthread_mutex_lock(&lock);
	room--;
	pthread_mutex_unlock(&lock);
}

static void *take_one(void *arg)
{
	if (left() > 0) {
		take();
		assert(left() >= 0);
	}
	return arg;
}

static void *take_all(void *arg)
{
	for (int i = 0; i < 20; i++)
		take();
	return arg;
}

int main(void)
{
	pthread_t one, all;

	pthread_create(&one, NULL, take_one, NULL);
	pthread_create(&all, NULL, take_all, NULL);
	pthread_join(one, NULL);
	pthread_join(all, NULL);
	return 0;
}
