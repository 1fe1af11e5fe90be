/*
 * watch/memory.c - makes the notes, sends them to the command, and gives out room in them.
 *
 * The notes are made when the first lock is used, not when the program begins: what never uses one costs nothing, and
 * a forked child that only becomes another program is not disturbed. A child maps its own notes over its parent's, at
 * the same address, so that nothing else has to know.
 *
 * They go to the command as a descriptor over a datagram socket that has its name in the environment, so that the
 * other programs which a watched one runs are found by that too. Nobody answers: if the command is gone, or refuses,
 * the notes are made nevertheless, and nobody reads them. A process that cannot make them says so in its message.
 *
 * Tables give out their places one after the other and take none back. The log has many writers and one reader: a
 * writer takes a place while there is room, and fills it afterwards, so the reader waits for a place that is empty.
 */
#define _GNU_SOURCE
#include "memory.h"

#include "atomic.h"
#include "real.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOT_TRIED, OPEN, CLOSED };

struct watch_notes *watch_notes_;
static uint32_t state;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* Makes the file, and maps it where the notes of the parent are, if there are any. Returns its descriptor, or a
 * negative errno. */
static int make_notes(void)
{
	int fd = memfd_create("fairlead-watch", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	void *place;

	if (fd < 0)
		return -errno;
	/* It keeps its size: who reads it would otherwise be ended by whoever makes it shorter. */
	if (ftruncate(fd, sizeof(struct watch_notes)) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		error = -errno;
		close(fd);
		return error;
	}
	place = mmap(watch_notes_, sizeof(struct watch_notes), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_NORESERVE | (watch_notes_ ? MAP_FIXED : 0), fd, 0);
	if (place == MAP_FAILED) {
		error = -errno;
		close(fd);
		return error;
	}
	watch_notes_ = place;
	return fd;
}

static void fill_in(struct watch_notes *notes)
{
	ssize_t length = readlink("/proc/self/exe", notes->program, sizeof(notes->program) - 1);

	notes->program[length > 0 ? length : 0] = 0;
	notes->version = WATCH_VERSION;
	notes->size = sizeof(*notes);
	notes->base = notes;
	notes->n_lives = notes->n_segments = 1; /* 0 stands for none */
}

static void send_to_command(const char *name, int fd, int error)
{
	struct watch_message message = {.version = WATCH_VERSION, .error = error};
	struct iovec part = {&message, sizeof(message)};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct msghdr head = {.msg_name = &address, .msg_iov = &part, .msg_iovlen = 1};
	int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (socket_fd < 0)
		return;
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", name);
	head.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1));
	if (error == 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		head.msg_control = &control;
		head.msg_controllen = sizeof(control);
	}
	while (sendmsg(socket_fd, &head, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
	close(socket_fd);
}

static uint32_t open_notes(void)
{
	const char *name = secure_getenv(WATCH_VARIABLE);
	int fd;

	if (!name)
		return CLOSED;
	fd = make_notes();
	if (fd < 0 || watch_notes_ == NULL) {
		send_to_command(name, -1, -fd);
		return CLOSED;
	}
	fill_in(watch_notes_);
	send_to_command(name, fd, 0);
	close(fd);
	return OPEN;
}

bool watch_open_(void)
{
	int before = errno;

	/* [notes.1] acquire; pairs with [notes.2] */
	if (fl_likely(fl_load_acquire(&state) != NOT_TRIED))
		return fl_load_relaxed(&state) == OPEN;
	watch_real_find_();
	watch_real_.mutex_lock(&opening);
	if (state == NOT_TRIED) {
		uint32_t now = open_notes();

		/* [notes.2] release; pairs with [notes.1] */
		fl_store_release(&state, now);
	}
	watch_real_.mutex_unlock(&opening);
	errno = before;
	return fl_load_relaxed(&state) == OPEN;
}

void watch_memory_after_fork_(void)
{
	opening = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	if (state == OPEN)
		state = NOT_TRIED;
}

uint32_t watch_take_(uint32_t *count, uint32_t most)
{
	uint32_t place = fl_load_relaxed(count) < most ? fl_add_relaxed(count, 1) : most;

	if (place < most)
		return place;
	fl_add_relaxed(&watch_notes_->n_missed, 1);
	return UINT32_MAX;
}

void *watch_private_(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void watch_log_(struct watch_chain *chain, uint32_t segment)
{
	struct watch_notes *notes = watch_notes_;
	uint64_t place = fl_load_relaxed(&notes->n_logged);

	do {
		/* [log.1] acquire; pairs with [log.2] */
		if (place - fl_load_acquire(&notes->n_read) >= WATCH_LOG) {
			fl_add_relaxed(&notes->n_missed, 1);
			return;
		}
	} while (!fl_cas_relaxed(&notes->n_logged, &place, place + 1));
	chain->logged = place + 1;
	/* [log.3] release; pairs with [log.4] */
	fl_store_release(&notes->log[place % WATCH_LOG], WATCH_ENTRY((uint32_t)(chain - notes->chains), segment));
}
