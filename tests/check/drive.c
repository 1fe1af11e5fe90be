/*
 * check/drive.c - the least that runs a program under the checker's runtime: what the command does, without its report.
 *
 *     drive LIBRARY ENGINE RUNS SEED PROGRAM [ARGUMENT...]
 *
 * ENGINE is a number of enum check_engine. Prints one line, "ok RUNS" or what went wrong, and exits with 0 or 1. With
 * DRIVE_EVENTS in the environment, the events of the failing run follow it; DRIVE_STRATEGY is a number of enum
 * check_strategy, DRIVE_STEPS the most steps of a run, with DRIVE_PLAIN races are no failures and nothing is shortened.
 * What the program writes to standard output is thrown away.
 */
#include "../../src/check/result.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

static struct check_memory *make_memory(int *ret_fd)
{
	void *at;

	*ret_fd = memfd_create("check", 0);
	if (*ret_fd < 0 || ftruncate(*ret_fd, CHECK_SIZE) != 0)
		return NULL;
	at = mmap(NULL, CHECK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	return at != MAP_FAILED ? at : NULL;
}

static void start(const char *library, int fd, char **program)
{
	char number[16];
	int nowhere = open("/dev/null", O_WRONLY);

	snprintf(number, sizeof(number), "%d", fd);
	setenv(CHECK_VARIABLE, number, 1);
	setenv("LD_PRELOAD", library, 1);
	personality(ADDR_NO_RANDOMIZE);
	dup2(nowhere, 1);
	close(nowhere);
	execv(program[0], program);
	perror(program[0]);
	_exit(127);
}

static void print_events(const struct check_memory *memory)
{
	for (uint32_t i = 0; i < memory->n_events; i++) {
		const struct check_event *event = &memory->events[i];

		printf("T%u kind %u object %#lx value %#lx flags %#x at %#lx\n", event->thread, event->kind,
		       (unsigned long)event->object, (unsigned long)event->value, event->flags,
		       (unsigned long)event->place.pc[0]);
	}
}

static int conclude(const struct check_memory *memory, int status)
{
	const struct check_failure *failure = &memory->failure;
	int bad = 1;

	if (memory->ready != 2)
		printf("ended early: status %#x\n", (unsigned)status);
	else if (memory->said[0] != 0)
		printf("not modelled: %s\n", memory->said);
	else if (failure->verdict != CHECK_NOTHING)
		printf("verdict %u, T%u: %s (run %lu)\n", failure->verdict, failure->thread, failure->text,
		       (unsigned long)memory->to_failure);
	else if (memory->unconfirmed != 0)
		printf("%lu failures could not be done again\n", (unsigned long)memory->unconfirmed);
	else
		bad = printf("ok %lu, %lu steps\n", (unsigned long)memory->runs, (unsigned long)memory->steps) < 0;
	if (getenv("DRIVE_EVENTS") != NULL)
		print_events(memory);
	return bad;
}

static uint64_t wish(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct check_memory *memory;
	int fd, status = 0;
	pid_t child;

	if (argc < 6)
		return 2;
	memory = make_memory(&fd);
	if (memory == NULL)
		return 2;
	memory->asked = (struct check_asked){.version = CHECK_VERSION,
					     .engine = (uint32_t)atoi(argv[2]),
					     .runs = (uint64_t)atol(argv[3]),
					     .seed = (uint64_t)atol(argv[4]),
					     .stride = 1,
					     .steps = wish("DRIVE_STEPS", 100000),
					     .strategy = (uint32_t)wish("DRIVE_STRATEGY", CHECK_PORTFOLIO),
					     .races = wish("DRIVE_PLAIN", 0) != 0 ? CHECK_RACES_OFF : CHECK_RACES_FAIL,
					     .preemptions = UINT32_MAX,
					     .minimise = wish("DRIVE_PLAIN", 0) == 0,
					     .keep_going = 200};
	child = fork();
	if (child == 0)
		start(argv[1], fd, argv + 5);
	waitpid(child, &status, 0);
	return conclude(memory, status);
}
