/*
 * cli/options_near.c - how far one word is from another, to propose what may have been meant.
 *
 * The distance is the number of letters that have to be changed, added, left out, or exchanged with the next one. It
 * needs three rows of the table of all beginnings of `a` against all beginnings of `b`: an exchange looks two rows
 * back.
 */
#include "options.h"

#include <string.h>

#define LONGEST 63

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t options_distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1], n = least(strlen(a), LONGEST), m = least(strlen(b), LONGEST);

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *row = rows[i % 3], *before = rows[(i - 1) % 3], *two_before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(before[j], row[j - 1]) + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], two_before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

bool options_alike(const char *a, const char *b)
{
	size_t length = strlen(b), distance = options_distance(a, b);

	if (strlen(a) >= 3 && strncmp(a, b, strlen(a)) == 0)
		return true;
	return distance < length && distance <= 1 + length / 4;
}
