/*
 * hub/processors/picture.h - what several processors do with a picture: copy it, and make it small.
 */
#ifndef HUB_PROCESSORS_PICTURE_H
#define HUB_PROCESSORS_PICTURE_H

#include <fairlead/processor.h>
#include <stdint.h>

/* Lends memory and copies the frame into it, to be drawn on and published with the frame's description. Returns 0, or
 * what the host's loan returned. */
int picture_copy(const fl_frame *frame, const fl_processor_host *host, void **ret_data);

/* How large a picture becomes when step x step pixels make one. */
#define PICTURE_SMALL(size, step) (((size) + (step)-1) / (step))

/* Writes the mean brightness of each step x step pixels of an RGB24, GRAY8 or I420 picture, row by row. At the right
 * and the lower border there may be fewer. `columns` has room for three times the picture's width. */
void picture_small(const fl_frame *frame, uint32_t step, uint16_t *columns, uint8_t *to);

#endif
