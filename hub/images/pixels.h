/*
 * hub/images/pixels.h - from one pixel format to another.
 *
 * To RGB24, GRAY8 and I420, from each format of <fairlead/frame.h> that has pixels. Values of Y, U and V take all of
 * 0 to 255, as in JPEG files (BT.601).
 *
 *     fl_frame_info_init(&to, FL_PIXELS_RGB24, from.width, from.height);
 *     pixels_convert(&from, data, &to, memory_of_to_size_bytes);
 */
#ifndef FAIRLEAD_HUB_PIXELS_H
#define FAIRLEAD_HUB_PIXELS_H

#include <fairlead/frame.h>

/* Converts an image. `from` must be as fl_frame_info_check wants it. `to` has the same width and height; one of I420
 * may have an odd width or height if its planes of U and V have the row and column more. Does not allocate. Returns 0;
 * -EINVAL: there is no such conversion, or the sizes differ. Any thread may call it. */
int pixels_convert(const fl_frame_info *from, const void *data, const fl_frame_info *to, void *ret_data);

#endif
