/*
 * condition_data.c - three consumers need data that a producer has not made yet: how do they wait for it?
 *
 * On a condition. fl_condition_wait gives up the lock while it waits and has it again when it returns, so between
 * looking (is there data?) and waiting nothing can be missed. They look again in a loop, since being woken says that
 * something has changed, not that it is still so: another consumer may have been faster.
 *
 * The producer takes its time with each of three pieces. Prints who got something and what was got in all: which
 * consumer gets which piece is anybody's guess.
 */
#include <fairlead/guard.h>
#include <fairlead/note.h>
#include <fairlead/thread.h>
#include <stdio.h>

static fl_condition changed = FL_CONDITION_INIT;
static int piece FL_GUARDED_BY(&changed); /* 0: none there */

static void *consume(void *ret_piece)
{
	fl_with (&changed) {
		while (piece == 0)
			fl_condition_wait(&changed);
		*(int *)ret_piece = piece;
		piece = 0;
		fl_condition_notify_all(&changed); /* the producer waits on it too */
	}
	return NULL;
}

static void produce(int made)
{
	fl_note never = FL_NOTE_INIT;

	fl_note_wait_until(&never, fl_after(FL_MS(20))); /* the work, outside the lock */
	fl_with (&changed) {
		while (piece != 0)
			fl_condition_wait(&changed);
		piece = made;
		fl_condition_notify_all(&changed);
	}
}

int main(void)
{
	fl_thread *consumers[3];
	int got[3] = {0};

	for (int i = 0; i < 3; i++)
		if (fl_thread_start(&consumers[i], NULL, consume, &got[i]) < 0)
			return 1;
	for (int made = 1; made <= 100; made *= 10)
		produce(made);
	for (int i = 0; i < 3; i++)
		fl_thread_join(consumers[i], NULL);
	for (int i = 0; i < 3; i++)
		printf("consumer %d: %s\n", i + 1, got[i] != 0 ? "served" : "nothing");
	printf("sum of 1, 10 and 100: %d\n", got[0] + got[1] + got[2]);
	return 0;
}
