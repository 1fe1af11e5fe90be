/*
 * Two locks in opposite order: each thread has what the other one waits for.
 */
#include <pthread.h>

static pthread_mutex_t from = PTHREAD_MUTEX_INITIALIZER, to = PTHREAD_MUTEX_INITIALIZER;
static int money[2] = {100, 100};

static void *there(void *arg)
{
	pthread_mutex_lock(&from);
	pthread_mutex_lock(&to);
	money[0]--;
	money[1]++;
	pthread_mutex_unlock(&to);
	pthread_mutex_unlock(&from);
	return arg;
}

static void *back(void *arg)
{
	pthread_mutex_lock(&to);
	pthread_mutex_lock(&from);
	money[0]++;
	money[1]--;
	pthread_mutex_unlock(&from);
	pthread_mutex_unlock(&to);
	return arg;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, there, NULL);
	pthread_create(&b, NULL, back, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
