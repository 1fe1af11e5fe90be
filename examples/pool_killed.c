/*
 * pool_killed.c - a worker of a pool kills itself in the middle of a task: what becomes of the other tasks?
 *
 * They are done. Nine numbers are squared by two processes, and whoever gets the 4 dies. It is tried again in another
 * worker, since the first one might have been killed by somebody else; when that has died of it too, the task has
 * failed, and says of what. A pool of Python's would wait for its result for ever.
 *
 * Prints what became of each.
 */
#include <fairlead/fairlead.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define N 9

static int square(fl_task *task, void *arg, size_t size)
{
	int n = 0;

	memcpy(&n, arg, size);
	if (n == 4)
		raise(SIGKILL);
	n *= n;
	return fl_task_return(task, &n, sizeof(n));
}

static void report(int number, fl_future *future)
{
	int result, error = fl_future_result(future, &result, sizeof(result));

	if (error == 0)
		printf("%d: %d\n", number, result);
	else
		printf("%d: %s\n", number, fl_future_message(future));
	fl_future_unref(future);
}

int main(void)
{
	fl_pool *pool;
	fl_future *futures[N];

	fl_process_begin();
	if (fl_pool_create(&pool, &(fl_pool_options){.max_workers = 2, .tries = 2}) < 0)
		return 1;
	for (int i = 0; i < N; i++)
		if (fl_pool_submit(&futures[i], pool, square, &i, sizeof(i)) < 0)
			return 1;
	for (int i = 0; i < N; i++)
		report(i, futures[i]);
	printf("workers that died: %llu\n", (unsigned long long)fl_pool_deaths(pool));
	fl_pool_destroy(pool);
	return 0;
}
