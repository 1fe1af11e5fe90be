/*
 * message - writes the message, then sets the flag that says so, both relaxed. Under --weak only.
 *
 * Breaks: the reader sees the flag of its time and the message of before: nothing orders the two.
 * Mended: the flag is stored with release and loaded with acquire.
 */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#ifndef MENDED
#define STORE_FLAG memory_order_relaxed
#define LOAD_FLAG memory_order_relaxed
#else
#define STORE_FLAG memory_order_release
#define LOAD_FLAG memory_order_acquire
#endif

static atomic_int message, sent;

static void *send(void *unused)
{
	(void)unused;
	atomic_store_explicit(&message, 42, memory_order_relaxed);
	atomic_store_explicit(&sent, 1, STORE_FLAG);
	return NULL;
}

static void *receive(void *unused)
{
	(void)unused;
	if (atomic_load_explicit(&sent, LOAD_FLAG)) {
		int seen = atomic_load_explicit(&message, memory_order_relaxed);
		assert(seen == 42); /* here */
	}
	return NULL;
}

int main(void)
{
	pthread_t sender, receiver;
	pthread_create(&sender, NULL, send, NULL);
	pthread_create(&receiver, NULL, receive, NULL);
	pthread_join(sender, NULL);
	pthread_join(receiver, NULL);
	return 0;
}
