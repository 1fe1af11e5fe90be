/*
 * hub/images/jpeg.h - images to JPEG files in memory, and back.
 *
 * A struct jpeg keeps what the coder needs from one image to the next. It is used by one thread at a time. JPEG files
 * come from anywhere: what is wrong with one gives -EBADMSG and a sentence, and nothing worse.
 *
 *     struct jpeg *jpeg = jpeg_open();
 *     size_t room = jpeg_bound(info.width, info.height);
 *     error = jpeg_encode(jpeg, &info, data, 85, memory, room, &size);
 *     jpeg = jpeg_close(jpeg);
 */
#ifndef FAIRLEAD_HUB_JPEG_H
#define FAIRLEAD_HUB_JPEG_H

#include <fairlead/frame.h>
#include <stddef.h>
#include <stdint.h>

#define JPEG_MAX_PIXELS (1u << 26) /* larger images are refused, both ways: 8192 x 8192 */
#define JPEG_MAX_SIDE 65500u       /* pixels, as the coder has it */

struct jpeg;

/* Makes a coder. Returns NULL if there is no memory. */
struct jpeg *jpeg_open(void);

/* Ends it. NULL is allowed. Returns NULL. */
struct jpeg *jpeg_close(struct jpeg *jpeg);

/* Returns how many bytes the JPEG of an image of so many pixels has at most; 0 if it is too large to be encoded. */
size_t jpeg_bound(uint32_t width, uint32_t height);

/* Encodes an image of any format that has pixels to `to`, where there is room for jpeg_bound bytes. `quality` is from 1
 * to
 * 100. Colour is kept at half the resolution (4:2:0). Returns 0;
 * -EINVAL: it has no pixels, or the quality is not one; -EMSGSIZE: it is too large, or the room is less than that;
 * -ENOMEM. */
int jpeg_encode(struct jpeg *jpeg, const fl_frame_info *info, const void *data, int quality, void *to, size_t room,
		size_t *ret_size);

/* Looks at the header of a JPEG, and whether it is there to its end (behind which there may be zeros). Returns 0;
 * -EBADMSG: it is none, or not all of it, or has no pixels; -EMSGSIZE: it has more than JPEG_MAX_PIXELS. `why` then has
 * a sentence that begins in lower case and has no full stop. */
int jpeg_look(const void *data, size_t size, uint32_t *ret_width, uint32_t *ret_height, char *why, size_t why_size);

/* Decodes a JPEG to an image of RGB24, GRAY8 or I420 that has its width and height. For I420, that of a JPEG with an
 * odd width or height is one less: the last column or row is left out. What is in ret_pixels after a failure is not
 * defined. Returns 0, -EBADMSG and -EMSGSIZE as jpeg_look;
 * -EBADMSG also: what is behind the header is damaged; -EINVAL: `to` is not as it must be; -ENOMEM. */
int jpeg_decode(struct jpeg *jpeg, const void *data, size_t size, const fl_frame_info *to, void *ret_pixels, char *why,
		size_t why_size);

#endif
