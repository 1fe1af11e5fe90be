/*
 * hub/web/access.h - who may ask: looked at for every request, before anything else.
 *
 * A browser runs pages of strangers on the user's machine, so "only this machine" is not enough:
 *   - the Host must be an address, localhost, or one that was allowed: a stranger's name that was made to point here is
 *     none (DNS rebinding);
 *   - the Origin, if there is one, must be that of the hub's own page, or one that was allowed; and what a browser
 *   calls
 *     cross-site is refused where it sends no Origin (images);
 *   - the token, if one is asked for, must be right: as "Authorization: Bearer", as ?token=, or in the cookie that the
 *   page
 *     gets. It is compared in constant time.
 */
#ifndef HUB_ACCESS_H
#define HUB_ACCESS_H

#include "hub.h"
#include "web.h"

/* Returns whether this client may go on; false: it has been told why not. */
bool access_allowed(struct hub *hub, struct web_client *client) FL_ALL_NONNULL;

/* The field that lets a browser keep the token, if the request brought it by ?token=. Returns false: nothing to set. */
bool access_cookie(struct hub *hub, struct web_client *client, char *ret_value, size_t size) FL_ALL_NONNULL;

#endif
