/*
 * spin_order - two spin locks in opposite order: who waits for the other does so busily.
 *
 * Breaks: each holds its first.
 * Mended: the same order.
 */
#include <pthread.h>
#include <stdint.h>

static pthread_spinlock_t locks[2];
static int moved;

static void *move(void *number)
{
	intptr_t first = (intptr_t)number;
#ifdef MENDED
	first = 0;
#endif
	pthread_spin_lock(&locks[first]);
	pthread_spin_lock(&locks[1 - first]); /* here */
	moved++;
	pthread_spin_unlock(&locks[1 - first]);
	pthread_spin_unlock(&locks[first]);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_spin_init(&locks[i], PTHREAD_PROCESS_PRIVATE);
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, move, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_spin_destroy(&locks[i]);
	return moved == 2 ? 0 : 1;
}
