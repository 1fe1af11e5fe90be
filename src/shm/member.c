/*
 * shm/member.c - who is attached to a segment, and who of them lives.
 *
 * The kernel knows it, by locks on bytes of the segment's file that belong to an open file (F_OFD_SETLK): a process
 * holds the one of its slot for as long as it is attached, and when the process ends, however it ends, the kernel
 * closes its files and the lock is gone. So nothing has to be signed off, no number of a process is looked up, which
 * may be another process's by now or mean nothing in this PID namespace, and a process that is stopped lives. What the
 * table in the segment's head says besides is for people to read.
 *
 * A byte in front of the slots' is the lock that changes to the segment are made under. It too ends with its process.
 *
 * The bytes lie far beyond the end of the file, where they mean nothing else.
 *
 * So that open file must be this process's alone. It is another one than what is mapped, since a mapping keeps it open,
 * too, and than the descriptor that is passed on. A forked child inherits it all the same: shm/child.c opens it anew
 * there. A child that is made by a bare system call, and neither execs nor calls fl_after_fork_child, keeps its
 * parent's place; and so may one that is made while another thread opens or closes the segment.
 *
 * Invariants:
 *   [B1] A member whose `used` is set and whose lock nobody holds has died, and its slot may be used again.
 *   [B2] A process takes the lock of its slot before it sets `used`, and clears `used` before it lets the lock go.
 *
 * Rejected: process ids with the time of their start (nothing says when one ends, and they differ between namespaces);
 * POSIX record locks, which end when any descriptor of the file is closed; flock, of which a file has one only; pidfds,
 * which a process has to be sent by each other one.
 */
#define _GNU_SOURCE
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOCK_AT ((off_t)1 << 60)
#define SLOTS_AT (LOCK_AT + 1)

static struct flock byte_of(short type, off_t at)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

int fl_member_lock_(int fd, bool to_read)
{
	struct flock lock = byte_of(to_read ? F_RDLCK : F_WRLCK, LOCK_AT);

	while (fcntl(fd, F_OFD_SETLKW, &lock) != 0)
		if (errno != EINTR)
			return fl_segment_errno();
	return 0;
}

void fl_member_unlock_(int fd)
{
	struct flock lock = byte_of(F_UNLCK, LOCK_AT);

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

bool fl_member_alive_(int fd, uint32_t slot)
{
	struct flock lock = byte_of(F_WRLCK, SLOTS_AT + slot);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool hold_slot(int fd, uint32_t slot)
{
	struct flock lock = byte_of(F_WRLCK, SLOTS_AT + slot);

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void let_slot_go(int fd, uint32_t slot)
{
	struct flock lock = byte_of(F_UNLCK, SLOTS_AT + slot);

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Field 22 of /proc/self/stat, in ticks; behind the name, which may have anything in it. 0 if there is no /proc. */
static uint64_t start_of_self(void)
{
	char text[1024];
	const char *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

int64_t fl_member_now_(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int fl_member_join_(fl_segment *segment)
{
	for (uint32_t slot = 0; slot < FL_SEGMENT_PROCESSES; slot++) {
		struct fl_member *member = &segment->head->members[slot];

		if (!hold_slot(segment->locks, slot))
			continue;
		fl_store_relaxed(&member->used, 0);
		fl_then();
		member->pid = getpid();
		member->start = start_of_self();
		member->since = fl_member_now_();
		memcpy(member->name, segment->process, sizeof(member->name));
		fl_then();
		fl_store_relaxed(&member->used, 1);
		segment->slot = segment->view.process = slot;
		segment->view.process_id = ++segment->head->lot.process_ids;
		return 0;
	}
	return fl_segment_fail_(-EUSERS, "%u processes are attached to the segment, as many as there may be",
				FL_SEGMENT_PROCESSES);
}

void fl_member_leave_(fl_segment *segment)
{
	fl_store_relaxed(&segment->head->members[segment->slot].used, 0);
	fl_then();
	let_slot_go(segment->locks, segment->slot);
	segment->slot = segment->view.process = FL_NO_SLOT;
}

void fl_member_forget_dead_(fl_segment *segment)
{
	for (uint32_t slot = 0; slot < FL_SEGMENT_PROCESSES; slot++)
		if (slot != segment->slot && !fl_member_alive_(segment->locks, slot))
			fl_store_relaxed(&segment->head->members[slot].used, 0);
}

void fl_member_count_(const fl_segment *segment, uint32_t *ret_alive, uint32_t *ret_dead)
{
	*ret_alive = *ret_dead = 0;
	for (uint32_t slot = 0; slot < FL_SEGMENT_PROCESSES; slot++) {
		if (fl_load_relaxed(&segment->head->members[slot].used) == 0)
			continue;
		if (slot == segment->slot || fl_member_alive_(segment->locks, slot))
			++*ret_alive;
		else
			++*ret_dead;
	}
}

static void describe(const fl_segment *segment, uint32_t slot, fl_segment_process_info *ret_info)
{
	const struct fl_member *member = &segment->head->members[slot];

	*ret_info = (fl_segment_process_info){
		.pid = fl_load_relaxed(&member->pid),
		.self = slot == segment->slot,
		.since = fl_load_relaxed(&member->since),
		.start = fl_load_relaxed(&member->start),
	};
	ret_info->alive = ret_info->self || fl_member_alive_(segment->locks, slot);
	memcpy(ret_info->name, member->name, sizeof(ret_info->name) - 1);
}

int fl_segment_processes(fl_segment *segment, int (*see)(const fl_segment_process_info *info, void *arg), void *arg)
{
	fl_segment_process_info info;
	int answer = 0;

	for (uint32_t slot = 0; slot < FL_SEGMENT_PROCESSES && answer == 0; slot++) {
		if (fl_load_relaxed(&segment->head->members[slot].used) == 0)
			continue;
		describe(segment, slot, &info);
		answer = see(&info, arg);
	}
	return answer;
}
