/*
 * hazard - a reader announces the pointer that it is about to follow, so that nobody frees it.
 *
 * Breaks: the reader has loaded the pointer, the writer replaces it, finds no announcement and frees; the reader
 * announces what is free.
 * Mended: the reader looks again after the announcement whether the pointer is still the same.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct node {
	int value;
};

static struct node *_Atomic current;
static struct node *_Atomic hazard;

static struct node *make(int value)
{
	struct node *node = malloc(sizeof(*node));
	assert(node);
	node->value = value;
	return node;
}

static struct node *protect(void)
{
	struct node *seen = atomic_load(&current);
	atomic_store(&hazard, seen);
#ifdef MENDED
	while (atomic_load(&current) != seen) {
		seen = atomic_load(&current);
		atomic_store(&hazard, seen);
	}
#endif
	return seen;
}

static void *look(void *ret_value)
{
	*(int *)ret_value = protect()->value; /* here */
	atomic_store(&hazard, NULL);
	return NULL;
}

static void *replace(void *ret_kept)
{
	struct node *old = atomic_exchange(&current, make(2));
	if (atomic_load(&hazard) == old)
		*(struct node **)ret_kept = old;
	else
		free(old);
	return NULL;
}

int main(void)
{
	pthread_t reader, writer;
	int value = 0;
	struct node *kept = NULL;
	atomic_store(&current, make(1));
	pthread_create(&reader, NULL, look, &value);
	pthread_create(&writer, NULL, replace, &kept);
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	free(kept);
	free(atomic_load(&current));
	return value == 1 || value == 2 ? 0 : 1;
}
