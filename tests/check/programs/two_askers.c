/*
 * two_askers - the two ends of a socket pair, each of which may ask, and then reads until the answer comes.
 *
 * Breaks: both ask at once, throw away what is no answer, and wait for the answer that nobody will send.
 * Mended: a question that comes instead of the answer is answered.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];
static atomic_int nothing_to_ask;

static char hear(int end)
{
	char got = 0;
	while (read(end, &got, 1) < 0) /* here */
		;
	return got;
}

static void tell(int end, char what)
{
	while (write(end, &what, 1) < 0)
		;
}

static void converse(int end, int asks)
{
	if (asks)
		tell(end, '?');
	for (int wanted = 1; wanted > 0;) {
		char got = hear(end);
#ifndef MENDED
		if (got == '?' && !asks)
#else
		if (got == '?')
#endif
			tell(end, '!');
		wanted -= got == '!' || !asks;
	}
}

static void *answer(void *unused)
{
	(void)unused;
	converse(ends[1], !atomic_load(&nothing_to_ask));
	return NULL;
}

int main(void)
{
	pthread_t other;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 1;
	pthread_create(&other, NULL, answer, NULL);
	atomic_store(&nothing_to_ask, 1);
	converse(ends[0], 1);
	pthread_join(other, NULL);
	return 0;
}
