/*
 * barrier_once - each round writes the own cell and reads the neighbour's, with one barrier between the two.
 *
 * Breaks: the faster thread writes its cell for the next round while the slower still reads it for this one.
 * Mended: a second barrier ends the round.
 */
#include <pthread.h>
#include <stdint.h>

static pthread_barrier_t barrier;
static int cells[2];
static int sums[2];

static void *run(void *number)
{
	intptr_t me = (intptr_t)number;
	for (int round = 1; round < 3; round++) {
		cells[me] = round;
		pthread_barrier_wait(&barrier);
		sums[me] += cells[1 - me];
#ifdef MENDED
		pthread_barrier_wait(&barrier);
#endif
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	pthread_barrier_init(&barrier, NULL, 2);
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return sums[0] == 3 && sums[1] == 3 ? 0 : 1;
}
