/*
 * frame/memory.c - making, sealing, mapping and giving back the memory of frames. What it is for is in memory.h.
 *
 * What a descriptor from another process holds is believed only after these looks, in this order: it is sealed against
 * shrinking (else reading could end in SIGBUS at any moment), it is as long as it says, and its parts lie inside. The
 * figures are read once, into this process's own struct: that they change later harms nobody.
 *
 * Rejected: fallocate of everything at the start (211 MB for 8 readers of 1080p, where 3 readers touch 31); huge pages
 * (a machine without spare ones says no, or waits to make some).
 */
#define _GNU_SOURCE
#include "frame/memory.h"

#include "base/atomic.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define MAGIC UINT64_C(0x31656d617266666c) /* "lfframe1" */
#define VERSION 1u
#define PAGE 4096u

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static size_t head_size(uint32_t n_slots)
{
	return whole_pages(sizeof(struct fl_frames_head) + n_slots * sizeof(struct fl_frames_slot));
}

/* Lays it out; false if it would be too large for any machine. */
static bool lay_out(struct fl_frames_memory *memory, size_t slot_size)
{
	if (slot_size > SIZE_MAX / 4 / memory->n_slots)
		return false;
	memory->slot_size = whole_pages(slot_size);
	memory->slots_at = head_size(memory->n_slots);
	memory->size = memory->slots_at + memory->n_slots * memory->slot_size;
	return true;
}

static int make_descriptor(size_t size)
{
	int fd = memfd_create("fairlead-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0)
		return fd;
	error = errno;
	close(fd);
	return error == EFBIG || error == EINVAL ? -ENOMEM : -error;
}

static int map(struct fl_frames_memory *memory, int protection)
{
	int flags = memory->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
	void *start = mmap(NULL, memory->size, protection, flags, memory->fd, 0);

	if (start == MAP_FAILED)
		return -ENOMEM;
	memory->head = start;
	return 0;
}

static void give_back(struct fl_frames_memory *memory)
{
	if (memory->head)
		munmap(memory->head, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory);
}

/* Maps it for writing, and lets nobody else do so. */
static int map_and_seal(struct fl_frames_memory *memory, bool shared)
{
	int error;

	if (shared) {
		memory->fd = make_descriptor(memory->size);
		if (memory->fd < 0)
			return memory->fd;
	}
	error = map(memory, PROT_READ | PROT_WRITE);
	if (error != 0)
		return error;
	return shared && fcntl(memory->fd, F_ADD_SEALS, SEALS) != 0 ? -ENOSYS : 0;
}

static void write_head(const struct fl_frames_memory *memory)
{
	struct fl_frames_head *head = memory->head;

	head->magic = MAGIC;
	head->version = VERSION;
	head->generation = memory->generation;
	head->n_slots = memory->n_slots;
	head->slot_size = memory->slot_size;
	head->slots_at = memory->slots_at;
	head->size = memory->size;
}

/* Gives pages of the memory to it now, since later nobody could be told that there are none. */
static int commit(struct fl_frames_memory *memory, size_t offset, size_t size)
{
	if (memory->fd >= 0) {
		while (fallocate(memory->fd, 0, (off_t)offset, (off_t)size) != 0)
			if (errno != EINTR)
				return -ENOMEM;
	}
	if (madvise((char *)memory->head + offset, size, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
		return -ENOMEM;
	return 0; /* EINVAL: a kernel before 5.14, which gives anonymous pages when they are touched */
}

int fl_frames_memory_make_(struct fl_frames_memory **ret_memory, uint32_t generation, uint32_t n_slots,
			   size_t slot_size, bool shared)
{
	struct fl_frames_memory *memory = calloc(1, sizeof(*memory));
	int error;

	if (!memory)
		return -ENOMEM;
	*memory = (struct fl_frames_memory){.refs = 1, .fd = -1, .generation = generation, .n_slots = n_slots};
	error = lay_out(memory, slot_size) ? map_and_seal(memory, shared) : -ENOMEM;
	if (error == 0)
		error = commit(memory, 0, memory->slots_at);
	if (error != 0) {
		give_back(memory);
		return error;
	}
	write_head(memory);
	*ret_memory = memory;
	return 0;
}

int fl_frames_memory_commit_(struct fl_frames_memory *memory, uint32_t slot)
{
	return commit(memory, memory->slots_at + slot * memory->slot_size, memory->slot_size);
}

/* Reads what the memory says of itself, and believes it if it fits together. */
static bool read_head(struct fl_frames_memory *memory)
{
	const volatile struct fl_frames_head *head = memory->head;
	struct fl_frames_memory read = *memory;
	uint64_t slot_size = head->slot_size;

	read.generation = head->generation;
	read.n_slots = head->n_slots;
	if (head->magic != MAGIC || head->version != VERSION)
		return false;
	if (read.n_slots == 0 || read.n_slots > FL_FRAMES_MAX_SLOTS || slot_size == 0 || !lay_out(&read, slot_size))
		return false;
	if (read.slot_size != slot_size || read.size != memory->size)
		return false;
	*memory = read;
	return true;
}

int64_t fl_frames_sealed_size_(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat about;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &about) != 0)
		return -EPROTO;
	return about.st_size;
}

static int map_checked(struct fl_frames_memory *memory)
{
	int64_t size = fl_frames_sealed_size_(memory->fd);
	int error;

	if (size < (int64_t)PAGE || (uint64_t)size > SIZE_MAX / 4)
		return -EPROTO;
	memory->size = (size_t)size;
	error = map(memory, PROT_READ);
	if (error != 0)
		return error;
	return read_head(memory) ? 0 : -EPROTO;
}

int fl_frames_memory_map_(struct fl_frames_memory **ret_memory, int fd)
{
	struct fl_frames_memory *memory = calloc(1, sizeof(*memory));
	int error;

	if (!memory) {
		close(fd);
		return -ENOMEM;
	}
	*memory = (struct fl_frames_memory){.refs = 1, .fd = fd};
	error = map_checked(memory);
	if (error != 0) {
		give_back(memory);
		return error;
	}
	close(memory->fd);
	memory->fd = -1;
	*ret_memory = memory;
	return 0;
}

struct fl_frames_memory *fl_frames_memory_ref_(struct fl_frames_memory *memory)
{
	fl_add_relaxed(&memory->refs, 1);
	return memory;
}

void fl_frames_memory_unref_(struct fl_frames_memory *memory)
{
	struct fl_frames_memory *next;

	for (; memory; memory = next) {
		/* [memory.1] release; pairs with [memory.4] */
		if (fl_sub_release(&memory->refs, 1) > 1)
			return;
		/* [memory.4] acquire; pairs with [memory.1] */
		if (fl_load_acquire(&memory->refs) != 0)
			return;
		next = memory->next;
		give_back(memory);
	}
}

void fl_frames_memory_set_state_(struct fl_frames_memory *memory, enum fl_frames_state state)
{
	/* [memory.5] seq_cst; pairs with [memory.6] */
	fl_store_seq_cst(&memory->head->state, (uint32_t)state);
}

enum fl_frames_state fl_frames_memory_state_(const struct fl_frames_memory *memory)
{
	/* [memory.6] seq_cst; pairs with [memory.5] */
	return (enum fl_frames_state)fl_load_seq_cst(&memory->head->state);
}

void fl_frames_memory_follow_(struct fl_frames_memory *memory, struct fl_frames_memory *next)
{
	/* [memory.2] release; pairs with [memory.3] */
	fl_store_release(&memory->next, next);
}

struct fl_frames_memory *fl_frames_memory_next_(struct fl_frames_memory *memory)
{
	/* [memory.3] acquire; pairs with [memory.2] */
	return fl_load_acquire(&memory->next);
}
