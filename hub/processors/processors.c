/*
 * hub/processors/processors.c - the list of the processors that come with the hub.
 *
 * A new one is a file of processors/, a line in processors.h, one here, and one in meson.build.
 */
#include "processors.h"

#include <string.h>

const fl_processor *const processors_all[] = {
	&processors_motion, &processors_edges, &processors_histogram, &processors_crash, NULL,
};

const fl_processor *processors_find(const char *name)
{
	size_t i = 0;

	while (processors_all[i] && strcmp(processors_all[i]->name, name) != 0)
		i++;
	return processors_all[i];
}
