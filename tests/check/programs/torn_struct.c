/*
 * torn_struct - copies a structure while another thread assigns it.
 *
 * Breaks: the copy has the new place and the old time.
 * Mended: both under a lock.
 */
#include <pthread.h>

struct fix {
	double latitude, longitude;
	long time;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fix newest;

static void *locate(void *unused)
{
	(void)unused;
	struct fix fix = {48.1, 11.5, 7};
#ifdef MENDED
	pthread_mutex_lock(&lock);
#endif
	newest = fix; /* here */
#ifdef MENDED
	pthread_mutex_unlock(&lock);
#endif
	return NULL;
}

static void *show(void *ret_fix)
{
	pthread_mutex_lock(&lock);
	*(struct fix *)ret_fix = newest;
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t locator, shower;
	struct fix shown;
	pthread_create(&locator, NULL, locate, NULL);
	pthread_create(&shower, NULL, show, &shown);
	pthread_join(locator, NULL);
	pthread_join(shower, NULL);
	return shown.time == 0 || shown.time == 7 ? 0 : 1;
}
