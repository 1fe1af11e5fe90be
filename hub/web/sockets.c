/*
 * hub/web/sockets.c - see sockets.h.
 */
#define _GNU_SOURCE
#include "sockets.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define DESCRIPTORS 65536u

void sockets_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int sockets_port(int socket)
{
	struct sockaddr_in6 address = {0}; /* the port is at the same place in both families */
	socklen_t length = sizeof(address);

	return getsockname(socket, (struct sockaddr *)&address, &length) == 0 ? ntohs(address.sin6_port) : 0;
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

void sockets_adopt(int socket)
{
	fcntl(socket, F_SETFD, FD_CLOEXEC);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
}

int sockets_accept(int socket)
{
	return accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
