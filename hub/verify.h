/*
 * hub/verify.h - check-sums of frames (--verify): who publishes one writes down what it was, and who has used it looks
 * whether it still is.
 *
 * It is there to prove something, and costs a pass over each frame at each end. The sums of the last 256 frames of a
 * stream are kept: none is held for longer. Any thread may call both.
 */
#ifndef HUB_VERIFY_H
#define HUB_VERIFY_H

#include <fairlead/frames.h>
#include <fairlead/lock.h>

#define VERIFY_FRAMES 256u

struct verify {
	fl_lock lock;
	struct {
		uint64_t sequence, sum;
	} frames[VERIFY_FRAMES];
};

/* Before frame number `sequence` is published. */
void verify_note(struct verify *verify, uint64_t sequence, const void *data, size_t size) FL_ALL_NONNULL;
/* When it has been used. Returns whether it is as it was. */
bool verify_is_whole(struct verify *verify, const fl_frame *frame) FL_ALL_NONNULL;

#endif
