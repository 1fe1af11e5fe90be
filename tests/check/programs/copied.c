/*
 * copied - the C library copies a string into a buffer that another thread clears; no line of this file touches it.
 *
 * Breaks: memcpy and memset are not ordered.
 * Mended: both under a lock.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char name[64];

static void *set(void *text)
{
	pthread_mutex_lock(&lock);
	memcpy(name, text, strlen(text) + 1);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *forget(void *size)
{
#ifdef MENDED
	pthread_mutex_lock(&lock);
#endif
	memset(name, 0, *(size_t *)size); /* here */
#ifdef MENDED
	pthread_mutex_unlock(&lock);
#endif
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t setter, forgetter;
	size_t size = sizeof(name);
	char text[32];
	snprintf(text, sizeof(text), "%s", argc > 1 ? argv[1] : "a name that is not short");
	pthread_create(&setter, NULL, set, text);
	pthread_create(&forgetter, NULL, forget, &size);
	pthread_join(setter, NULL);
	pthread_join(forgetter, NULL);
	return name[0] == 0 || name[0] == text[0] ? 0 : 1;
}
