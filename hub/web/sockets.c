/*
 * hub/web/sockets.c - see sockets.h.
 */
#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS 131072u /* a client has up to two */
#define AHEAD (64 * 1024)   /* bytes that the system keeps of what it can't send yet when it asks for more */

void sockets_set_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int sockets_port(int socket)
{
	struct sockaddr_in6 address = {0}; /* the port is at the same place in both families */
	socklen_t length = sizeof(address);

	if (getsockname(socket, (struct sockaddr *)&address, &length) != 0 || address.sin6_family == AF_UNIX)
		return 0;
	return ntohs(address.sin6_port);
}

bool sockets_is_loopback(int socket)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
		struct sockaddr_storage room;
	} address = {0};
	socklen_t length = sizeof(address);

	if (getsockname(socket, &address.any, &length) != 0)
		return false;
	if (address.any.sa_family == AF_INET)
		return ntohl(address.four.sin_addr.s_addr) >> 24 == 127;
	if (address.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address.six.sin6_addr);
	return address.any.sa_family == AF_UNIX;
}

void sockets_peer(int socket, char *ret_peer, size_t size)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char name[64] = "?", port[8] = "", *host = name;

	if (getpeername(socket, (struct sockaddr *)&address, &length) == 0)
		getnameinfo((struct sockaddr *)&address, length, name, sizeof(name), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	if (strncmp(name, "::ffff:", 7) == 0) /* IPv4, by a socket for both */
		host += 7;
	snprintf(ret_peer, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static int listen_at(const struct addrinfo *info, int *ret_socket)
{
	int listener = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (listener < 0)
		return -errno;
	/* Connections of a hub that has ended do not keep the next one from its port. */
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(listener, info->ai_addr, info->ai_addrlen) != 0 || listen(listener, SOMAXCONN) != 0) {
		error = -errno;
		close(listener);
		return error;
	}
	*ret_socket = listener;
	return 0;
}

int sockets_listen(const char *address, int port, int *ret_socket)
{
	struct addrinfo *list, *info;
	char service[8];
	int error = -EADDRNOTAVAIL;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service,
			&(struct addrinfo){.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM},
			&list) != 0)
		return error;
	for (info = list; info && error != 0; info = info->ai_next)
		error = listen_at(info, ret_socket);
	freeaddrinfo(list);
	return error;
}

int sockets_adopt(int socket)
{
	int listens = 0;
	socklen_t length = sizeof(listens);

	if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || !listens)
		return -ENOTSOCK;
	fcntl(socket, F_SETFD, FD_CLOEXEC);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
	return 0;
}

int sockets_accept(int socket)
{
	int connection = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (connection < 0)
		return -errno;
	/* Replies are sent at once; and of a client that is told nothing, since its stream has nothing new, it is
	 * noticed when its machine is gone. A socket that is a path needs neither. */
	setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	/* Its buffer holds megabytes, which for who is slow are seconds; it asks for more when a third of that is
	 * free. */
	setsockopt(connection, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &(int){AHEAD}, sizeof(int));
	setsockopt(connection, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
	setsockopt(connection, IPPROTO_TCP, TCP_KEEPIDLE, &(int){30}, sizeof(int));
	setsockopt(connection, IPPROTO_TCP, TCP_KEEPINTVL, &(int){10}, sizeof(int));
	setsockopt(connection, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
	return connection;
}
