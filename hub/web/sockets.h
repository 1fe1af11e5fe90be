/*
 * hub/web/sockets.h - what is to be done to sockets that libwebsockets has nothing for.
 */
#ifndef HUB_SOCKETS_H
#define HUB_SOCKETS_H

#include <fairlead/attributes.h>
#include <stdbool.h>
#include <stddef.h>

/* Lets this process have as many descriptors as it may and will need. libwebsockets takes memory for all that it
 * could have, which in some containers are 2^30. */
void sockets_set_limit(void);

/* The port that a socket is bound to; 0: none. */
int sockets_port(int socket);

/* Whether a listening socket is for this machine only: a loopback address, or a path. */
bool sockets_is_loopback(int socket);

/* "address:port" of who is at the other end. */
void sockets_peer(int socket, char *ret_peer, size_t size);

/* Opens a listening socket at an address, or a name of one, and at no other. Returns 0; -EADDRNOTAVAIL: this machine
 * has no such address; -EADDRINUSE, -EACCES and what else the system says. */
int sockets_listen(const char *address, int port, int *ret_socket) FL_ALL_NONNULL FL_MUST_CHECK;

/* Prepares a listening socket that was passed in: it returns instead of waiting when nobody is at the door, and
 * programs that are started do not get it. Returns 0, -ENOTSOCK: nobody listens there. */
int sockets_adopt(int socket);

/* The next connection; -EAGAIN: there is none now; -EMFILE and so on: there is, but it can't be taken. */
int sockets_accept(int socket);

#endif
