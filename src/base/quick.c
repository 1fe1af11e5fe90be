/*
 * base/quick.c - finding out whether the quick release works, and its barrier. See base/quick.h.
 */
#define _GNU_SOURCE
#include "base/quick.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

bool fl_quick_works_;

#ifdef FL_HAVE_QUICK

static int membarrier(int command)
{
	int saved = errno, result = (int)syscall(SYS_membarrier, command, 0, 0);

	errno = saved;
	return result;
}

void fl_quick_begin_(void)
{
	fl_quick_works_ = __rseq_size > 0 && membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) == 0 &&
			  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) == 0;
}

void fl_quick_barrier_(void)
{
	if (!fl_quick_works_ || membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) == 0)
		return;
	/* It worked at the start; a system call filter that was installed since forbids it. Going on could lose a
	 * wake-up. */
	fprintf(stderr, "fairlead: membarrier(2) is forbidden in mid-run; allow it, or forbid it from the start\n");
	abort();
}

#else

void fl_quick_begin_(void)
{
}

void fl_quick_barrier_(void)
{
}

#endif
