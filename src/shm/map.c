/*
 * shm/map.c - a segment's file: its first memory, how it gets more, and how it is mapped.
 *
 * All of max_size is mapped at once, and the file is shorter: so it can grow, and nothing moves or has to be mapped
 * anew, by nobody. Addresses cost nothing. To touch what is behind the end of the file would be SIGBUS; so no offset is
 * believed that is not within the length that the kernel has told (fl_segment_has_). That length cannot become less for
 * a segment without a name, which is sealed.
 *
 * Memory is allocated when the file grows, not when it is touched: a full /dev/shm is -ENOSPC here, and not SIGBUS
 * somewhere else. But for the pages of peers: that part of the file is a hole, and each page of it gets its memory when
 * a thread takes it (base/peer.c). Users are not told of the hole: what they hear of sizes is without it.
 */
#define _GNU_SOURCE
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define MAX_SIZE_MOST (UINT64_C(1) << 46)

static uint64_t whole_pages(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static int64_t length_of(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISREG(about.st_mode) ? about.st_size : -1;
}

/* Gives the file memory up to `to`. */
static int extend(int fd, uint64_t from, uint64_t to)
{
	int error;

	do
		error = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
	while (error == EINTR);
	return error == EFBIG ? -ENOSPC : -error;
}

static int write_all(int fd, const void *data, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pwrite(fd, data, size, at);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)size ? 0 : n < 0 ? fl_segment_errno() : -ENOSPC;
}

/* All of the heap is one free block. That it is in no chain yet is mended by whoever comes first. */
int fl_segment_make_(int fd, uint64_t size, uint64_t max_size)
{
	uint64_t all = whole_pages(FL_HEAP_AT + size);
	struct fl_block block = {.size_state = (all - FL_HEAP_AT) | FL_BLOCK_FREE};
	struct fl_segment_head *head;
	int error;

	if (size > MAX_SIZE_MOST || max_size > MAX_SIZE_MOST - FL_PEERS_SIZE || all > max_size + FL_PEERS_SIZE)
		return fl_segment_fail_(-EINVAL, "a size of %llu bytes is more than the most, %llu, has room for",
					(unsigned long long)size, (unsigned long long)max_size);
	head = calloc(1, sizeof(*head));
	if (!head)
		return fl_segment_fail_(-ENOMEM, "no memory");
	head->magic = FL_SEGMENT_MAGIC;
	head->version = FL_SEGMENT_VERSION;
	head->max_size = max_size + FL_PEERS_SIZE;
	head->size = all;
	head->made = fl_member_now_();
	head->changing = 1;
	error = extend(fd, 0, FL_PEERS_AT);
	if (error == 0)
		error = extend(fd, FL_HEAP_AT, all);
	if (error == 0)
		error = write_all(fd, head, sizeof(*head), 0);
	if (error == 0)
		error = write_all(fd, &block, sizeof(block), (off_t)FL_HEAP_AT);
	free(head);
	return error == 0 ? 0
			  : fl_segment_fail_(error, "no room for a segment of %llu bytes", (unsigned long long)size);
}

bool fl_segment_has_(fl_segment *segment, uint64_t offset, uint64_t size)
{
	int64_t length;

	if (offset > segment->max_size || size > segment->max_size - offset)
		return false;
	if (offset + size <= fl_load_relaxed(&segment->size))
		return true;
	length = length_of(segment->fd);
	if (length < 0 || offset + size > (uint64_t)length)
		return false;
	fl_store_relaxed(&segment->size, (uint64_t)length);
	return true;
}

/* What is at the beginning of the file says how much to map. */
static int read_head(fl_segment *segment)
{
	struct {
		uint64_t magic;
		uint32_t version, flags;
		uint64_t max_size;
	} begin;
	int64_t length = length_of(segment->fd);

	if (length < (int64_t)(FL_HEAP_AT + FL_GRAIN) ||
	    pread(segment->fd, &begin, sizeof(begin), 0) != sizeof(begin) || begin.magic != FL_SEGMENT_MAGIC)
		return fl_segment_fail_(-EPROTO, "it is no segment");
	if (begin.version != FL_SEGMENT_VERSION)
		return fl_segment_fail_(-EPROTO, "it is a segment of version %u, and this library knows version %u",
					begin.version, FL_SEGMENT_VERSION);
	if (begin.max_size > MAX_SIZE_MOST || begin.max_size < FL_HEAP_AT + FL_GRAIN)
		return fl_segment_fail_(-EPROTO, "it is damaged: a size of %llu bytes",
					(unsigned long long)begin.max_size);
	segment->max_size = begin.max_size;
	segment->size = (uint64_t)length;
	return 0;
}

int fl_segment_map_(fl_segment *segment)
{
	int error = read_head(segment);
	void *at;

	if (error != 0)
		return error;
	at = mmap(NULL, segment->max_size, segment->looking ? PROT_READ : PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_NORESERVE, segment->fd, 0);
	if (at == MAP_FAILED)
		return fl_segment_fail_(-ENOMEM, "there are no %llu bytes of addresses for it",
					(unsigned long long)segment->max_size);
	segment->head = at;
	segment->view.from = at;
	segment->view.size = segment->max_size;
	segment->view.lot = &segment->head->lot;
	segment->view.peers = (struct fl_peer *)((char *)at + FL_PEERS_AT);
	segment->view.fd = segment->fd;
	segment->view.peers_at = (off_t)FL_PEERS_AT;
	return 0;
}

void fl_segment_unmap_(fl_segment *segment)
{
	munmap(segment->head, segment->max_size);
}

int fl_segment_grow_(fl_segment *segment, uint64_t size, uint64_t more, uint64_t *ret_size)
{
	uint64_t half = (size - FL_HEAP_AT) / 2, to;
	int error;

	if (more > segment->max_size || size > segment->max_size - more)
		return fl_segment_fail_(-ENOSPC, "the segment may not grow beyond %llu bytes",
					(unsigned long long)segment->max_size);
	to = whole_pages(size + (more > half ? more : half));
	if (to > segment->max_size)
		to = segment->max_size / FL_GRAIN * FL_GRAIN;
	error = extend(segment->fd, size, to);
	if (error != 0 && to > whole_pages(size + more)) {
		to = whole_pages(size + more);
		error = extend(segment->fd, size, to);
	}
	if (error != 0)
		return fl_segment_fail_(error, "no room for %llu more bytes", (unsigned long long)more);
	fl_store_relaxed(&segment->size, to);
	*ret_size = to;
	return 0;
}

uint64_t fl_segment_memory_(uint64_t size, uint32_t n_peers)
{
	uint64_t without = (uint64_t)(FL_PEERS - (n_peers < FL_PEERS ? n_peers : FL_PEERS)) * FL_PEER_SIZE;

	return size > without ? size - without : 0;
}

size_t fl_segment_size(const fl_segment *segment)
{
	return fl_segment_memory_(fl_load_relaxed(&segment->head->size), fl_load_relaxed(&segment->head->lot.n_peers));
}

void *fl_segment_at(fl_segment *segment, uint64_t offset, size_t size)
{
	if (offset < FL_HEAP_AT || !fl_segment_has_(segment, offset, size))
		return NULL;
	return (char *)segment->head + offset;
}

uint64_t fl_segment_offset(const fl_segment *segment, const void *place)
{
	uintptr_t offset = (uintptr_t)place - (uintptr_t)segment->head;

	return offset >= FL_HEAP_AT && offset < segment->max_size ? offset : 0;
}
