/*
 * join_cycle - main joins the first thread, the first the second, and the second main, if it was asked to in time.
 *
 * Breaks: the second sees the request, which main takes back at once.
 * Mended: it never joins main.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_t main_thread, second;
static atomic_int wait_for_main;

static void *run_second(void *unused)
{
	(void)unused;
#ifndef MENDED
	if (atomic_load(&wait_for_main))
		pthread_join(main_thread, NULL); /* here */
#endif
	return NULL;
}

static void *run_first(void *unused)
{
	(void)unused;
	pthread_join(second, NULL); /* here */
	return NULL;
}

int main(void)
{
	pthread_t first;
	main_thread = pthread_self();
	pthread_create(&second, NULL, run_second, NULL);
	atomic_store(&wait_for_main, 1);
	atomic_store(&wait_for_main, 0);
	pthread_create(&first, NULL, run_first, NULL);
	pthread_join(first, NULL);
	return 0;
}
