/*
 * hub/status.h - how the hub is doing: as JSON for the page and for programs, as text for Prometheus, and as the
 * summary at the end. By the network thread.
 */
#ifndef HUB_STATUS_H
#define HUB_STATUS_H

#include "hub.h"

/* Returns a text that is to be freed; NULL: no memory. */
char *status_json(struct hub *hub) FL_ALL_NONNULL;
char *status_metrics(struct hub *hub) FL_ALL_NONNULL;
/* The summary. */
void status_summary(struct hub *hub, FILE *out) FL_ALL_NONNULL;

#endif
