/*
 * bench/process_cpu.c - the CPU time that a process and its descendants have used; see process_cpu.h.
 *
 * All processes are read once, and then each is counted whose chain of parents leads to the one that is asked about.
 */
#include "process_cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
	int id, parent;
	unsigned long long ticks;
};

/* The name, in parentheses, may hold anything, parentheses too. */
static bool read_stat(int id, struct process *ret_process)
{
	char path[64], text[1024], *after;
	unsigned long long user, system, of_children, system_of_children;
	size_t size;
	int parent;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", id);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	size = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[size] = '\0';
	after = strrchr(text, ')');
	if (after == NULL || sscanf(after, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &parent,
				    &user, &system, &of_children, &system_of_children) != 5)
		return false;
	*ret_process = (struct process){id, parent, user + system + of_children + system_of_children};
	return true;
}

static size_t read_all(struct process *ret_processes, size_t most)
{
	DIR *folder = opendir("/proc");
	size_t n = 0;

	for (struct dirent *entry; folder != NULL && n < most && (entry = readdir(folder)) != NULL;)
		if (atoi(entry->d_name) > 0 && read_stat(atoi(entry->d_name), &ret_processes[n]))
			n++;
	if (folder != NULL)
		closedir(folder);
	return n;
}

static const struct process *find(const struct process *processes, size_t n, int id)
{
	for (size_t i = 0; i < n; i++)
		if (processes[i].id == id)
			return &processes[i];
	return NULL;
}

/* Parents change while they are read, so a chain may be a ring: it is followed for so long and no longer. */
static bool descends(const struct process *processes, size_t n, const struct process *process, int ancestor)
{
	for (int i = 0; i < 64 && process != NULL; i++) {
		if (process->id == ancestor)
			return true;
		process = find(processes, n, process->parent);
	}
	return false;
}

double process_cpu(pid_t process)
{
	static struct process processes[32768];
	size_t n = read_all(processes, sizeof processes / sizeof processes[0]);
	unsigned long long ticks = 0;

	if (find(processes, n, process) == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (descends(processes, n, &processes[i], process))
			ticks += processes[i].ticks;
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}
