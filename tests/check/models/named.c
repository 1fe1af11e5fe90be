/*
 * check/models/named.c - named semaphores: one name is one semaphore, until it is unlinked; those who have it keep it.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>

static int value;

static void *give(void *arg)
{
	sem_t *semaphore = sem_open("/door", O_CREAT, 0600, 0);

	assert(semaphore != SEM_FAILED);
	value = 1;
	sem_post(semaphore);
	assert(sem_close(semaphore) == 0);
	return arg;
}

int main(void)
{
	sem_t *semaphore, *same, *other;
	pthread_t thread;

	assert(sem_open("/door", 0) == SEM_FAILED && errno == ENOENT);
	pthread_create(&thread, NULL, give, NULL);
	semaphore = sem_open("/door", O_CREAT, 0600, 0);
	same = sem_open("/door", 0);
	assert(semaphore != SEM_FAILED && same == semaphore);
	assert(sem_open("/door", O_CREAT | O_EXCL, 0600, 0) == SEM_FAILED && errno == EEXIST);
	sem_wait(semaphore);
	assert(value == 1);
	pthread_join(thread, NULL);
	assert(sem_unlink("/door") == 0);
	assert(sem_unlink("/door") == -1 && errno == ENOENT);
	other = sem_open("/door", O_CREAT | O_EXCL, 0600, 3);
	assert(other != SEM_FAILED && other != semaphore);
	sem_post(semaphore);
	sem_wait(same);
	for (int i = 0; i < 3; i++)
		sem_wait(other);
	assert(sem_trywait(other) == -1 && errno == EAGAIN);
	assert(sem_close(other) == 0);
	return 0;
}
