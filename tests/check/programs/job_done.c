/*
 * job_done - frees a job as soon as it is done, though who did it is still in its lock.
 *
 * Breaks: the worker says that the job is done and unlocks by a store of its own; main sees that it is done in between,
 * without the lock, and frees the job; the worker unlocks what is free.
 * Mended: main takes the lock before it frees, so the worker has let go of it.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct job {
	atomic_int locked, done;
};

static void lock(struct job *job)
{
	while (atomic_exchange(&job->locked, 1))
		sched_yield();
}

static void unlock(struct job *job)
{
	atomic_store(&job->locked, 0); /* here */
}

static void *work(void *argument)
{
	struct job *job = argument;
	lock(job);
	atomic_store(&job->done, 1);
	unlock(job);
	return NULL;
}

int main(void)
{
	pthread_t worker;
	struct job *job = calloc(1, sizeof(*job));
	assert(job);
	pthread_create(&worker, NULL, work, job);
	while (!atomic_load(&job->done))
		sched_yield();
#ifdef MENDED
	lock(job);
#endif
	free(job);
	pthread_join(worker, NULL);
	return 0;
}
