/*
 * hub/web/routes.c - see routes.h.
 */
#include "routes.h"

#include "access.h"
#include "hub.h"
#include "ingest.h"
#include "page/page.h"
#include "processor.h"
#include "status.h"
#include "viewers.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What comes after a prefix of the path; NULL: it has another one. */
static const char *after(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

static struct stream *stream_or_say(struct hub *hub, struct web_client *client, const char *name)
{
	struct stream *stream = hub_find(hub, name);

	if (!stream)
		web_say(client, 404, "there is no stream %.64s", name);
	return stream;
}

/* The page. */

static bool is_known(struct web_client *client, const char *etag)
{
	char known[64];

	return web_header(client, WEB_IF_NONE_MATCH, known, sizeof(known)) && strcmp(known, etag) == 0;
}

static void reply_page(struct hub *hub, struct web_client *client, const struct page_file *file)
{
	char cookie[512];
	const struct web_field fields[] = {
		{"etag", file->etag},
		{"cache-control", "no-cache"},
		{"content-security-policy",
		 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
		 "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
		{access_cookie(hub, client, cookie, sizeof(cookie)) ? "set-cookie" : NULL, cookie},
		{NULL, NULL},
	};

	if (is_known(client, file->etag))
		web_reply(client, 304, file->type, fields, NULL, 0);
	else
		web_reply(client, 200, file->type, fields, file->data, file->size);
}

static bool try_page(struct hub *hub, struct web_client *client, const char *path)
{
	for (size_t i = 0; i < n_page_files; i++)
		if (strcmp(path, page_files[i].path) == 0) {
			reply_page(hub, client, &page_files[i]);
			return true;
		}
	return false;
}

/* The rest of what is asked for by GET. */

static void reply_text(struct web_client *client, const char *type, char *text)
{
	static const struct web_field fields[] = {{"cache-control", "no-store"}, {NULL, NULL}};

	if (text)
		web_reply(client, 200, type, fields, text, strlen(text));
	else
		web_say(client, 503, "no memory");
	free(text);
}

static void get(struct hub *hub, struct web_client *client, const char *path)
{
	struct stream *stream;
	const char *name;

	if (try_page(hub, client, path))
		return;
	if (strcmp(path, "/status") == 0) {
		reply_text(client, "application/json", status_json(hub));
	} else if (strcmp(path, "/metrics") == 0) {
		reply_text(client, "text/plain; version=0.0.4; charset=utf-8", status_metrics(hub));
	} else if ((name = after(path, "/mjpeg/")) != NULL) {
		stream = stream_or_say(hub, client, name);
		if (stream)
			viewers_add_multipart(stream, client);
	} else if ((name = after(path, "/jpeg/")) != NULL) {
		stream = stream_or_say(hub, client, name);
		if (stream)
			viewers_add_snapshot(stream, client);
	} else {
		web_say(client, 404, "there is no %.128s here", path);
	}
}

static void post(struct hub *hub, struct web_client *client, const char *path)
{
	const char *rest = after(path, "/processors/"), *verb = rest ? strrchr(rest, '/') : NULL;
	bool start = verb && strcmp(verb, "/start") == 0, stop = verb && strcmp(verb, "/stop") == 0;
	char name[FL_FRAMES_NAME];
	struct stream *stream;

	if ((!start && !stop) || (size_t)(verb - rest) >= sizeof(name)) {
		web_say(client, 404, "nothing is to be posted to %.128s", path);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(verb - rest), rest);
	stream = stream_or_say(hub, client, name);
	if (!stream)
		return;
	if (!stream->processor) {
		web_say(client, 409, "%s is no processor", name);
		return;
	}
	processor_want(stream->processor, start);
	web_say(client, 204, "%s", "");
}

static void refuse_method(struct web_client *client)
{
	static const struct web_field allow[] = {{"allow", "GET, POST"}, {NULL, NULL}};
	static const char text[] = "there is GET here, and POST\n";

	web_reply(client, 405, "text/plain; charset=utf-8", allow, text, sizeof(text) - 1);
}

/* The handlers. */

static void request(void *arg, struct web_client *client, enum web_method method, const char *path)
{
	struct hub *hub = arg;

	if (!access_allowed(hub, client))
		return;
	if (method == WEB_GET)
		get(hub, client, path);
	else if (method == WEB_POST)
		post(hub, client, path);
	else
		refuse_method(client);
}

static bool upgrade(void *arg, struct web_client *client, const char *path)
{
	struct hub *hub = arg;
	struct stream *stream;
	const char *name;

	if (!access_allowed(hub, client))
		return false;
	if ((name = after(path, "/in/")) != NULL)
		return ingest_add(hub, client, name);
	if ((name = after(path, "/out/")) != NULL) {
		stream = stream_or_say(hub, client, name);
		return stream && viewers_add_websocket(stream, client);
	}
	web_say(client, 404, "there is no WebSocket at %.128s: there are /in/NAME and /out/NAME", path);
	return false;
}

static void opened(void *arg, struct web_client *client)
{
	(void)arg;
	web_want(client);
}

static void woken(void *arg)
{
	struct stream *streams[HUB_STREAMS];
	unsigned n = hub_streams(arg, streams);

	for (unsigned i = 0; i < n; i++)
		viewers_woken(streams[i]);
}

const struct web_handlers routes = {request, upgrade, opened, woken};
