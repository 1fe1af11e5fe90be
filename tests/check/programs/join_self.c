/*
 * join_self - each thread joins the one that entered its name last.
 *
 * Breaks: the thread comes before anybody else's name, finds its own, and joins itself.
 * Mended: it leaves itself alone.
 */
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t newest;
static int known;

static void enter(void)
{
	pthread_mutex_lock(&lock);
	if (!known)
		newest = pthread_self();
	known = 1;
	pthread_mutex_unlock(&lock);
}

static void *name_itself(void *unused)
{
	(void)unused;
	enter();
	return NULL;
}

static void *join_newest(void *ret_joined)
{
	enter();
	pthread_mutex_lock(&lock);
	pthread_t found = newest;
	pthread_mutex_unlock(&lock);
#ifdef MENDED
	if (!pthread_equal(found, pthread_self()))
#endif
		*(int *)ret_joined = pthread_join(found, NULL) == 0; /* here */
	return NULL;
}

int main(void)
{
	pthread_t named, joiner;
	int joined = 0;
	pthread_create(&named, NULL, name_itself, NULL);
	pthread_create(&joiner, NULL, join_newest, &joined);
	pthread_join(joiner, NULL);
	if (!joined)
		pthread_join(named, NULL);
	return 0;
}
