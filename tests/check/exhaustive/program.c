/*
 * program.c - threads whose steps are given as text: two characters each, what and on which object.
 *
 *   program STEPS...
 *
 * R, W, X   load, store, add 1 to an atomic
 * J         load an atomic; the thread ends there if it is 0
 * L, U, T   lock and unlock a mutex; try to lock it, and unlock it if that succeeds
 * P, S      post and wait for a semaphore
 * A, B, C   lock an rwlock for reading, for writing; unlock it
 *
 * Writes a line: what each thread's loads and tries came to, and what the atomics have in the end.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define THREADS 8
#define OBJECTS 4

static atomic_int atomic[OBJECTS];
static pthread_mutex_t mutex[OBJECTS];
static pthread_rwlock_t rwlock[OBJECTS];
static sem_t semaphore[OBJECTS];
static struct {
	const char *steps;
	char seen[32];
	unsigned n;
} thread[THREADS];

static void see(int i, int value)
{
	thread[i].seen[thread[i].n++] = (char)('0' + value);
}

static void try(int i, int at)
{
	int error = pthread_mutex_trylock(&mutex[at]);

	see(i, error == 0);
	if (error == 0)
		pthread_mutex_unlock(&mutex[at]);
}

static void lock(char what, int at)
{
	switch (what) {
	case 'L':
		pthread_mutex_lock(&mutex[at]);
		break;
	case 'U':
		pthread_mutex_unlock(&mutex[at]);
		break;
	case 'A':
		pthread_rwlock_rdlock(&rwlock[at]);
		break;
	case 'B':
		pthread_rwlock_wrlock(&rwlock[at]);
		break;
	case 'C':
		pthread_rwlock_unlock(&rwlock[at]);
		break;
	case 'P':
		sem_post(&semaphore[at]);
		break;
	case 'S':
		sem_wait(&semaphore[at]);
		break;
	}
}

static void *work(void *arg)
{
	int i = (int)(long)arg, stores = 0;

	for (const char *step = thread[i].steps; *step != 0; step += 2) {
		int at = step[1] - '0';

		if (*step == 'R' || *step == 'J')
			see(i, atomic_load(&atomic[at]));
		else if (*step == 'W')
			atomic_store(&atomic[at], i * 8 + ++stores);
		else if (*step == 'X')
			see(i, atomic_fetch_add(&atomic[at], 1));
		else if (*step == 'T')
			try(i, at);
		else
			lock(*step, at);
		if (*step == 'J' && thread[i].seen[thread[i].n - 1] == '0')
			break;
	}
	return NULL;
}

static int say(int n)
{
	char line[THREADS * 40];
	size_t length = 0;

	for (int i = 0; i < n; i++) {
		memcpy(line + length, thread[i].seen, thread[i].n);
		length += thread[i].n;
		line[length++] = '|';
	}
	for (int i = 0; i < OBJECTS; i++)
		line[length++] = (char)('0' + atomic_load(&atomic[i]));
	line[length++] = '\n';
	return write(STDOUT_FILENO, line, length) < 0;
}

int main(int argc, char **argv)
{
	int n = argc - 1;
	pthread_t id[THREADS];

	if (n < 1 || n > THREADS)
		return 2;
	for (int i = 0; i < OBJECTS; i++) {
		pthread_mutex_init(&mutex[i], NULL);
		pthread_rwlock_init(&rwlock[i], NULL);
		sem_init(&semaphore[i], 0, 0);
	}
	for (int i = 0; i < n; i++) {
		thread[i].steps = argv[i + 1];
		pthread_create(&id[i], NULL, work, (void *)(long)i);
	}
	for (int i = 0; i < n; i++)
		pthread_join(id[i], NULL);
	return say(n);
}
