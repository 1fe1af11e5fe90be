/*
 * watch/stack.h - where a thread is, and in which file of the program that place is.
 */
#ifndef FL_WATCH_STACK_H
#define FL_WATCH_STACK_H

#include <stdint.h>

/* Writes the calling thread's stack from `site` on, which is the address that the library was called from, outwards.
 * Returns how many frames there are: at least 1, at most `most`. */
uint8_t watch_stack_(uintptr_t *ret_frames, unsigned most, uintptr_t site);

/* Notes the module that an address, of code or of data, is in. */
void watch_module_(uintptr_t address);

#endif
