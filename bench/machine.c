/*
 * bench/machine.c - clocks, calibrated work and CPUs for the benchmarks; see machine.h.
 *
 * To run a hand-over on one CPU the affinity of every thread of the process is changed, not only that of the two
 * players: a library may ask either "what may this thread use" or "what may this process use", and both answers must
 * be the same.
 */
#define _GNU_SOURCE
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static struct {
	cpu_set_t all;
	unsigned cpus[BENCH_MOST_CPUS];
	unsigned count;
} usable;

void bench_fail(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "fairlead-bench: %s\n", what);
	exit(1);
}

/* ---- time and work ---- */

__attribute__((noinline)) void bench_busy(uint32_t turns)
{
	for (; turns > 0; turns--)
		__asm__ volatile("" : "+r"(turns));
}

void bench_spin_ns(int64_t ns)
{
	int64_t end = bench_now() + ns;

	while (bench_now() < end)
		bench_relax();
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The least of several measurements: whatever disturbs one only ever makes it longer. */
static int64_t busy_ns(uint32_t turns)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 20; i++) {
		int64_t start = bench_now();

		bench_busy(turns);
		best = least(best, bench_now() - start);
	}
	return best;
}

static double ticks_cost_ns(void)
{
	enum { reads = 1000 };
	int64_t best = INT64_MAX;

	for (int i = 0; i < 20; i++) {
		int64_t start = bench_now();

		for (int j = 0; j < reads; j++)
			bench_ticks();
		best = least(best, bench_now() - start);
	}
	return (double)best / reads;
}

uint32_t bench_busy_turns(int64_t ns)
{
	enum { turns = 100000 };
	double left = (double)ns - ticks_cost_ns();

	return left <= 0 ? 0 : (uint32_t)(left * turns / (double)busy_ns(turns));
}

double bench_ns_per_tick(void)
{
	static double ns_per_tick;

	if (ns_per_tick == 0) {
		int64_t start = bench_now();
		uint64_t ticks = bench_ticks();

		bench_spin_ns(20000000);
		ns_per_tick = (double)(bench_now() - start) / (double)(bench_ticks() - ticks);
	}
	return ns_per_tick;
}

/* ---- CPUs ---- */

static void find_usable(void)
{
	if (usable.count > 0)
		return;
	if (sched_getaffinity(0, sizeof usable.all, &usable.all) != 0)
		bench_fail("cannot read the CPU affinity");
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && usable.count < BENCH_MOST_CPUS; cpu++)
		if (CPU_ISSET(cpu, &usable.all))
			usable.cpus[usable.count++] = cpu;
}

unsigned bench_cpus(void)
{
	find_usable();
	return usable.count;
}

unsigned bench_cpu(unsigned i)
{
	find_usable();
	return usable.cpus[i % usable.count];
}

static cpu_set_t only(unsigned i)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(bench_cpu(i), &set);
	return set;
}

void bench_pin(unsigned i)
{
	cpu_set_t set = only(i);

	if (sched_setaffinity(0, sizeof set, &set) != 0)
		bench_fail("cannot pin a thread to a CPU");
}

static void set_affinity_of_all(const cpu_set_t *set)
{
	DIR *tasks = opendir("/proc/self/task");

	if (tasks == NULL)
		bench_fail("cannot read /proc/self/task");
	for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
		pid_t thread = (pid_t)strtol(task->d_name, NULL, 10);

		if (thread > 0 && sched_setaffinity(thread, sizeof *set, set) != 0 && errno != ESRCH)
			bench_fail("cannot change the CPU affinity");
	}
	closedir(tasks);
}

void bench_one_cpu_begin(void)
{
	cpu_set_t set = only(0);

	set_affinity_of_all(&set);
}

void bench_one_cpu_end(void)
{
	set_affinity_of_all(&usable.all);
}

/* ---- what machine this is ---- */

static void read_cpu_model(char *ret_model, size_t size)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");

	snprintf(ret_model, size, "unknown processor");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
			snprintf(ret_model, size, "%s", colon + 2);
			ret_model[strcspn(ret_model, "\n")] = '\0';
			break;
		}
	}
	if (file != NULL)
		fclose(file);
}

void bench_describe_machine(FILE *file)
{
	char model[200];
	struct utsname system;

	read_cpu_model(model, sizeof model);
	uname(&system);
	fprintf(file, "%s, %u CPU%s usable, %s %s %s\n", model, bench_cpus(), bench_cpus() == 1 ? "" : "s",
		system.sysname, system.release, system.machine);
}
