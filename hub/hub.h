/*
 * hub/hub.h - the frame hub: frames come in by sources, go through processors, and go out to browsers, programs and
 * files.
 *
 *   sources (source.h)  ──►  stream ──► processors (processor.h) ──► stream
 *   WebSocket (ingest.h) ─►    │                                        │
 *                              ├──► view (view.h): JPEGs, while somebody looks ──► viewers (viewers.h), snapshots
 *                              ├──► record (record.h)
 *                              └──► other processes, by the frame channel
 *
 * Threads. One for each source, processor, view and recording; each sleeps until there is a frame. The network has one
 * thread (web.h), the one that calls hub_run. Nobody waits for another: what passes between them are frames in channels
 * and figures under small locks.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "stream.h"
#include <fairlead/time.h>
#include <stdatomic.h>
#include <stdio.h>

#define HUB_STREAMS 64u
#define HUB_NAMES 8u

/* A source: `what` is as source_wrong (source.h) says. A processor: of which stream, and what (processor.h). */
struct hub_source_config {
	const char *name, *what;
};
struct hub_processor_config {
	const char *name, *of, *what;
	bool isolated; /* in a process of its own */
	bool program;  /* `what` is an outside program */
};
struct hub_record_config {
	const char *stream, *file;
};

struct hub_config {
	const char *address;            /* to listen at */
	int port;                       /* 0: any */
	int socket;                     /* a listening socket that was passed in; -1 */
	bool quiet_token;               /* it is not printed */
	const char *token;              /* NULL: none is asked for */
	const char *hosts[HUB_NAMES];   /* names that a request may call the hub by, besides addresses and localhost */
	const char *origins[HUB_NAMES]; /* other pages that may use it */
	unsigned n_hosts, n_origins;
	const char *certificate, *key; /* TLS */

	struct hub_source_config sources[HUB_STREAMS];
	struct hub_processor_config processors[HUB_STREAMS];
	struct hub_record_config records[HUB_STREAMS];
	unsigned n_sources, n_processors, n_records;

	bool on_demand; /* sources work only while somebody looks, */
	fl_time linger; /* and so long after that */
	bool channels;  /* other processes may read the streams */
	bool ingest;    /* a WebSocket client may make a new source */
	bool verify;
	int quality;           /* of JPEGs, 1 to 100 */
	unsigned clients;      /* at most, */
	uint64_t message_size; /* bytes of a frame from outside, */
	uint64_t pixels;       /* pixels of one, */
	unsigned patience;     /* and seconds for headers, and for a client that does not read */
	uint64_t record_limit; /* bytes of a recording */
	fl_time run_for;       /* FL_FOREVER */
	bool json;             /* the summary */
};

/* What a hub is like if nobody says otherwise, without sources. */
extern const struct hub_config hub_usual;

struct hub {
	const struct hub_config *config;
	struct web *web;
	fl_time started;
	atomic_uint_fast64_t torn;
	fl_lock lock;
	struct stream *streams[HUB_STREAMS]; /* under the lock; they stay until the end */
	unsigned n_streams;
};

/* Runs a hub: prints the page's address to `out`, serves until SIGINT, SIGTERM or SIGHUP, or the time is over, stops
 * everything and prints a summary. Returns 0; or says on `err` what is wrong and returns -errno. Once in a process. */
int hub_run(const struct hub_config *config, FILE *out, FILE *err) FL_ALL_NONNULL;

/* The stream of that name; NULL: there is none. */
struct stream *hub_find(struct hub *hub, const char *name) FL_ALL_NONNULL;
/* Copies who is there, in the order in which they came. Returns how many. */
unsigned hub_streams(struct hub *hub, struct stream *ret_streams[HUB_STREAMS]) FL_ALL_NONNULL;
/* Makes a stream. Returns 0, -EEXIST, -ENOSPC: there are too many; or as stream_open. */
int hub_add(struct hub *hub, const char *name, struct stream **ret_stream) FL_ALL_NONNULL FL_MUST_CHECK;

#endif
