/*
 * frame/place.h - where a served channel is found: a socket in a directory of the user's own.
 */
#ifndef FL_FRAME_PLACE_H
#define FL_FRAME_PLACE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

/* Where the channel of a name is, or would be. */
struct fl_frames_place {
	char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un address;
	dev_t device; /* of the socket, once this process listens there */
	ino_t inode;
};

/* Returns whether it is a name: see fl_frames_options. */
bool fl_frames_name_good_(const char *name);

/* Finds the place of a name, and makes the directory if it is not there. Returns 0, -EINVAL, -ENAMETOOLONG;
 * -EPERM: the directory is not ours alone; or what mkdir said. */
int fl_frames_find_(struct fl_frames_place *ret_place, const char *name);

/* Listens there. Returns a descriptor, non-blocking; -EADDRINUSE: a living process does already; or what the system
 * said. Blocks for the moment that another process needs for the same. */
int fl_frames_listen_(struct fl_frames_place *place);

/* Takes it away again, if it is still ours. */
void fl_frames_withdraw_(const struct fl_frames_place *place);

/* Connects to who listens there. Returns a descriptor, non-blocking; -ENOENT: nobody does; or what the system said. */
int fl_frames_connect_(const struct fl_frames_place *place);

/* Has *watch_fd become readable when something is made in the directory from now on, or it is removed; makes a
 * descriptor if there is none yet (-1). Returns 0, or what the system said. */
int fl_frames_watch_(int *watch_fd, const struct fl_frames_place *place);
/* Gives the descriptor back, if there is one. Does not wait for the kernel to have done so. */
void fl_frames_unwatch_(int watch_fd);

#endif
