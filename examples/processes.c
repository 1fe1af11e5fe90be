/*
 * processes.c - five functions run in processes of their own, and one of them is killed: what do the others notice?
 *
 * Nothing. Each process has memory of its own, and how it ended is told to its parent. Each runs this program anew, as
 * far as fl_process_begin: nothing is forked, so it would not matter if there were threads.
 */
#include <fairlead/fairlead.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define N 5

static int square(void *arg, size_t size)
{
	int number = 0;

	memcpy(&number, arg, size);
	printf("process %d is at work\n", number);
	fflush(stdout);
	if (number == 3)
		raise(SIGKILL);
	return number * number;
}

static void report(int number, const fl_process_status *status)
{
	if (status->end == FL_PROCESS_KILLED)
		printf("process %d was killed by signal %d\n", number, status->signal);
	else
		printf("process %d returned %d\n", number, status->result);
}

int main(void)
{
	fl_process *processes[N];
	fl_process_status statuses[N];

	fl_process_begin();
	for (int i = 0; i < N; i++)
		if (fl_process_start(&processes[i], &(fl_process_options){.die_with_parent = true}, square, &i,
				     sizeof(i)) < 0)
			return 1;
	for (int i = 0; i < N; i++) {
		if (fl_process_join(processes[i], &statuses[i]) < 0)
			return 1;
		fl_process_close(processes[i]);
	}
	for (int i = 0; i < N; i++)
		report(i, &statuses[i]);
	return 0;
}
