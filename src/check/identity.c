/*
 * check/identity.c - numbers of processes, threads and processors: the same in each execution and in each engine.
 *
 * The process is number 4242, from its constructors on, or one that has noted its number there would take itself for a
 * forked child. Its threads come behind it. There are four processors, of which each thread is on its
 * own, whatever the machine has: a program that starts a thread for each is checked with four, here and elsewhere.
 */
#include "identity.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PROCESSORS 4
#define PROCESS 4242

static int kept; /* 0: none */

void identity_keep(void)
{
	kept = (int)RAW(SYS_getpid);
}

int identity_process(void)
{
	return kept != 0 ? kept : PROCESS;
}

int identity_thread(const struct thread *thread)
{
	return identity_process() + (thread != NULL ? (int)thread->id : 0);
}

bool identity_applies(void)
{
	return controlled() || (kept == 0 && (memory != NULL || getenv(CHECK_VARIABLE) != NULL));
}

static const struct thread *thread_here(void)
{
	return controlled() ? self() : NULL;
}

bool identity_call(long number, long *ret_result)
{
	if (number == SYS_getpid)
		*ret_result = identity_process();
	else if (number == SYS_gettid)
		*ret_result = identity_thread(thread_here());
	else if (number == SYS_getppid)
		*ret_result = 1;
	else
		return false;
	return true;
}

EXPORT pid_t getpid(void)
{
	return identity_applies() ? identity_process() : (pid_t)RAW(SYS_getpid);
}

EXPORT pid_t getppid(void)
{
	return identity_applies() ? 1 : (pid_t)RAW(SYS_getppid);
}

EXPORT pid_t gettid(void)
{
	return identity_applies() ? identity_thread(thread_here()) : (pid_t)RAW(SYS_gettid);
}

EXPORT int sched_getcpu(void)
{
	return controlled() ? (int)(self()->id % PROCESSORS) : 0;
}

EXPORT int get_nprocs(void)
{
	return PROCESSORS;
}

EXPORT int get_nprocs_conf(void)
{
	return PROCESSORS;
}

EXPORT int sched_getaffinity(pid_t thread, size_t size, cpu_set_t *ret_cpus)
{
	(void)thread;
	if (size < sizeof(long)) {
		errno = EINVAL;
		return -1;
	}
	raw_fill(ret_cpus, 0, size);
	*(unsigned char *)ret_cpus = (1u << PROCESSORS) - 1;
	return 0;
}

EXPORT int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *ret_cpus)
{
	(void)thread;
	return sched_getaffinity(0, size, ret_cpus) == 0 ? 0 : EINVAL;
}

EXPORT int sched_setaffinity(pid_t thread, size_t size, const cpu_set_t *cpus)
{
	(void)thread;
	(void)size;
	(void)cpus;
	return 0;
}

EXPORT long sysconf(int name)
{
	static long (*real)(int);

	if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF)
		return PROCESSORS;
	if (real == NULL)
		real = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
	return real(name);
}
