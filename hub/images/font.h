/*
 * hub/images/font.h - a small bitmap font: printable ASCII in 5 x 9 pixels, so that text can be burnt into pictures.
 *
 * It is a table and no font file, so that the hub needs neither a library nor a file to write on a frame. draw.c
 * scales it by whole numbers.
 */
#ifndef HUB_FONT_H
#define HUB_FONT_H

#include <stdint.h>

#define FONT_FIRST 0x20
#define FONT_LAST 0x7e
#define FONT_WIDTH 5
#define FONT_HEIGHT 9
#define FONT_ASCENT 7 /* rows above the line that capitals stand on */

extern const uint8_t font_glyphs[FONT_LAST - FONT_FIRST + 1][FONT_HEIGHT];

#endif
