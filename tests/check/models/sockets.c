/*
 * check/models/sockets.c - a server and its clients in one program: by loopback and by a pair; select and epoll; a
 * handler that writes to a pipe wakes who waits in poll.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};
static int pair[2], wake[2];

static void *client(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char answer[4];

	assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(send(fd, "ping", 4, 0) == 4);
	assert(recv(fd, answer, 4, MSG_WAITALL) == 4 && memcmp(answer, "pong", 4) == 0);
	assert(close(fd) == 0);
	return arg;
}

static void serve(int server, int clients)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = server}, got;
	int poller = epoll_create1(0);
	char text[5];

	assert(epoll_ctl(poller, EPOLL_CTL_ADD, server, &event) == 0);
	while (clients > 0) {
		assert(epoll_wait(poller, &got, 1, -1) == 1);
		if (got.data.fd == server) {
			event.data.fd = accept(server, NULL, NULL);
			assert(event.data.fd >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event) == 0);
		} else if (read(got.data.fd, text, 4) == 4) {
			assert(write(got.data.fd, "pong", 4) == 4);
		} else {
			assert(close(got.data.fd) == 0);
			clients--;
		}
	}
	assert(epoll_wait(poller, &got, 1, 1000) == 0);
	close(poller);
}

static void *echo(void *arg)
{
	struct timeval span = {5, 0};
	fd_set set;
	char c;

	FD_ZERO(&set);
	FD_SET(pair[1], &set);
	assert(select(pair[1] + 1, &set, NULL, NULL, &span) == 1 && FD_ISSET(pair[1], &set));
	assert(recv(pair[1], &c, 1, 0) == 1);
	assert(send(pair[1], &c, 1, MSG_NOSIGNAL) == 1);
	assert(shutdown(pair[1], SHUT_RDWR) == 0);
	return arg;
}

static void on_usr1(int signal)
{
	(void)signal;
	assert(write(wake[1], "w", 1) == 1);
}

static void *send_signal(void *arg)
{
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return arg;
}

static void wait_for_signal(void)
{
	struct pollfd at = {.events = POLLIN};
	pthread_t thread, here = pthread_self();
	char c;

	assert(pipe(wake) == 0);
	at.fd = wake[0];
	signal(SIGUSR1, on_usr1);
	pthread_create(&thread, NULL, send_signal, &here);
	while (poll(&at, 1, -1) != 1)
		assert(errno == EINTR);
	assert(read(wake[0], &c, 1) == 1 && c == 'w');
	pthread_join(thread, NULL);
}

int main(void)
{
	int server = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(address);
	pthread_t threads[3];
	char c;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(server, 4) == 0);
	assert(getsockname(server, (struct sockaddr *)&address, &size) == 0);
	assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, client, NULL);
	pthread_create(&threads[2], NULL, echo, NULL);
	assert(write(pair[0], "e", 1) == 1 && read(pair[0], &c, 1) == 1 && c == 'e');
	assert(read(pair[0], &c, 1) == 0);
	serve(server, 2);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	wait_for_signal();
	return 0;
}
