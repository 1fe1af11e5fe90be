/*
 * read_again - takes a lock for reading that it already holds for reading; the lock lets waiting writers go first.
 *
 * Breaks: a writer waits for the reader, and the reader's second lock waits for the writer.
 * Mended: the lock is of the kind that lets readers in while a writer waits.
 */
#define _GNU_SOURCE
#include <pthread.h>

#ifndef MENDED
#define KIND PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP
#else
#define KIND PTHREAD_RWLOCK_PREFER_READER_NP
#endif

static pthread_rwlock_t lock;
static int items[2] = {1, 2};

static int count(void)
{
	pthread_rwlock_rdlock(&lock); /* here */
	int sum = items[0] + items[1];
	pthread_rwlock_unlock(&lock);
	return sum;
}

static void *read_both(void *ret_sum)
{
	pthread_rwlock_rdlock(&lock);
	*(int *)ret_sum = items[0] + count();
	pthread_rwlock_unlock(&lock);
	return NULL;
}

static void *write_one(void *unused)
{
	(void)unused;
	pthread_rwlock_wrlock(&lock);
	items[1]++;
	pthread_rwlock_unlock(&lock);
	return NULL;
}

int main(void)
{
	pthread_t reader, writer;
	pthread_rwlockattr_t attributes;
	int sum = 0;
	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, KIND);
	pthread_rwlock_init(&lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	pthread_create(&reader, NULL, read_both, &sum);
	pthread_create(&writer, NULL, write_one, NULL);
	pthread_join(reader, NULL);
	pthread_join(writer, NULL);
	pthread_rwlock_destroy(&lock);
	return sum > 0 ? 0 : 1;
}
