/*
 * image_event.c - how does a reader sleep until there is a new image?
 *
 * With an event beside the lock. The reader clears it, then takes the image: an image that comes in between sets it
 * again, so none is slept through. It still copies, and one event is for one reader: who clears it takes the news from
 * the others. image_channel.c has neither limit.
 *
 * Prints whether the reader has seen the last image, and that what it saw was whole.
 */
#include <fairlead/event.h>
#include <fairlead/guard.h>
#include <fairlead/thread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SIZE 100000
#define IMAGES 500

static fl_lock lock = FL_LOCK_INIT;
static fl_event fresh = FL_EVENT_INIT;
static unsigned char pixels[SIZE];
static unsigned newest;

static void *camera(void *arg)
{
	for (unsigned i = 1; i <= IMAGES; i++) {
		fl_with (&lock) {
			memset(pixels, (int)(i % 256), SIZE);
			newest = i;
		}
		fl_event_set(&fresh);
	}
	return arg;
}

int main(void)
{
	static unsigned char copy[SIZE];
	unsigned number = 0;
	bool whole = true;
	fl_thread *thread;

	if (fl_thread_start(&thread, NULL, camera, NULL) < 0)
		return 1;
	while (number < IMAGES) {
		fl_event_wait(&fresh);
		fl_event_clear(&fresh);
		fl_with (&lock) {
			memcpy(copy, pixels, SIZE);
			number = newest;
		}
		whole = whole && copy[0] == number % 256 && memcmp(copy, copy + 1, SIZE - 1) == 0;
	}
	printf("image %u was the last; all were %s\n", number, whole ? "whole" : "torn");
	return fl_thread_join(thread, NULL);
}
