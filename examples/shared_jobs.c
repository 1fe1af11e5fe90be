/*
 * shared_jobs.c - how do processes pass work on, so that none is lost when one of them is killed with it?
 *
 * The queue is in a segment without a name, which children inherit. An item is had until it is done; the first worker
 * takes one and is killed, and the item is handed out again. The end is told by sentinels, items without any bytes, one
 * for each worker that is to end.
 */
#include <fairlead/segment.h>
#include <fairlead/shared_queue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 2 };

static int work(fl_shared_queue *jobs, fl_shared_queue *results, int die)
{
	char result[64];
	fl_shared_queue_item job;

	while (fl_shared_queue_peek(jobs, &job) == 0 && job.size > 0) {
		if (die)
			raise(SIGKILL);
		snprintf(result, sizeof(result), "%s, handed out %u times", (char *)job.data, job.deliveries);
		fl_shared_queue_put(results, result, strlen(result) + 1);
		fl_shared_queue_task_done(jobs, &job);
	}
	return fl_shared_queue_task_done(jobs, &job);
}

int main(void)
{
	static const char *const tasks[] = {"peel the apples", "pick the pears", "stone the plums"};
	const fl_shared_queue_options options = {.item_size = 64, .limit = 10};
	fl_shared_queue *jobs, *results;
	fl_segment *segment;
	char result[64];

	if (fl_segment_open(&segment, NULL, NULL) != 0 || fl_segment_queue(segment, "jobs", &options, &jobs) < 0 ||
	    fl_segment_queue(segment, "results", &options, &results) < 0)
		return 1;
	for (int i = 0; i < 3; i++)
		fl_shared_queue_put(jobs, tasks[i], strlen(tasks[i]) + 1);
	for (int i = 0; i < WORKERS; i++)
		fl_shared_queue_put(jobs, NULL, 0);
	for (int worker = 0; worker <= WORKERS; worker++) {
		if (fork() == 0)
			return work(jobs, results, worker == 0);
		wait(NULL); /* one after the other, so that this prints the same each time */
	}
	while (fl_shared_queue_get_try(results, result, sizeof(result), NULL) > 0)
		puts(result);
	printf("left: %d\n", (int)fl_shared_queue_unfinished(jobs));
}
