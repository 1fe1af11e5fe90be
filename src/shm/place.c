/*
 * shm/place.c - names of segments: files in a directory.
 *
 * /dev/shm/fairlead-UID, which is memory on every Linux, and the user's own: nobody else may write to it, or somebody
 * could put a file of his own there. Users that share segments name a directory that they share, one that not everybody
 * may write to.
 *
 * Rejected: $XDG_RUNTIME_DIR, where the frame channels' sockets are (it is a tenth of the memory, and is emptied when
 * the user logs out); shm_open, whose names are those of all users.
 */
#define _GNU_SOURCE
#include "shm/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool fl_segment_name_good_(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < FL_SEGMENT_NAME && name[0] != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

/* Opens it if it is one and nobody may write to it who must not: `others` are the rights in question. */
static int open_directory(const char *path, bool own)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat about;

	if (fd < 0)
		return fl_segment_fail_(fl_segment_errno(), "the directory %s cannot be opened", path);
	if (fstat(fd, &about) == 0 && (about.st_mode & (own ? 022 : 002)) == 0 && (!own || about.st_uid == geteuid()))
		return fd;
	close(fd);
	return fl_segment_fail_(-EPERM, "the directory %s is another user's, or others may write to it", path);
}

int fl_segment_directory_(const char *directory, bool make)
{
	char own[64];

	if (directory)
		return open_directory(directory, false);
	snprintf(own, sizeof(own), "/dev/shm/fairlead-%u", (unsigned)geteuid());
	if (make && mkdir(own, 0700) != 0 && errno != EEXIST)
		return fl_segment_fail_(fl_segment_errno(), "the directory %s cannot be made", own);
	return open_directory(own, true);
}

int fl_segment_file_(int directory, const char *name, int flags)
{
	int fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), error = 0;
	struct stat about;

	if (fd < 0 && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
		return fl_segment_fail_(-EPROTO, "'%s' is no file", name);
	if (fd < 0)
		return fl_segment_fail_(
			fl_segment_errno(),
			errno == ENOENT ? "there is no segment '%s'" : "the segment '%s' cannot be opened", name);
	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
		error = fl_segment_fail_(-EPROTO, "'%s' is no file", name);
	else if (about.st_mode & 002)
		error = fl_segment_fail_(-EPERM, "everybody may write to the segment '%s'", name);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

/* Listing and removing. */

static int is_name(const struct dirent *entry)
{
	return fl_segment_name_good_(entry->d_name);
}

static void describe(int directory, const char *name, fl_segment_info *ret_info)
{
	int fd = fl_segment_file_(directory, name, O_RDONLY), error;
	struct fl_segment segment;

	error = fd < 0 ? fd : fl_segment_look_(&segment, fd);
	*ret_info = (fl_segment_info){.error = error};
	memcpy(ret_info->name, name, strlen(name));
	if (error != 0)
		return;
	fl_member_count_(&segment, &ret_info->alive, &ret_info->dead);
	ret_info->stale = ret_info->alive == 0 && ret_info->dead > 0;
	ret_info->size = fl_segment_size(&segment);
	ret_info->max_size = fl_segment_memory_(segment.max_size, 0);
	ret_info->made = fl_load_relaxed(&segment.head->made);
	fl_segment_look_away_(&segment);
}

/* Opens a directory and reads the names in it. Returns how many; -ENOENT, or what the system said. */
static int read_names(const char *path, int *ret_directory, struct dirent ***ret_entries)
{
	int n, error;

	*ret_directory = fl_segment_directory_(path, false);
	if (*ret_directory < 0)
		return *ret_directory;
	n = scandirat(*ret_directory, ".", ret_entries, is_name, alphasort);
	if (n >= 0)
		return n;
	error = fl_segment_fail_(fl_segment_errno(), "the directory cannot be read");
	close(*ret_directory);
	return error;
}

static void forget_names(int directory, struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	close(directory);
}

int fl_segment_list(const char *path, int (*see)(const fl_segment_info *info, void *arg), void *arg)
{
	struct dirent **entries;
	int directory, answer = 0, n = read_names(path, &directory, &entries);

	if (n < 0)
		return n == -ENOENT ? 0 : n;
	for (int i = 0; i < n && answer == 0; i++) {
		fl_segment_info info;

		describe(directory, entries[i]->d_name, &info);
		if (info.error != -ENOENT) /* it has gone since its name was read */
			answer = see(&info, arg);
	}
	forget_names(directory, entries, n);
	return answer;
}

static bool remove_stale(int directory, const char *name)
{
	int fd = fl_segment_file_(directory, name, O_RDWR);

	return fd >= 0 && fl_segment_remove_stale_(fd, directory, name);
}

int fl_segment_clean(const char *path, int (*see)(const fl_segment_info *info, void *arg), void *arg)
{
	struct dirent **entries;
	int directory, removed = 0, n = read_names(path, &directory, &entries);

	if (n < 0)
		return n == -ENOENT ? 0 : n;
	for (int i = 0; i < n; i++) {
		fl_segment_info info;

		describe(directory, entries[i]->d_name, &info);
		if (info.error != 0 || !info.stale || !remove_stale(directory, info.name))
			continue;
		removed++;
		if (see && see(&info, arg) != 0)
			break;
	}
	forget_names(directory, entries, n);
	return removed;
}

bool fl_segment_unname_(int fd, int directory, const char *name)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 && fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == named.st_dev && mine.st_ino == named.st_ino && unlinkat(directory, name, 0) == 0;
}

int fl_segment_remove(const char *name, const char *path)
{
	int directory, error = 0;

	if (!fl_segment_name_good_(name))
		return fl_segment_fail_(-EINVAL, "'%.64s' is no name for a segment", name);
	directory = fl_segment_directory_(path, false);
	if (directory < 0)
		return directory;
	if (unlinkat(directory, name, 0) != 0)
		error = fl_segment_fail_(
			fl_segment_errno(),
			errno == ENOENT ? "there is no segment '%s'" : "the segment '%s' cannot be removed", name);
	close(directory);
	return error;
}
