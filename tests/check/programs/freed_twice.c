/*
 * freed_twice - looks at the head of a list under the lock, and removes it under the lock, later.
 *
 * Breaks: two threads see the same head; each removes a head and frees the one that it saw.
 * Mended: sees and removes it in one critical section.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct node {
	struct node *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct node *head;

static void *drop_first(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	struct node *first = head;
#ifndef MENDED
	struct node *next = first ? first->next : NULL;
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&lock);
	head = next;
#else
	head = first ? first->next : NULL;
#endif
	pthread_mutex_unlock(&lock);
	free(first); /* here */
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		struct node *node = malloc(sizeof(*node));
		assert(node);
		node->next = head;
		head = node;
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, drop_first, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
