/*
 * frame/place.c - names, the directory, and who listens in it.
 *
 * $XDG_RUNTIME_DIR/fairlead, or /tmp/fairlead-UID if there is no such variable. The directory is the user's own and
 * nobody else may write to it: else somebody could put a socket there and be taken for the camera.
 *
 * A killed producer leaves its socket behind. Who comes next finds that nobody answers there (or only a process that is
 * no more: a socket keeps the id of who began to listen) and removes it. The directory is locked meanwhile (flock), so
 * that two who come at once do not remove each other's. A socket appears under its name only when it listens: it is
 * bound under another one, and renamed. So who watches the directory and then connects finds it ready.
 *
 * Who has watched it has just found a producer, and there may be frames; but to close an inotify descriptor takes the
 * kernel 10 ms, and half a second where processors are busy: it waits for all that may be looking at it. So that is
 * done by a thread of its own.
 *
 * Rejected: abstract sockets, which vanish by themselves: nobody can wait for one to appear, and any user may take a
 * name first; to keep the descriptor: if its process is killed, others learn of that only when the kernel has closed
 * it.
 */
#define _GNU_SOURCE
#include "frame/place.h"

#include "frame/message.h"
#include <errno.h>
#include <fairlead/thread.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

bool fl_frames_name_good_(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < FL_FRAMES_NAME && name[0] != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

static int make_directory(const char *path)
{
	struct stat about;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &about) != 0)
		return -errno;
	if (!S_ISDIR(about.st_mode))
		return -ENOTDIR;
	return about.st_uid == geteuid() && (about.st_mode & 022) == 0 ? 0 : -EPERM;
}

static bool join(char *ret_path, size_t size, const char *directory, const char *name)
{
	int n = snprintf(ret_path, size, "%s/%s", directory, name);

	return n > 0 && (size_t)n < size;
}

int fl_frames_find_(struct fl_frames_place *ret_place, const char *name)
{
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
	struct fl_frames_place place = {.address.sun_family = AF_UNIX};
	char own[32];
	bool fits;
	int error;

	if (!fl_frames_name_good_(name))
		return -EINVAL;
	snprintf(own, sizeof(own), "fairlead-%u", (unsigned)geteuid());
	if (runtime && runtime[0] == '/')
		fits = join(place.directory, sizeof(place.directory), runtime, "fairlead");
	else
		fits = join(place.directory, sizeof(place.directory), "/tmp", own);
	if (!fits || !join(place.address.sun_path, sizeof(place.address.sun_path), place.directory, name))
		return -ENAMETOOLONG;
	error = make_directory(place.directory);
	if (error == 0)
		*ret_place = place;
	return error;
}

static int make_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether who listens at the other end lives. */
static int check_peer(int fd)
{
	pid_t process;
	uid_t user;
	int pidfd = fl_frames_peer_(fd, &process, &user);

	if (pidfd >= 0)
		close(pidfd);
	return pidfd == -ESRCH ? -ENOENT : 0;
}

int fl_frames_connect_(const struct fl_frames_place *place)
{
	int fd = make_socket(), error = 0;

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)&place->address, sizeof(place->address)) != 0)
		error = errno == ECONNREFUSED ? -ENOENT : -errno;
	else
		error = check_peer(fd);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* Whether the place is free: 0, -EADDRINUSE, or why that is not known. One whose queue is full lives. */
static int check_free(const struct fl_frames_place *place)
{
	int fd = fl_frames_connect_(place);

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EAGAIN ? -EADDRINUSE : fd;
}

/* Binds under another name, listens, and takes the place. */
static int take_place(int fd, struct fl_frames_place *place)
{
	struct sockaddr_un mine = {.sun_family = AF_UNIX};
	struct stat about;
	char name[32];
	int error;

	snprintf(name, sizeof(name), ".%ld", (long)getpid());
	if (!join(mine.sun_path, sizeof(mine.sun_path), place->directory, name))
		return -ENAMETOOLONG;
	unlink(mine.sun_path);
	if (bind(fd, (const struct sockaddr *)&mine, sizeof(mine)) != 0)
		return -errno;
	if (listen(fd, SOMAXCONN) == 0 && lstat(mine.sun_path, &about) == 0 &&
	    rename(mine.sun_path, place->address.sun_path) == 0) {
		place->device = about.st_dev;
		place->inode = about.st_ino;
		return 0;
	}
	error = -errno;
	unlink(mine.sun_path);
	return error;
}

/* Locks the directory. A forked child may get the lock's descriptor; so it is let go by name, not by closing. */
static int lock_directory(const struct fl_frames_place *place)
{
	int lock = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return -errno;
	while (flock(lock, LOCK_EX) != 0 && errno == EINTR)
		;
	return lock;
}

static void unlock_directory(int lock)
{
	flock(lock, LOCK_UN);
	close(lock);
}

int fl_frames_listen_(struct fl_frames_place *place)
{
	int lock = lock_directory(place), fd, error;

	if (lock < 0)
		return lock;
	error = check_free(place);
	fd = error == 0 ? make_socket() : error;
	if (fd >= 0)
		error = take_place(fd, place);
	unlock_directory(lock);
	if (fd >= 0 && error != 0) {
		close(fd);
		return error;
	}
	return fd;
}

void fl_frames_withdraw_(const struct fl_frames_place *place)
{
	int lock = lock_directory(place);
	struct stat about;

	if (lock < 0)
		return;
	if (lstat(place->address.sun_path, &about) == 0 && about.st_dev == place->device &&
	    about.st_ino == place->inode)
		unlink(place->address.sun_path);
	unlock_directory(lock);
}

/* Reads away what was said before. */
static void drain(int fd)
{
	char events[1024];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

int fl_frames_watch_(int *watch_fd, const struct fl_frames_place *place)
{
	if (*watch_fd < 0)
		*watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (*watch_fd < 0)
		return -errno;
	drain(*watch_fd);
	if (inotify_add_watch(*watch_fd, place->directory, IN_MOVED_TO | IN_DELETE_SELF | IN_ONLYDIR) < 0)
		return -errno;
	return 0;
}

static void *close_it(void *fd)
{
	close((int)(intptr_t)fd);
	return NULL;
}

void fl_frames_unwatch_(int watch_fd)
{
	static const fl_thread_options options = {.name = "frames", .daemon = true};
	void *fd = (void *)(intptr_t)watch_fd; /* NOLINT(performance-no-int-to-ptr): a thread takes nothing else */

	if (watch_fd >= 0 && fl_thread_start(NULL, &options, close_it, fd) != 0)
		close_it(fd);
}
