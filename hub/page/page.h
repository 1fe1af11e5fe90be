/*
 * hub/page/page.h - the files of the hub's page (hub/page/), which are part of the program: scripts/embed makes the C
 * file that defines this table when the hub is built. All of it is constant, so any thread may read it.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stddef.h>

struct page_file {
	const char *path; /* of the request: "/" for the page itself, else "/" and the file's name */
	const char *type; /* for Content-Type */
	const unsigned char *data;
	size_t size;
	const char *etag; /* with its quotes: as it stands in ETag and If-None-Match */
};

/* In the order of their paths. */
extern const struct page_file page_files[];
extern const size_t n_page_files;

#endif
