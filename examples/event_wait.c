/*
 * event_wait.c - how does one thread tell others that something has happened, once and for all?
 *
 * By an event. It stays set, so who comes late does not wait at all; that is what a condition alone does not do. What
 * was written before the set is seen after the wait: the message needs no lock of its own.
 *
 * Two events here, one in each direction: the setter does not go on before the waiter is there. Prints both sides'
 * steps.
 */
#include <errno.h>
#include <fairlead/event.h>
#include <fairlead/thread.h>
#include <stdio.h>

static fl_event waiter_is_there = FL_EVENT_INIT, ready = FL_EVENT_INIT;
static const char *message;

static void *waiter(void *arg)
{
	if (fl_event_wait_until(&ready, fl_after(FL_MS(10)), NULL) == -ETIMEDOUT)
		puts("waiter: nothing after 10 ms; I can wait");
	fl_event_set(&waiter_is_there);
	fl_event_wait(&ready);
	printf("waiter: %s\n", message);
	return arg;
}

int main(void)
{
	fl_thread *thread;

	if (fl_thread_start(&thread, NULL, waiter, NULL) < 0)
		return 1;
	fl_event_wait(&waiter_is_there);
	puts("setter: the waiter is there");
	message = "dinner is ready";
	fl_event_set(&ready);
	fl_thread_join(thread, NULL);
	fl_event_wait(&ready);
	puts("setter: who comes late does not wait");
	return 0;
}
