/*
 * futures.c - the answer takes its time: how does one wait for a while only, call it off, or be told when it is there?
 *
 * All that is asked of the future. A time-out is the caller's: the work goes on. A cancel keeps work that has not begun
 * from being begun; work that is running cannot be torn out of what it does, but its note is cancelled, and who waits
 * with that stops by itself. A callback is called once, by who has the answer, or at once if it is there already.
 * The executor has one thread, so that the second and third work wait for the first. Prints what becomes of each.
 */
#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/executor.h>
#include <stdio.h>

static fl_event begun = FL_EVENT_INIT, go = FL_EVENT_INIT;

static int think(fl_task *task, void *answer)
{
	fl_event_set(&begun);
	if (fl_event_wait_until(&go, FL_FOREVER, fl_task_note(task)) == -ECANCELED)
		return fl_task_fail(task, -ECANCELED, "I was thinking, and was told to stop");
	return fl_task_return(task, answer, sizeof(int));
}

static int tell(fl_future *future, void *when)
{
	const int *answer = fl_future_value(future, NULL); /* NULL if it has none */

	return printf("%s: the third says %d\n", (char *)when, answer ? *answer : 0) < 0 ? -EIO : 0;
}

int main(void)
{
	fl_executor *executor;
	fl_future *first, *second, *third;
	static char when[][32] = {"callback", "callback that comes late"};
	static int answer = 42; /* work may outlive main, so what it is given must */

	if (fl_executor_create(&executor, &(fl_executor_options){.max_threads = 1}) < 0 ||
	    fl_executor_submit(&first, executor, think, &answer) < 0 ||
	    fl_executor_submit(&second, executor, think, &answer) < 0 ||
	    fl_executor_submit(&third, executor, think, &answer) < 0)
		return 1;
	fl_event_wait(&begun);
	if (fl_future_result_until(first, NULL, 0, fl_after(FL_MS(10)), NULL) == -ETIMEDOUT)
		printf("the first: no answer in 10 ms, %s\n", fl_future_running(first) ? "still thinking" : "done");
	if (fl_future_cancel(second))
		puts("the second: called off before it began");
	if (!fl_future_cancel(first) && fl_future_result(first, NULL, 0) == -ECANCELED)
		printf("the first: %s\n", fl_future_message(first));
	if (fl_future_add_done_callback(third, tell, when[0]) < 0)
		return 1;
	fl_event_set(&go);
	fl_executor_destroy(executor); /* waits for the third, and its callback */
	if (fl_future_add_done_callback(third, tell, when[1]) < 0)
		return 1;
	fl_future_unref(first);
	fl_future_unref(second);
	fl_future_unref(third);
	return 0;
}
