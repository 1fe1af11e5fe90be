/*
 * frame/serve.c - letting readers of other processes in, and noticing when they are gone.
 *
 * There is one thread for it, which does nothing but wait for connections, for what guests say, and for their end, all
 * in one epoll. It is not on the way of a frame: publishing rings the bells itself.
 *
 * A guest is whoever has connected. It has no seat until it has said who it is; how long that takes harms nobody, since
 * nobody waits for it, but of more than KNOCKING who take their time the one who has had most is sent away. Its seat is
 * taken away as soon as its socket has an end, or its process has: the kernel says so at once, however that came.
 *
 * A hostile guest can connect, and say things that end its connection. This thread only ever receives and sends without
 * blocking. (What a guest can do is to send a descriptor whose closing takes its time: a socket that lingers. Then
 * others are let in that much later; the producer does not notice.)
 */
#define _GNU_SOURCE
#include "frame/channel.h"

#include "frame/message.h"
#include "frame/page.h"
#include "frame/place.h"
#include "sync/wait.h"
#include <errno.h>
#include <fairlead/thread.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define KNOCKING 64u

struct guest {
	struct guest *next;
	int socket, pidfd;
	pid_t process;
	struct fl_frames_seat *seat; /* NULL: it has not said who it is */
	struct fl_pins *pins;
};

struct fl_frames_server {
	struct fl_frames *frames;
	struct fl_frames_place place;
	int listener, epoll, stop;
	int spare; /* a descriptor that can be given up when there are no more */
	fl_thread *thread;
	struct guest *guests;
};

static int watch(const struct fl_frames_server *server, int fd, void *whose)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = whose};

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* Guests. */

/* Its socket is shut down first, since a forked child may have it, too; but not by that child. */
static void free_guest(struct fl_frames_server *server, struct guest *guest)
{
	if (!fl_frames_forked_(server->frames->epoch))
		shutdown(guest->socket, SHUT_RDWR);
	close(guest->socket);
	if (guest->pidfd >= 0)
		close(guest->pidfd);
	if (guest->pins)
		fl_frames_page_unmap_(guest->pins);
	free(guest);
}

/* What it held is free from now on. To close its descriptors is not enough for epoll to forget them: a forked child may
 * have them, too. */
static void see_off(struct fl_frames_server *server, struct guest *guest)
{
	struct guest **link = &server->guests;

	epoll_ctl(server->epoll, EPOLL_CTL_DEL, guest->socket, NULL);
	if (guest->pidfd >= 0)
		epoll_ctl(server->epoll, EPOLL_CTL_DEL, guest->pidfd, NULL);
	while (*link != guest)
		link = &(*link)->next;
	*link = guest->next;
	if (guest->seat)
		fl_frames_dismiss_(server->frames, guest->seat);
	free_guest(server, guest);
}

static void refuse(int socket, int error)
{
	const struct fl_frames_message message = {.word = FL_FRAMES_REFUSED, .error = error};

	fl_frames_send_(socket, &message, NULL, 0);
}

/* The same at the door, for who has no seat yet and cannot have been counted. */
static void turn_down(struct fl_frames_server *server, int socket, int error)
{
	fl_frames_refused_(server->frames);
	refuse(socket, error);
	close(socket);
}

/* The last thing before the producer sees the seat, under the channel's lock: from then on the memory's descriptor may
 * be followed by others. */
static int welcome(struct fl_frames *frames, struct fl_frames_seat *seat, void *pins_fd)
{
	const struct fl_frames_message message = {.word = FL_FRAMES_WELCOME};
	const int fds[] = {frames->memory->fd, *(const int *)pins_fd};

	return fl_frames_send_(seat->socket, &message, fds, 2);
}

static int give_seat(struct fl_frames_server *server, struct guest *guest, const struct fl_frames_message *hello,
		     int pins_fd)
{
	const fl_frames_reader_options options = {.name = hello->name, .every = hello->every, .held = hello->held};
	struct fl_frames_seat *seat = calloc(1, sizeof(*seat));
	int error;

	if (!seat)
		return -ENOMEM;
	seat->socket = guest->socket;
	seat->bell = -1;
	seat->process = guest->process;
	seat->pinned.pins = guest->pins;
	error = fl_frames_reader_wish_(&options, &seat->pinned, seat->name);
	if (error == 0)
		error = fl_frames_admit_(server->frames, seat, welcome, &pins_fd);
	if (error == 0)
		guest->seat = seat;
	else
		free(seat);
	return error;
}

static int let_in(struct fl_frames_server *server, struct guest *guest, const struct fl_frames_message *hello)
{
	int pins_fd, error;

	if (hello->word != FL_FRAMES_HELLO)
		return -EPROTO;
	pins_fd = fl_frames_page_make_(&guest->pins);
	if (pins_fd < 0)
		return pins_fd;
	error = give_seat(server, guest, hello, pins_fd);
	close(pins_fd);
	return error;
}

/* Returns false if that was the last thing it had to say. */
static bool answer(struct fl_frames_server *server, struct guest *guest, const struct fl_frames_message *message)
{
	int error;

	if (guest->seat) {
		if (message->word == FL_FRAMES_ROOM)
			fl_frames_tell_producer_(server->frames);
		else if (message->word == FL_FRAMES_LEAVING)
			fl_frames_retire_(server->frames, guest->seat);
		return message->word == FL_FRAMES_ROOM || message->word == FL_FRAMES_LEAVING;
	}
	error = let_in(server, guest, message);
	if (error != 0)
		refuse(guest->socket, error);
	return error == 0;
}

/* Something has happened to a guest: it has said something, or it is gone. */
static void attend(struct fl_frames_server *server, struct guest *guest)
{
	struct fl_frames_message message;
	int fds[FL_FRAMES_MAX_FDS], error = fl_frames_receive_(guest->socket, &message, fds);
	bool stays;

	if (error == 0) {
		fl_frames_close_fds_(fds); /* it has none to give */
		stays = answer(server, guest, &message);
	} else {
		stays = error == -EAGAIN && !fl_frames_ended_(guest->pidfd);
	}
	if (!stays)
		see_off(server, guest);
}

/* The door. */

/* Of those who have not said who they are the one who has had most time to, if there are too many. */
static void make_room(struct fl_frames_server *server)
{
	struct guest *guest, *oldest = NULL;
	uint32_t n = 0;

	for (guest = server->guests; guest; guest = guest->next)
		if (!guest->seat) {
			oldest = guest;
			n++;
		}
	if (n > KNOCKING) {
		refuse(oldest->socket, -EUSERS);
		see_off(server, oldest);
	}
}

static int add_guest(struct fl_frames_server *server, int socket, int pidfd, pid_t process)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return -ENOMEM;
	*guest = (struct guest){.next = server->guests, .socket = socket, .pidfd = pidfd, .process = process};
	server->guests = guest;
	if (watch(server, socket, guest) != 0 || (pidfd >= 0 && watch(server, pidfd, guest) != 0))
		see_off(server, guest);
	else
		make_room(server);
	return 0;
}

static int greet(struct fl_frames_server *server, int socket)
{
	uid_t user;
	pid_t process;
	int pidfd = fl_frames_peer_(socket, &process, &user), error;

	if (pidfd < -1)
		return pidfd;
	error = user == geteuid() ? add_guest(server, socket, pidfd, process) : -EACCES;
	if (error != 0 && pidfd >= 0)
		close(pidfd);
	return error;
}

/* There are no descriptors left: who knocks would knock for ever, so it is let in by the spare one and sent away. If
 * that one was lost, too, there is nothing to do but to wait a little. */
static void turn_away(struct fl_frames_server *server)
{
	struct pollfd stop[2] = {{.fd = server->stop, .events = POLLIN}};
	int socket;

	if (server->spare < 0)
		fl_wait_fds_(stop, 1, fl_after(FL_MS(100)), NULL);
	else
		close(server->spare);
	socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (socket >= 0)
		turn_down(server, socket, -EMFILE);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void open_door(struct fl_frames_server *server)
{
	int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), error;

	if (socket < 0) {
		if (errno == EMFILE || errno == ENFILE)
			turn_away(server);
		return;
	}
	error = greet(server, socket);
	if (error != 0)
		turn_down(server, socket, error);
}

static void *serve(void *server_)
{
	struct fl_frames_server *server = server_;
	struct epoll_event event;

	for (;;) {
		if (epoll_wait(server->epoll, &event, 1, -1) != 1)
			continue;
		if (event.data.ptr == &server->stop)
			return NULL;
		if (event.data.ptr == &server->listener)
			open_door(server);
		else
			attend(server, event.data.ptr);
	}
}

/* Beginning and ending. */

static void free_server(struct fl_frames_server *server)
{
	const int fds[] = {server->listener, server->epoll, server->stop, server->spare};
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(server);
}

static int make_descriptors(struct fl_frames_server *server)
{
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server->epoll < 0 || server->stop < 0 || server->spare < 0)
		return -errno;
	return watch(server, server->stop, &server->stop);
}

static int begin(struct fl_frames_server *server)
{
	static const fl_thread_options options = {.name = "frames", .daemon = true};
	int error = make_descriptors(server);

	if (error == 0)
		error = fl_frames_find_(&server->place, server->frames->name);
	if (error != 0)
		return error;
	server->listener = fl_frames_listen_(&server->place);
	if (server->listener < 0)
		return server->listener;
	error = watch(server, server->listener, &server->listener);
	if (error == 0)
		error = fl_thread_start(&server->thread, &options, serve, server);
	if (error != 0)
		fl_frames_withdraw_(&server->place);
	return error;
}

int fl_frames_begin_serving_(struct fl_frames_server **ret_server, struct fl_frames *frames)
{
	struct fl_frames_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return -ENOMEM;
	server->frames = frames;
	server->listener = server->epoll = server->stop = server->spare = -1;
	error = begin(server);
	if (error == 0)
		*ret_server = server;
	else
		free_server(server);
	return error;
}

void fl_frames_stop_serving_(struct fl_frames_server *server)
{
	int socket;

	if (!server)
		return;
	fl_frames_withdraw_(&server->place);
	eventfd_write(server->stop, 1);
	fl_thread_join(server->thread, NULL);
	/* Also if a forked child has them: nobody is to wait for an answer that will not come. */
	while ((socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		turn_down(server, socket, -EPIPE);
	shutdown(server->listener, SHUT_RDWR);
	while (server->guests)
		see_off(server, server->guests);
	free_server(server);
}

void fl_frames_abandon_server_(struct fl_frames_server *server)
{
	struct guest *guest;

	if (!server)
		return;
	while ((guest = server->guests)) {
		server->guests = guest->next;
		free(guest->seat);
		free_guest(server, guest);
	}
	fl_thread_unref(server->thread);
	free_server(server);
}
