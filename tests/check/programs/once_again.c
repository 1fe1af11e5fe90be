/*
 * once_again - an initialiser that logs what it does, by a log that is initialised by the same control.
 *
 * Breaks: main has asked for a log before the initialisation; it waits for the end of what it is in.
 * Mended: the log has a control of its own.
 */
#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int verbose, lines;

static void initialise(void);

#ifdef MENDED
static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static void begin_log(void)
{
	atomic_store(&lines, 0);
}
#endif

static void say(void)
{
#ifndef MENDED
	pthread_once(&once, initialise); /* here */
#else
	pthread_once(&log_once, begin_log);
#endif
	atomic_fetch_add(&lines, 1);
}

static void initialise(void)
{
	if (atomic_load(&verbose))
		say();
}

static void *work(void *unused)
{
	(void)unused;
	pthread_once(&once, initialise);
	return NULL;
}

int main(void)
{
	pthread_t worker;
	pthread_create(&worker, NULL, work, NULL);
	atomic_store(&verbose, 1);
	pthread_join(worker, NULL);
	return 0;
}
