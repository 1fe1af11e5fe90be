/*
 * steps.c - threads that take steps under locks: how many orders there are is known.
 *
 *   steps THREADS STEPS [apart]
 *
 * With one lock for all of them it is a multinomial coefficient. `apart`: each has a lock of its own, and a neighbour's
 * counter in the same word: there is nothing to tell two orders apart.
 */
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t lock[8];
static unsigned char counter[8];
static int steps, apart;

static void *work(void *arg)
{
	unsigned char *mine = arg;
	pthread_mutex_t *locked = apart ? &lock[mine - counter] : &lock[0];

	for (int i = 0; i < steps; i++) {
		pthread_mutex_lock(locked);
		++*(apart ? mine : &counter[0]);
		pthread_mutex_unlock(locked);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0;
	pthread_t thread[8];

	if (n < 1 || n > 8)
		return 2;
	steps = atoi(argv[2]);
	apart = argc > 3;
	for (int i = 0; i < n; i++)
		pthread_mutex_init(&lock[i], NULL);
	for (int i = 0; i < n; i++)
		pthread_create(&thread[i], NULL, work, &counter[i]);
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	return counter[0] != (apart ? steps : n * steps);
}
