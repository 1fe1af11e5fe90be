/*
 * own_barrier - a barrier of a lock, a condition and a count that goes back to 0 for the next round.
 *
 * Breaks: the last one sets the count to 0, wakes, and comes to the next round before the first has looked: it sees 1,
 * takes that for its own round, and waits on, in the wrong one. Both wait.
 * Mended: counts the rounds, too, and waits while the round is the same.
 */
#include <pthread.h>

#define THREADS 2

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static int arrived, rounds;

static int is_waiting(int round)
{
#ifndef MENDED
	(void)round;
	return arrived != 0;
#else
	return rounds == round;
#endif
}

static void meet(void)
{
	pthread_mutex_lock(&lock);
	int round = rounds;
	if (++arrived == THREADS) {
		arrived = 0;
		rounds++;
		pthread_cond_broadcast(&all_here);
	} else {
		while (is_waiting(round))
			pthread_cond_wait(&all_here, &lock); /* here */
	}
	pthread_mutex_unlock(&lock);
}

static void *run(void *unused)
{
	(void)unused;
	meet();
	meet();
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return rounds == 2 ? 0 : 1;
}
