/*
 * frame/open.c - a reader in another process than the producer's: its bell is a packet on a socket (message.h).
 *
 * It finds the producer by its name, says who it is and what it wants, and gets the memory and a page of pins. From
 * then on the socket says all that the memory does not: that there is something new, that there is another memory, that
 * the producer is no more. So one poll waits for all of it.
 *
 * After the end of a producer the reader keeps its memory, so that the last frame stays to be had, until it has found
 * another producer of that name. It learns of one by inotify: see place.c, where a socket that appears is ready.
 *
 * Nothing that comes from the producer is believed: the memory is checked when it is mapped, each frame's description
 * when it is taken, and a packet that does not fit ends the connection.
 */
#define _GNU_SOURCE
#include "frame/reader.h"

#include "base/keep_errno.h"
#include "frame/message.h"
#include "frame/page.h"
#include "frame/place.h"
#include "sync/wait.h"
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define GRACE FL_SECONDS(1) /* for who is found to answer */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Ends the connection, also where a forked child has the socket, too; but not in that child. */
static void hang_up(struct fl_frames_link *link)
{
	if (link->socket >= 0 && !fl_frames_forked_(link->epoch))
		shutdown(link->socket, SHUT_RDWR);
	close_fd(&link->socket);
	close_fd(&link->epoll);
	if (link->broken == 0)
		link->broken = -EPIPE;
}

/* What the producer says. */

static int take_memory(struct fl_frames_reader *reader, int fd)
{
	struct fl_frames_memory *memory;
	int error = fl_frames_memory_map_(&memory, fd);

	if (error != 0)
		return error;
	if (memory->generation != reader->newest->generation + 1) {
		fl_frames_memory_unref_(memory);
		return -EPROTO;
	}
	fl_frames_memory_follow_(reader->newest, memory);
	reader->newest = memory; /* the one before it has the reference */
	return 0;
}

/* Hears one packet. Returns 0, or as fl_frames_receive_. */
static int hear_one(struct fl_frames_reader *reader)
{
	struct fl_frames_message message;
	int fds[FL_FRAMES_MAX_FDS], memory, error = fl_frames_receive_(reader->link->socket, &message, fds);

	if (error != 0)
		return error;
	if (message.word == FL_FRAMES_MEMORY && fds[0] >= 0) {
		memory = fds[0];
		fds[0] = -1; /* it is taken over */
		error = take_memory(reader, memory);
	} else {
		error = message.word == FL_FRAMES_BELL ? 0 : -EPROTO;
	}
	fl_frames_close_fds_(fds);
	return error;
}

/* Hears all that was said, but not for ever. It may have been said by who is no more, so the end comes last. */
static void listen_to(struct fl_frames_reader *reader)
{
	struct fl_frames_link *link = reader->link;
	bool gone = fl_frames_ended_(link->pidfd);
	unsigned left = FL_FRAMES_PATIENCE;
	int error = link->broken;

	while (error == 0 && left-- > 0)
		error = hear_one(reader);
	if (link->broken == 0 && error != -EAGAIN)
		link->broken = error != 0 ? error : -EPROTO;
	else if (link->broken == 0 && gone)
		link->broken = -EPIPE;
}

static int wait(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	struct fl_frames_link *link = reader->link;
	struct pollfd fds[3] = {{.fd = link->socket, .events = POLLIN}, {.fd = link->pidfd, .events = POLLIN}};

	/* What was said is heard before the next sleep: most likely there is a frame, and that comes first. */
	return fl_wait_fds_(fds, 2, deadline, note);
}

static bool hear(struct fl_frames_reader *reader)
{
	listen_to(reader);
	return reader->link->epoll >= 0;
}

static int ended(const struct fl_frames_link *link)
{
	return link->broken;
}

static void tell_room(struct fl_frames_link *link)
{
	if (link->broken == 0)
		fl_frames_say_(link->socket, FL_FRAMES_ROOM);
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

static int fd(struct fl_frames_link *link)
{
	int error;

	if (link->epoll >= 0)
		return link->epoll;
	link->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (link->epoll < 0)
		return -errno;
	error = watch(link->epoll, link->socket);
	if (error == 0)
		error = watch(link->epoll, link->pidfd);
	if (error == 0)
		return link->epoll;
	close_fd(&link->epoll);
	return error;
}

static void retire(struct fl_frames_link *link)
{
	if (link->socket >= 0)
		fl_frames_say_(link->socket, FL_FRAMES_LEAVING);
}

static void leave(struct fl_frames_link *link)
{
	hang_up(link);
	close_fd(&link->pidfd);
	fl_frames_page_unmap_(link->pins);
}

/* Finding a producer. */

/* What a refusal may say; anything else is none. */
static int refusal_of(const struct fl_frames_message *message)
{
	switch (message->error) {
	case -EUSERS:
	case -EINVAL:
	case -EACCES:
	case -ENOMEM:
	case -EMFILE:
	case -EPIPE:
		return message->error;
	default:
		return -EPROTO;
	}
}

struct found {
	int socket, pidfd;
	struct fl_frames_memory *memory;
	struct fl_pins *pins;
};

static int map_found(struct found *found, int fds[FL_FRAMES_MAX_FDS])
{
	int memory = fds[0], pins = fds[1], error;

	if (memory < 0 || pins < 0)
		return -EPROTO;
	fds[0] = -1;
	error = fl_frames_memory_map_(&found->memory, memory);
	if (error != 0)
		return error;
	fds[1] = -1;
	error = fl_frames_page_map_(&found->pins, pins);
	if (error != 0)
		fl_frames_memory_unref_(found->memory);
	return error;
}

static int read_answer(struct found *found)
{
	struct fl_frames_message message;
	int fds[FL_FRAMES_MAX_FDS], error = fl_frames_receive_(found->socket, &message, fds);

	if (error != 0)
		return error == -EAGAIN ? -EPIPE : error; /* it ended without a word */
	if (message.word == FL_FRAMES_WELCOME)
		error = map_found(found, fds);
	else
		error = message.word == FL_FRAMES_REFUSED ? refusal_of(&message) : -EPROTO;
	fl_frames_close_fds_(fds);
	return error;
}

/* Says who is there, and waits for the answer, which may have come before. -EPIPE: the producer has ended
 * meanwhile. */
static int introduce(const struct fl_frames_reader *reader, struct found *found, fl_time deadline, fl_note *note)
{
	struct fl_frames_message hello = {.word = FL_FRAMES_HELLO, .every = reader->n_queue, .held = reader->n_held};
	struct pollfd fds[3] = {{.fd = found->socket, .events = POLLIN}, {.fd = found->pidfd, .events = POLLIN}};
	fl_time grace = fl_after(GRACE);
	int error;

	memcpy(hello.name, reader->name, FL_FRAMES_NAME);
	fl_frames_send_(found->socket, &hello, NULL, 0);
	error = fl_wait_fds_(fds, 2, deadline > grace ? deadline : grace, note);
	return error != 0 ? error : read_answer(found);
}

static int knock(const struct fl_frames_reader *reader, const struct fl_frames_place *place, struct found *found,
		 fl_time deadline, fl_note *note)
{
	pid_t process;
	uid_t user;
	int error;

	found->socket = fl_frames_connect_(place);
	if (found->socket < 0)
		return found->socket == -EAGAIN ? -EUSERS : found->socket;
	found->pidfd = fl_frames_peer_(found->socket, &process, &user);
	if (found->pidfd < -1)
		error = found->pidfd == -ESRCH ? -EPIPE : found->pidfd;
	else
		error = introduce(reader, found, deadline, note);
	if (error == 0)
		return 0;
	close(found->socket);
	if (found->pidfd >= 0)
		close(found->pidfd);
	return error;
}

/* Waits until a socket has appeared in the directory, or the directory itself is no more. */
static int wait_for_another(int watch_fd, fl_time deadline, fl_note *note)
{
	struct pollfd fds[2] = {{.fd = watch_fd, .events = POLLIN}};

	return fl_wait_fds_(fds, 1, deadline, note);
}

static bool nobody_there(int error)
{
	return error == -ENOENT || error == -EPIPE;
}

/* Knocks; if nobody is there, watches, knocks once more, and then waits: so nobody who appears is missed. The directory
 * may be removed meanwhile, so it is looked for anew each time. */
static int find(const struct fl_frames_reader *reader, struct found *found, fl_time deadline, fl_note *note)
{
	struct fl_frames_place place;
	int error, watch_fd = -1;

	for (bool watched = false;; watched = true) {
		error = fl_frames_find_(&place, reader->channel);
		if (error == 0 && watched)
			error = fl_frames_watch_(&watch_fd, &place);
		if (error != 0)
			break;
		error = knock(reader, &place, found, deadline, note);
		if (!nobody_there(error))
			break;
		error = watched ? wait_for_another(watch_fd, deadline, note) : fl_wait_refused_(deadline, note);
		if (error != 0)
			break;
	}
	fl_frames_unwatch_(watch_fd);
	return error;
}

/* Goes over to what was found; what was before lives on as long as frames of it are held. */
static void settle(struct fl_frames_reader *reader, struct fl_frames_link *link, const struct found *found)
{
	link->socket = found->socket;
	link->pidfd = found->pidfd;
	link->pins = found->pins;
	if (reader->link)
		fl_frames_link_unref_(reader->link);
	fl_frames_memory_unref_(reader->memory);
	reader->link = link;
	reader->memory = reader->newest = found->memory;
	reader->last = 0;
	reader->cut = false;
}

static const struct fl_frames_kind opened;

static int attach(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	struct fl_frames_link *link = fl_frames_link_make_(&opened);
	struct found found;
	int error;

	if (!link)
		return -ENOMEM;
	error = find(reader, &found, deadline, note);
	if (error == 0)
		settle(reader, link, &found);
	else
		free(link);
	return error;
}

/* The connection that has ended is given up first, since the channel may have no place for two. If its producer lives,
 * nobody looks at the page any more. If a frame is held by it, it stays for that alone. */
static int again(struct fl_frames_reader *reader, fl_time deadline, fl_note *note)
{
	struct fl_frames_link *link = reader->link;
	int error;

	if (link->refs == 1) {
		reader->cut = reader->cut || !fl_frames_ended_(link->pidfd);
		hang_up(link);
	} else {
		retire(link);
	}
	error = attach(reader, deadline, note);
	if (error == 0)
		reader->restarts++;
	return error;
}

static const struct fl_frames_kind opened = {
	.wait = wait,
	.hear = hear,
	.ended = ended,
	.again = again,
	.tell_room = tell_room,
	.fd = fd,
	.retire = retire,
	.leave = leave,
};

int fl_frames_open_until(fl_frames_reader **ret_reader, const char *name, const fl_frames_reader_options *options,
			 fl_time deadline, fl_note *note)
{
	fl_keep_errno();
	struct fl_frames_reader *reader;
	int error;

	if (!fl_frames_name_good_(name))
		return -EINVAL;
	error = fl_frames_reader_make_(&reader, options);
	if (error != 0)
		return error;
	memcpy(reader->channel, name, strlen(name) + 1); /* it fits: fl_frames_name_good_ */
	error = attach(reader, deadline, note);
	if (error != 0)
		free(reader);
	else
		*ret_reader = reader;
	return error;
}

int fl_frames_open(fl_frames_reader **ret_reader, const char *name, const fl_frames_reader_options *options)
{
	return fl_frames_open_until(ret_reader, name, options, FL_FOREVER, NULL);
}
