/*
 * bench/messages.hh - the time that messages of one size take from a process to another, in one of the ways of
 * pipe_ways.hh or the like.
 */
#ifndef FAIRLEAD_BENCH_MESSAGES_HH
#define FAIRLEAD_BENCH_MESSAGES_HH

#include "harness.h"

#include <csignal>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum : size_t { SMALL = 64, MEDIUM = 65536, LARGE = 1 << 20 };

static char messages_buffer[LARGE] = {1};

template <class way, size_t size, bool answered> static void answer(way *there, way *back, uint64_t n)
{
	there->be_receiver();
	back->be_sender();
	for (; n > 0; n--) {
		there->receive(messages_buffer, size);
		if (answered || n == 1)
			back->send(messages_buffer, size);
	}
}

template <class way, size_t size, bool answered> static int64_t ask(way *there, way *back, uint64_t n)
{
	int64_t begin;

	there->be_sender();
	back->be_receiver();
	begin = bench_now();
	for (; n > 0; n--) {
		there->send(messages_buffer, size);
		if (answered || n == 1)
			back->receive(messages_buffer, size);
	}
	return bench_now() - begin;
}

/* The i-th of the processors that this process may use. */
static void stay_on(int i)
{
	cpu_set_t all, one;
	int cpu = -1;

	sched_getaffinity(0, sizeof all, &all);
	while (i >= 0)
		i -= CPU_ISSET(++cpu, &all) != 0;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof one, &one);
}

/* `apart`: on two processors, one each; otherwise wherever the kernel puts them. The first message waits until the
 * other process runs: it is taken before the time is. */
template <class way, size_t size, bool answered, bool apart> static int64_t time_messages(uint64_t n)
{
	way there(size), back(size), begun(size), unused(size);
	pid_t child = fork();
	cpu_set_t before;
	int64_t took;
	int status;

	bench_need(child >= 0, "messages: cannot fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (apart)
			stay_on(1);
		answer<way, size, true>(&unused, &begun, 1);
		answer<way, size, answered>(&there, &back, n);
		_exit(0);
	}
	sched_getaffinity(0, sizeof before, &before);
	if (apart)
		stay_on(0);
	ask<way, size, true>(&unused, &begun, 1);
	took = ask<way, size, answered>(&there, &back, n);
	sched_setaffinity(0, sizeof before, &before);
	bench_need(waitpid(child, &status, 0) == child && status == 0, "messages: the other process failed");
	return took;
}

#endif
