/*
 * frame/page.h - a page of pins that two processes share.
 */
#ifndef FL_FRAME_PAGE_H
#define FL_FRAME_PAGE_H

#include "frame/pins.h"

/* Makes a page and maps it. Returns a descriptor for the reader, sealed against another size, or an error. */
int fl_frames_page_make_(struct fl_pins **ret_pins);
/* Maps a page from its descriptor, which it closes. Returns 0, -ENOMEM, -EPROTO: it is not one. */
int fl_frames_page_map_(struct fl_pins **ret_pins, int fd);
void fl_frames_page_unmap_(struct fl_pins *pins);

#endif
