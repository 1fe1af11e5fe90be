/*
 * frame/page.c - making and mapping the page of pins (pins.h) that a reader in another process shares with the
 * producer.
 *
 * Each reader has a page of its own, a memfd that both have mapped for writing, so that a hostile one can spoil nothing
 * but its own. It is sealed against another size: neither side can make the other one's look at it end in SIGBUS.
 */
#define _GNU_SOURCE
#include "frame/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert(sizeof(struct fl_pins) <= PAGE, "one page");

static int map(struct fl_pins **ret_pins, int fd)
{
	void *start = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (start == MAP_FAILED)
		return -ENOMEM;
	*ret_pins = start;
	return 0;
}

int fl_frames_page_make_(struct fl_pins **ret_pins)
{
	int fd = memfd_create("fairlead-pins", MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, PAGE) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		error = -ENOMEM;
	else
		error = map(ret_pins, fd);
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int fl_frames_page_map_(struct fl_pins **ret_pins, int fd)
{
	int error = fl_frames_sealed_size_(fd) == PAGE ? map(ret_pins, fd) : -EPROTO;

	close(fd);
	return error;
}

void fl_frames_page_unmap_(struct fl_pins *pins)
{
	munmap(pins, PAGE);
}
