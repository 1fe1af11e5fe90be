/*
 * check/models/pipes.c - pipes and eventfds between threads: who reads waits for who writes, and knows what that one
 * did; a full pipe holds its writer; the end of a pipe is seen; a reader can be cancelled.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int ends[2], event, value;
static char large[200000];

static void *write_all(void *arg)
{
	uint64_t one = 1;

	value = 7;
	assert(write(ends[1], "x", 1) == 1);
	memset(large, 'a', sizeof(large));
	assert(write(ends[1], large, sizeof(large)) == (ssize_t)sizeof(large));
	assert(close(ends[1]) == 0);
	assert(write(event, &one, sizeof(one)) == sizeof(one));
	return arg;
}

static void *read_for_ever(void *arg)
{
	char c;

	read(*(int *)arg, &c, 1);
	assert(0);
	return NULL;
}

static void read_all(void)
{
	static char buffer[65536];
	ssize_t n, all = 0;
	char c;

	assert(read(ends[0], &c, 1) == 1 && c == 'x' && value == 7);
	while ((n = read(ends[0], buffer, sizeof(buffer))) > 0)
		all += n;
	assert(n == 0 && all == (ssize_t)sizeof(large));
}

static void without_waiting(void)
{
	struct pollfd at = {.fd = ends[0], .events = POLLIN};
	char c;

	assert(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	assert(read(ends[0], &c, 1) == -1 && errno == EAGAIN);
	assert(poll(&at, 1, 0) == 0 && poll(&at, 1, 1000) == 0);
	assert(close(ends[0]) == 0);
	signal(SIGPIPE, SIG_IGN);
	assert(write(ends[1], "x", 1) == -1 && errno == EPIPE);
	assert(close(ends[1]) == 0 && close(ends[1]) == -1 && errno == EBADF);
}

int main(void)
{
	pthread_t writer, reader;
	eventfd_t got;
	void *result;

	assert(pipe(ends) == 0);
	event = eventfd(0, 0);
	pthread_create(&writer, NULL, write_all, NULL);
	read_all();
	assert(eventfd_read(event, &got) == 0 && got == 1);
	pthread_join(writer, NULL);
	assert(close(ends[0]) == 0);
	assert(pipe(ends) == 0);
	pthread_create(&reader, NULL, read_for_ever, &ends[0]);
	pthread_cancel(reader);
	pthread_join(reader, &result);
	assert(result == PTHREAD_CANCELED);
	without_waiting();
	return 0;
}
