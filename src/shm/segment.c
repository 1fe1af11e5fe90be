/*
 * shm/segment.c - a segment: making it, attaching to it, leaving it, and its lock. What is in it is told in
 * shm/layout.h.
 *
 * A named one is made without a name (O_TMPFILE), laid out, its maker attached, and then gets its name: by a link,
 * which fails if there is one of that name by now. So nobody finds half a segment, and of two who make it at once one
 * attaches to the other's.
 *
 * A name is removed under the segment's lock, and who attaches looks, under the lock, whether there still is a name. So
 * nobody attaches to what nobody else will find, and the last one to leave knows that he is.
 *
 * The lock is two: one for the threads of a process, which share an open file, and the kernel's for processes, which
 * belongs to the open file and ends with it. Both are held for the moment of a change. Costs two system calls, about a
 * microsecond: what is in a segment is made rarely and used often. A process that is stopped in there keeps others
 * waiting until it goes on or is killed.
 */
#define _GNU_SOURCE
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_DEFAULT ((size_t)1 << 20)
#define MAX_SIZE_DEFAULT ((size_t)1 << 34)
#define MODE_DEFAULT 0600u
#define FLAGS (FL_SEGMENT_CREATE | FL_SEGMENT_ATTACH | FL_SEGMENT_REMOVE | FL_SEGMENT_STALE | FL_SEGMENT_LOOK)

/* A file that went away between being found and being attached to: look again. */
#define GONE 1

/* The lock. */

static int lock_it(fl_segment *segment, bool to_read)
{
	int error;

	fl_lock_acquire(&segment->lock);
	error = fl_member_lock_(segment->locks, to_read);
	if (error == 0)
		return 0;
	fl_lock_release(&segment->lock);
	return fl_segment_fail_(error, "the segment's file cannot be locked");
}

int fl_segment_enter_(fl_segment *segment)
{
	int error;

	if (fl_unlikely(segment->looking))
		return fl_segment_fail_(-EACCES, "the segment is only looked at");
	error = lock_it(segment, false);
	if (error != 0)
		return error;
	if (fl_unlikely(segment->slot == FL_NO_SLOT))
		error = fl_member_join_(segment);
	if (error == 0 && fl_unlikely(fl_load_relaxed(&segment->head->changing) != 0))
		error = fl_heap_mend_(segment);
	if (error != 0)
		fl_segment_leave_(segment);
	return error;
}

int fl_segment_enter_to_read_(fl_segment *segment)
{
	return segment->looking ? lock_it(segment, true) : fl_segment_enter_(segment);
}

void fl_segment_leave_(fl_segment *segment)
{
	fl_member_unlock_(segment->locks);
	fl_lock_release(&segment->lock);
}

static fl_segment *segment_of(struct fl_lot_view *view)
{
	return (fl_segment *)((char *)view - offsetof(fl_segment, view));
}

static int enter_view(struct fl_lot_view *view)
{
	return fl_segment_enter_(segment_of(view));
}

static void leave_view(struct fl_lot_view *view)
{
	fl_segment_leave_(segment_of(view));
}

/* Looking without being attached. */

int fl_segment_look_(fl_segment *segment, int fd)
{
	int error;

	*segment = (struct fl_segment){.fd = fd, .locks = fd, .slot = FL_NO_SLOT, .looking = true, .directory = -1};
	error = fl_segment_map_(segment);
	if (error != 0)
		close(fd);
	return error;
}

void fl_segment_look_away_(fl_segment *segment)
{
	fl_segment_unmap_(segment);
	close(segment->fd);
}

bool fl_segment_stale_(const fl_segment *segment)
{
	uint32_t alive, dead;

	fl_member_count_(segment, &alive, &dead);
	return alive == 0 && dead > 0;
}

/* Attaching. */

static fl_segment *discard(fl_segment *segment)
{
	fl_segment_delist_(segment);
	if (segment->head)
		fl_segment_unmap_(segment);
	close(segment->fd);
	if (segment->directory >= 0)
		close(segment->directory);
	free(segment);
	return NULL;
}

/* One that has the descriptor, which it takes over also if it fails, and is mapped. */
static int begin(fl_segment **ret_segment, int fd, const fl_segment_options *options)
{
	const char *process = options->process ? options->process : program_invocation_short_name;
	fl_segment *segment = calloc(1, sizeof(*segment));
	int error;

	if (!segment) {
		close(fd);
		return fl_segment_fail_(-ENOMEM, "no memory");
	}
	segment->fd = fd;
	segment->locks = segment->directory = -1;
	segment->slot = segment->view.process = FL_NO_SLOT;
	segment->view.enter = enter_view;
	segment->view.leave = leave_view;
	segment->looking = (options->flags & FL_SEGMENT_LOOK) != 0;
	fl_lock_init(&segment->lock, NULL);
	snprintf(segment->process, sizeof(segment->process), "%s", process);
	error = fl_segment_map_(segment);
	if (error == 0)
		error = fl_segment_enlist_(segment);
	if (error == 0)
		*ret_segment = segment;
	else
		discard(segment);
	return error;
}

static int name_it(fl_segment *segment, int directory, const char *name)
{
	segment->directory = fcntl(directory, F_DUPFD_CLOEXEC, 3);
	if (segment->directory < 0)
		return fl_segment_fail_(fl_segment_errno(), "no descriptor for the directory");
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	return 0;
}

/* Attaches to what is mapped, under its lock. */
static int join(fl_segment *segment, const fl_segment_options *options)
{
	int error = fl_member_join_(segment);

	if (error == 0 && (options->flags & FL_SEGMENT_REMOVE))
		fl_store_relaxed(&segment->head->flags, FL_SEGMENT_REMOVE);
	return error;
}

/* What is attached is ready for locks and the like. */
static void open_lot(fl_segment *segment)
{
	if (!segment->looking)
		fl_lot_open_(&segment->view);
}

/* Making. */

static int check_options(const fl_segment_options *options)
{
	for (size_t i = 0; i < sizeof(options->fl_spare) / sizeof(options->fl_spare[0]); i++)
		if (options->fl_spare[i] != 0)
			return fl_segment_fail_(-EINVAL, "a spare field of the options is not 0");
	if ((options->flags & ~(uint32_t)FLAGS) != 0)
		return fl_segment_fail_(-EINVAL, "there is no flag %#x", options->flags & ~(uint32_t)FLAGS);
	if ((options->flags & (FL_SEGMENT_CREATE | FL_SEGMENT_ATTACH)) == (FL_SEGMENT_CREATE | FL_SEGMENT_ATTACH))
		return fl_segment_fail_(-EINVAL, "FL_SEGMENT_CREATE and FL_SEGMENT_ATTACH exclude each other");
	if ((options->flags & FL_SEGMENT_LOOK) && (options->flags & (FL_SEGMENT_CREATE | FL_SEGMENT_REMOVE)))
		return fl_segment_fail_(-EINVAL, "FL_SEGMENT_LOOK neither makes nor removes");
	if (options->mode != 0 && ((options->mode & ~0660u) != 0 || (options->mode & 0600u) != 0600u))
		return fl_segment_fail_(-EINVAL, "the mode %#o is not between 0600 and 0660", options->mode);
	return 0;
}

static int lay_out(int fd, const fl_segment_options *options)
{
	return fl_segment_make_(fd, options->size ? options->size : SIZE_DEFAULT,
				options->max_size ? options->max_size : MAX_SIZE_DEFAULT);
}

static int make_anonymous(fl_segment **ret_segment, const fl_segment_options *options)
{
	int fd = memfd_create("fairlead-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;
	fl_segment *segment;

	if (fd < 0)
		return fl_segment_fail_(fl_segment_errno(), "no memory without a name is to be had");
	error = lay_out(fd, options);
	if (error == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		error = fl_segment_fail_(fl_segment_errno(), "the memory cannot be sealed");
	if (error != 0) {
		close(fd);
		return error;
	}
	error = begin(&segment, fd, options);
	if (error != 0)
		return error;
	error = join(segment, options);
	if (error == 0)
		*ret_segment = segment;
	else
		discard(segment);
	return error;
}

/* Writes the name down for those who will adopt the segment without it; not if it is too long. */
static void tell_name(fl_segment *segment)
{
	char link[40], path[sizeof(segment->head->path)];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", segment->directory);
	n = readlink(link, path, sizeof(path));
	if (n > 0 && (size_t)n + 1 + strlen(segment->name) < sizeof(path))
		snprintf(segment->head->path, sizeof(path), "%.*s/%s", (int)n, path, segment->name);
}

/* Gives what was made its name. Returns 0, GONE: there is one of that name by now; or what the system said. */
static int link_it(const fl_segment *segment, int directory, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", segment->fd);
	if (linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	return errno == EEXIST ? GONE
			       : fl_segment_fail_(fl_segment_errno(), "the segment '%s' cannot get its name", name);
}

static int make_named(fl_segment **ret_segment, int directory, const char *name, const fl_segment_options *options)
{
	int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), error;
	fl_segment *segment;

	if (fd < 0)
		return fl_segment_fail_(fl_segment_errno(), "no file for the segment '%s'", name);
	error = fchmod(fd, options->mode ? options->mode : MODE_DEFAULT) != 0
			? fl_segment_fail_(fl_segment_errno(), "the rights of the segment '%s' cannot be set", name)
			: lay_out(fd, options);
	if (error != 0) {
		close(fd);
		return error;
	}
	error = begin(&segment, fd, options);
	if (error != 0)
		return error;
	error = name_it(segment, directory, name);
	if (error == 0)
		error = join(segment, options);
	if (error == 0) {
		tell_name(segment);
		error = link_it(segment, directory, name);
	}
	if (error == 0)
		*ret_segment = segment;
	else
		discard(segment);
	return error;
}

/* Attaching to one with a name. */

/* Under its lock: whether it may be attached to. Removes a stale one. Returns 0, GONE, -ESTALE, -EEXIST. */
static int admit(const fl_segment *segment, const fl_segment_options *options)
{
	struct stat about;

	if (fstat(segment->fd, &about) != 0 || about.st_nlink == 0)
		return GONE;
	if (fl_segment_stale_(segment) && !(options->flags & FL_SEGMENT_STALE)) {
		if (options->flags & FL_SEGMENT_ATTACH)
			return fl_segment_fail_(-ESTALE, "the processes of the segment '%s' all died", segment->name);
		fl_segment_unname_(segment->fd, segment->directory, segment->name);
		return GONE;
	}
	if (options->flags & FL_SEGMENT_CREATE)
		return fl_segment_fail_(-EEXIST, "there is a segment '%s' already", segment->name);
	return 0;
}

/* With the segment mapped. */
static int take_part(fl_segment *segment, int directory, const char *name, const fl_segment_options *options)
{
	int error = name_it(segment, directory, name);

	if (error == 0)
		error = fl_member_lock_(segment->locks, false);
	if (error != 0)
		return error;
	error = admit(segment, options);
	if (error == 0)
		error = join(segment, options);
	fl_member_unlock_(segment->locks);
	return error;
}

static int attach(fl_segment **ret_segment, int directory, const char *name, const fl_segment_options *options)
{
	bool looking = (options->flags & FL_SEGMENT_LOOK) != 0;
	int fd = fl_segment_file_(directory, name, looking ? O_RDONLY : O_RDWR), error;
	fl_segment *segment;

	if (fd < 0)
		return fd;
	error = begin(&segment, fd, options);
	if (error != 0)
		return error;
	error = looking ? 0 : take_part(segment, directory, name, options);
	if (error == 0)
		*ret_segment = segment;
	else
		discard(segment);
	return error;
}

/* Attaches to what is there, or makes it. When somebody else was quicker, in making it or in removing it, it is looked
 * for again: each time around, another process has got on. */
static int open_named(fl_segment **ret_segment, const char *name, const fl_segment_options *options)
{
	bool make = (options->flags & (FL_SEGMENT_ATTACH | FL_SEGMENT_LOOK)) == 0;
	int directory = fl_segment_directory_(options->directory, make), error;

	if (directory < 0)
		return directory;
	do {
		error = attach(ret_segment, directory, name, options);
		if (error == -ENOENT && make)
			error = make_named(ret_segment, directory, name, options);
	} while (error == GONE);
	close(directory);
	return error;
}

int fl_segment_open(fl_segment **ret_segment, const char *name, const fl_segment_options *options)
{
	static const fl_segment_options defaults;
	int error;

	options = options ? options : &defaults;
	error = check_options(options);
	if (error == 0 && name && !fl_segment_name_good_(name))
		error = fl_segment_fail_(
			-EINVAL, "'%.64s' is no name for a segment: 1 to %u of A-Z a-z 0-9 . _ -, the first no dot",
			name, FL_SEGMENT_NAME - 1);
	if (error == 0 && !name && (options->flags & FL_SEGMENT_LOOK))
		error = fl_segment_fail_(-EINVAL, "FL_SEGMENT_LOOK needs a name");
	if (error == 0)
		error = name ? open_named(ret_segment, name, options) : make_anonymous(ret_segment, options);
	if (error == 0)
		open_lot(*ret_segment);
	return error;
}

/* A segment that has a name, or had one, knows where. It may have been told anything: what is removed by that name is
 * this file or nothing (fl_segment_unname_). */
static void find_name(fl_segment *segment)
{
	char path[sizeof(segment->head->path)], *slash;

	memcpy(path, segment->head->path, sizeof(path));
	path[sizeof(path) - 1] = 0;
	slash = strrchr(path, '/');
	if (!slash || !fl_segment_name_good_(slash + 1))
		return;
	*slash = 0;
	snprintf(segment->name, sizeof(segment->name), "%s", slash + 1);
	segment->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A descriptor that can only be read is found out here: the file is opened again for writing. */
static int adopt(fl_segment *segment)
{
	int error;

	if (segment->looking)
		return 0;
	error = fl_member_lock_(segment->locks, false);
	if (error != 0)
		return error;
	find_name(segment);
	error = fl_member_join_(segment);
	fl_member_unlock_(segment->locks);
	return error;
}

int fl_segment_adopt(fl_segment **ret_segment, int fd, const fl_segment_options *options)
{
	static const fl_segment_options defaults;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3), error;
	fl_segment *segment;

	if (own < 0)
		return fl_segment_fail_(fl_segment_errno(), "descriptor %d cannot be duplicated", fd);
	error = begin(&segment, own, options ? options : &defaults);
	if (error != 0)
		return error;
	error = adopt(segment);
	if (error != 0) {
		discard(segment);
		return error;
	}
	open_lot(segment);
	*ret_segment = segment;
	return 0;
}

/* Leaving. */

/* Under the lock. Who has outlived others and leaves as one should leaves no stale segment. */
static void leave(fl_segment *segment)
{
	uint32_t alive, dead;

	fl_member_forget_dead_(segment);
	fl_member_leave_(segment);
	fl_member_count_(segment, &alive, &dead);
	if (alive == 0 && segment->directory >= 0 && (fl_load_relaxed(&segment->head->flags) & FL_SEGMENT_REMOVE))
		fl_segment_unname_(segment->fd, segment->directory, segment->name);
}

fl_segment *fl_segment_close(fl_segment *segment)
{
	if (!segment)
		return NULL;
	if (!segment->looking)
		fl_lot_close_(&segment->view);
	if (segment->slot != FL_NO_SLOT && fl_member_lock_(segment->locks, false) == 0) {
		leave(segment);
		fl_member_unlock_(segment->locks);
	}
	return discard(segment);
}

/* Under its lock, so that nobody attaches meanwhile: whoever comes then finds that it has no name any more. The lock is
 * that of an open file of this process alone, as for who attaches. */
bool fl_segment_remove_stale_(int fd, int directory, const char *name)
{
	static const fl_segment_options none;
	fl_segment *segment;
	bool removed = false;

	if (begin(&segment, fd, &none) != 0)
		return false;
	if (fl_member_lock_(segment->locks, false) == 0) {
		if (fl_segment_stale_(segment))
			removed = fl_segment_unname_(fd, directory, name);
		fl_member_unlock_(segment->locks);
	}
	discard(segment);
	return removed;
}

int fl_segment_fd(const fl_segment *segment)
{
	return segment->fd;
}
