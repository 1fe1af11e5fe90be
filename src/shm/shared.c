/*
 * shm/shared.c - Fairlead's own objects in a segment, found by name or made.
 */
#include <fairlead/segment.h>

static int init_lock(void *lock, void *arg)
{
	(void)arg;
	fl_lock_init_shared(lock);
	return 0;
}

int fl_segment_lock(fl_segment *segment, const char *name, fl_lock **ret_lock)
{
	static const fl_segment_type type = {"fl_lock", 1, 0, sizeof(fl_lock)};

	return fl_segment_object(segment, name, &type, init_lock, NULL, (void **)ret_lock);
}

static int init_event(void *event, void *arg)
{
	(void)arg;
	fl_event_init_shared(event);
	return 0;
}

int fl_segment_event(fl_segment *segment, const char *name, fl_event **ret_event)
{
	static const fl_segment_type type = {"fl_event", 1, 0, sizeof(fl_event)};

	return fl_segment_object(segment, name, &type, init_event, NULL, (void **)ret_event);
}
