/*
 * hub/processors/processors.h - the processors that come with the hub, by name.
 *
 * They are what a plug-in is (fairlead/processor.h), linked in. Each is a file of processors/. They keep all in their
 * state, so that any number of each may run at once.
 */
#ifndef HUB_PROCESSORS_H
#define HUB_PROCESSORS_H

#include <fairlead/processor.h>
#include <stddef.h>

extern const fl_processor processors_motion;    /* boxes around what moves */
extern const fl_processor processors_edges;     /* a picture of the edges */
extern const fl_processor processors_histogram; /* how brightness is distributed */
extern const fl_processor processors_crash;     /* for tests: it crashes after ten frames */

/* All of them, in the order in which they are to be listed; a NULL ends it. */
extern const fl_processor *const processors_all[];

/* Returns NULL if there is none of that name. */
const fl_processor *processors_find(const char *name);

#endif
