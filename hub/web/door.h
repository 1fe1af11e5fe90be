/*
 * hub/web/door.h - how many connections there may be at a time.
 *
 * Up to `most` are clients. A few more are let in, so that they can be told that there are too many; what comes beyond
 * those is closed at once. By the network thread.
 */
#ifndef HUB_DOOR_H
#define HUB_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#define DOOR_SPARE 64u

struct door {
	unsigned most;
	unsigned connections, clients; /* that are in; of these, who counts among the most */
	uint64_t refused;
};

/* Somebody is at the door. Returns whether he may come in. */
static inline bool door_knock(struct door *door)
{
	bool open = door->connections < door->most + DOOR_SPARE;

	door->refused += !open;
	return open;
}

/* He has come in. Returns whether he is a client; otherwise he is to be told that there are too many. */
static inline bool door_enter(struct door *door)
{
	bool client = door->clients < door->most;

	door->connections++;
	door->clients += client;
	door->refused += !client;
	return client;
}

/* Who is in, and no client, asks again. Returns whether he is one from now on. */
static inline bool door_ask(struct door *door)
{
	bool client = door->clients < door->most;

	door->clients += client;
	return client;
}

/* He is gone; `client` is what door_enter or door_ask returned last. */
static inline void door_leave(struct door *door, bool client)
{
	door->connections--;
	door->clients -= client;
}

#endif
