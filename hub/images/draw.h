/*
 * hub/images/draw.h - draws into pictures: rectangles, outlines, discs, text; and writes and reads a time code.
 *
 * A picture is a description and the bytes that it speaks of: RGB24, GRAY8 or I420, with any offsets and strides. In
 * other formats nothing is drawn. The description must be one that fl_frame_info_check accepts for the memory; then
 * nothing outside the picture is written, wherever a shape lies: what is beyond the border is cut off. What lies
 * between the end of a row and its stride is left alone.
 *
 * Colours are 0xRRGGBB. In I420 and GRAY8 they take all of 0 to 255, as in JPEG files (BT.601).
 * In I420 two by two pixels share their colour, so at an edge one pixel beside a shape may be tinted.
 *
 * The time code. In the bottom left corner a row of 60 square cells, black or white, says when the picture was made:
 * 4 cells to find it by (1, 0, 1, 0; 1 is white), 48 bits of milliseconds since 1970, the highest first, and 8 bits,
 * the sum of the six bytes before. A cell is DRAW_CELL(width) pixels. It can be read from a JPEG, and from a picture
 * that was enlarged 2, 1.5, 3 or 4 times, so that what a viewer sees tells how old it is. Pictures under 240 pixels
 * wide have no room for it.
 *
 * All calls may come from any thread.
 */
#ifndef HUB_DRAW_H
#define HUB_DRAW_H

#include <fairlead/frame.h>
#include <stdbool.h>
#include <stdint.h>

/* The left top corner, and the size; in pixels. One with a size under 1 has no pixels. */
struct draw_area {
	int32_t x, y, width, height;
};

#define DRAW_CELLS 60u
#define DRAW_CELL(width) ((width) / 80 > 4 ? (width) / 80 : 4)

/* Of text: how wide n characters are and how high a line is, with the space to the next one. */
#define DRAW_TEXT_WIDTH(n, scale) ((int32_t)(n)*6 * (int32_t)(scale))
#define DRAW_TEXT_HEIGHT(scale) (10 * (int32_t)(scale))

/* Whether something can be drawn into it. */
bool draw_can(const fl_frame_info *info);

void draw_rectangle(const fl_frame_info *info, void *data, struct draw_area area, uint32_t color);

/* Draws the outermost n pixels of the area. */
void draw_outline(const fl_frame_info *info, void *data, struct draw_area area, int32_t n, uint32_t color);

/* Draws all pixels whose distance from (x, y) is at most the radius. */
void draw_disc(const fl_frame_info *info, void *data, int32_t x, int32_t y, int32_t radius, uint32_t color);

/* Writes a line of ASCII whose first character has its left top corner at (x, y), each pixel of the font scale x scale
 * large. What is not printable becomes a question mark. */
void draw_text(const fl_frame_info *info, void *data, int32_t x, int32_t y, uint32_t scale, uint32_t color,
	       const char *text);

/* Where the time code of a picture of that size is; without pixels if there is no room. */
struct draw_area draw_time_code_area(const fl_frame_info *info);

/* Writes the time, which must not be before 1970. */
void draw_time_code(const fl_frame_info *info, void *data, int64_t unix_us);

/* Reads it. Returns 0; -EBADMSG: there is none, or it is damaged. */
int draw_read_time_code(const fl_frame_info *info, const void *data, int64_t *ret_unix_ms);

#endif
