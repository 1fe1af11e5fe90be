/*
 * base/name.h - names of objects, for reports: a table beside the objects, by address.
 */
#ifndef FL_BASE_NAME_H
#define FL_BASE_NAME_H

#include <stddef.h>

#define FL_NAME_SIZE 48 /* with the terminating zero */

/* Names the object at `object`; NULL forgets its name. Longer names are cut. If there is no memory it stays without. */
void fl_name_set_(const void *object, const char *name);

/* Copies the object's name to ret_name and returns it; NULL if it has none. */
const char *fl_name_get_(const void *object, char ret_name[FL_NAME_SIZE]);

void fl_name_after_fork_(void);

#endif
