/*
 * message_plain - hands over a plain variable by a flag that is atomic, but relaxed.
 *
 * Breaks: in any order in which the reader sees the flag: nothing makes its read happen after the write.
 * Mended: release and acquire.
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

static int message;
static atomic_int sent;

static void *send(void *unused)
{
	(void)unused;
	message = 42; /* here */
	atomic_store_explicit(&sent, 1, STORE_FLAG);
	return NULL;
}

static void *receive(void *unused)
{
	(void)unused;
	if (atomic_load_explicit(&sent, LOAD_FLAG))
		assert(message == 42);
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
