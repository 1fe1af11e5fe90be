/*
 * check/output.c - see output.h.
 *
 * The command makes standard output a file in memory if it is to be compared. Processes that are forked share the
 * position in it, and in the file that is standard input, so both are put back for each execution. Outputs are compared
 * by size and hash, which fit into a replay file; that of the first run is copied aside, so that the command can show
 * where another one departs from it.
 */
#include "output.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void output_renew(void)
{
	if (memory->asked.rewind)
		RAW(SYS_lseek, STDIN_FILENO, 0, SEEK_SET);
	if (memory->asked.same_output == CHECK_SAME_NO)
		return;
	RAW(SYS_ftruncate, STDOUT_FILENO, 0);
	RAW(SYS_lseek, STDOUT_FILENO, 0, SEEK_SET);
}

static uint64_t hash_of(const uint8_t *at, uint64_t size)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (uint64_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static struct check_output look(void)
{
	struct check_output output = {0, hash_of(NULL, 0)};
	long size = RAW(SYS_lseek, STDOUT_FILENO, 0, SEEK_END);
	long at = size > 0 ? RAW(SYS_mmap, NULL, size, PROT_READ, MAP_SHARED, STDOUT_FILENO, 0) : -1;

	if (at < 0 && at > -4096)
		return output;
	output.size = (uint64_t)size;
	output.hash = hash_of((const uint8_t *)at, output.size);
	RAW(SYS_munmap, at, size);
	return output;
}

static void keep_first(void)
{
	int64_t from = 0;

	memory->asked.output = look();
	memory->first_output = memory->asked.output;
	memory->asked.same_output = CHECK_SAME_GIVEN;
	RAW(SYS_sendfile, memory->asked.first_output, STDOUT_FILENO, &from, memory->asked.output.size);
}

bool output_differs(void)
{
	struct check_output output;

	if (memory->asked.same_output == CHECK_SAME_FIRST)
		keep_first();
	if (memory->asked.same_output == CHECK_SAME_NO)
		return false;
	output = look();
	return output.size != memory->asked.output.size || output.hash != memory->asked.output.hash;
}
