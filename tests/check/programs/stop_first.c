/*
 * stop_first - waits with poll for data and for the request to stop, and looks at the request first.
 *
 * Breaks: both are there when it looks; it stops, and the data is lost.
 * Mended: looks at the data first, and once more when it has seen the request: poll may have looked there before.
 */
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

static int data[2], stop[2];

static void put(int end)
{
	char byte = 1;
	ssize_t sent = write(end, &byte, 1);
	assert(sent == 1);
}

static void *feed(void *unused)
{
	(void)unused;
	put(data[1]);
	put(stop[1]);
	return NULL;
}

static int take(void)
{
	char byte;
	return (int)read(data[0], &byte, 1);
}

static int take_all(void)
{
	int taken = 0;
	for (;;) {
		struct pollfd ready[] = {{data[0], POLLIN, 0}, {stop[0], POLLIN, 0}};
		poll(ready, 2, -1);
#ifdef MENDED
		if (ready[1].revents)
			poll(&ready[0], 1, 0);
		if (ready[0].revents)
			taken += take();
		if (ready[1].revents)
			return taken;
#else
		if (ready[1].revents)
			return taken;
		taken += take();
#endif
	}
}

int main(void)
{
	pthread_t feeder;
	if (pipe(data) < 0 || pipe(stop) < 0)
		return 1;
	pthread_create(&feeder, NULL, feed, NULL);
	int taken = take_all();
	pthread_join(feeder, NULL);
	assert(taken == 1); /* here */
	return 0;
}
