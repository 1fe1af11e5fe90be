/*
 * watch/create.h - creating and joining, for both kinds of threads. They return as pthread_create and pthread_join.
 */
#ifndef FL_WATCH_CREATE_H
#define FL_WATCH_CREATE_H

#include <stdint.h>

int watch_create_(void *thread, const void *attributes, uintptr_t start, void *argument);
int watch_join_(unsigned long thread, void **ret_value, const void *site);

#endif
