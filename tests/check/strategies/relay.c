/*
 * relay - two threads hand a number to each other, and each gives up if it is not its turn.
 *
 * Breaks when they take turns to the end, which one schedule in many thousands does, and then another time where no run
 * before has shown that anything could happen: between a write and a read of plain memory, which nothing else reaches.
 */
/* check: found portfolio 60000 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define TURN(n) \
	do { \
		if (atomic_load(&number) != (n)) \
			return NULL; \
		atomic_store(&number, (n) + 1); \
	} while (0)

static atomic_int number;
static volatile int owner;

static void *first(void *unused)
{
	TURN(0);
	TURN(2);
	TURN(4);
	TURN(6);
	TURN(8);
	owner = 1;
	assert(owner == 1);
	return unused;
}

static void *second(void *unused)
{
	TURN(1);
	TURN(3);
	TURN(5);
	TURN(7);
	owner = 2;
	assert(owner == 2);
	return unused;
}

int main(void)
{
	pthread_t one, other;

	pthread_create(&one, NULL, first, NULL);
	pthread_create(&other, NULL, second, NULL);
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	return 0;
}
