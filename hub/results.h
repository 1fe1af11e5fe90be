/*
 * hub/results.h - what a processor has found out about a frame: keys and values, the latest of each.
 *
 * Up to 32; a key is 1 to 31 of A-Z a-z 0-9 . _ -, a value up to 127 bytes of text. One thread writes; any thread
 * reads.
 */
#ifndef HUB_RESULTS_H
#define HUB_RESULTS_H

#include <fairlead/attributes.h>
#include <fairlead/lock.h>
#include <stdarg.h>
#include <stddef.h>

#define RESULTS 32u

struct result {
	char key[32], value[128];
};

struct results {
	fl_lock lock;
	unsigned n, n_next;
	struct result shown[RESULTS], next[RESULTS];
};

/* Puts a result among those of the next frame, in place of one of the same key. Returns 0; -EINVAL: the key;
 * -ENOSPC: there are 32. */
int results_put(struct results *results, const char *key, const char *format, va_list list) FL_ALL_NONNULL
	__attribute__((format(printf, 3, 0)));
/* All of a frame's have been put: they take the place of those of the frame before. */
void results_show(struct results *results) FL_ALL_NONNULL;
/* What was put is not shown. */
void results_forget(struct results *results) FL_ALL_NONNULL;
/* For who says one at a time: it is shown at once, in the place of its key's, and also put among those of the next
 * frame. Returns as results_put. */
int results_set(struct results *results, const char *key, const char *value) FL_ALL_NONNULL;
/* Copies what is shown. Returns how many. */
unsigned results_get(struct results *results, struct result ret_results[RESULTS]) FL_ALL_NONNULL;

#endif
