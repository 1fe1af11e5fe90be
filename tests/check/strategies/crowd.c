/*
 * crowd - fifty threads say where something is now, in two variables, and one thread reads both.
 *
 * Breaks when the reader comes between the two writes of one of them, before any other has come to its second. Nothing
 * of that gets likelier with the number of threads, so a strategy that picks threads at random hardly ever comes there.
 */
/* check: found portfolio 60 reads-from 60 places 60 */
#include <assert.h>
#include <pthread.h>

#define THREADS 50

static int x, y;

static void *move(void *arg)
{
	x = 1;
	y = 1;
	return arg;
}

static void *look(void *arg)
{
	int seen_y = y;
	int seen_x = x;

	assert(seen_x == seen_y || seen_x == 0 || seen_y == 1);
	return arg;
}

int main(void)
{
	pthread_t thread[THREADS + 1];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, move, NULL);
	pthread_create(&thread[THREADS], NULL, look, NULL);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
