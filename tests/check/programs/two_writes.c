/*
 * two_writes - two threads write messages into one pipe, the head and the body by a call each.
 *
 * Breaks: the second's head comes between the first's head and body.
 * Mended: one call, which a pipe does not divide.
 */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

static int ends[2];

static void *send(void *number)
{
	char message[2] = {'A', 'a'};
	message[0] += (char)(intptr_t)number;
	message[1] += (char)(intptr_t)number;
	ssize_t sent;
#ifndef MENDED
	sent = write(ends[1], &message[0], 1);
	sent += write(ends[1], &message[1], 1);
#else
	sent = write(ends[1], message, 2);
#endif
	assert(sent == 2);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	if (pipe(ends) < 0)
		return 1;
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, send, (void *)i);
	for (int i = 0; i < 2; i++) {
		char message[2] = {0};
		ssize_t got = read(ends[0], &message[0], 1);
		got += read(ends[0], &message[1], 1);
		assert(got == 2);
		assert(message[1] - message[0] == 'a' - 'A'); /* here */
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
