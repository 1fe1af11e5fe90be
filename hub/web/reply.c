/*
 * hub/web/reply.c - what clients are replied, see web.h.
 */
#include "client.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEADERS 2048

/* What every reply says: nobody is to guess at its type, or to show it in a frame of theirs. */
static const struct web_field always[] = {
	{"x-content-type-options", "nosniff"},
	{"referrer-policy", "no-referrer"},
	{"x-frame-options", "DENY"},
	{NULL, NULL},
};

/* Who may use it: the hub's own page; or also one of that origin. */
static const struct web_field own[] = {{"cross-origin-resource-policy", "same-origin"}, {NULL, NULL}};

static void make_foreign(const char *origin, struct web_field ret_fields[4])
{
	ret_fields[0] = (struct web_field){"cross-origin-resource-policy", "cross-origin"};
	ret_fields[1] = (struct web_field){"access-control-allow-origin", origin};
	ret_fields[2] = (struct web_field){"vary", "origin"};
	ret_fields[3] = (struct web_field){NULL, NULL};
}

struct head {
	unsigned char data[LWS_PRE + HEADERS];
	unsigned char *at, *end;
};

static bool add(struct web_client *client, struct head *head, const char *name, const char *value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s:", name);
	return lws_add_http_header_by_name(client->wsi, (const unsigned char *)key, (const unsigned char *)value,
					   (int)strlen(value), &head->at, head->end) == 0;
}

static bool add_all(struct web_client *client, struct head *head, const struct web_field *fields)
{
	bool whole = true;

	for (; fields && fields->name; fields++)
		whole = whole && add(client, head, fields->name, fields->value);
	return whole;
}

static bool begin_head(struct web_client *client, struct head *head, unsigned status, const char *type,
		       lws_filepos_t size, const struct web_field *fields)
{
	struct web_field foreign[4];
	bool whole;

	head->at = head->data + LWS_PRE;
	head->end = head->data + sizeof(head->data);
	whole = lws_add_http_common_headers(client->wsi, status, type, size, &head->at, head->end) == 0;
	/* libwebsockets has not looked at the version yet when it asks about an upgrade, and says 1.0 then. */
	memcpy(head->data + LWS_PRE, "HTTP/1.1", 8);
	if (client->final && size != LWS_ILLEGAL_HTTP_CONTENT_LEN) /* which says so itself */
		whole = whole && add(client, head, "connection", "close");
	if (client->origin)
		make_foreign(client->origin, foreign);
	whole = whole && add_all(client, head, always) && add_all(client, head, fields) &&
		add_all(client, head, client->origin ? foreign : own);
	return whole && lws_finalize_write_http_header(client->wsi, head->data + LWS_PRE, &head->at, head->end) == 0;
}

static unsigned char *bytes_of(const void *data)
{
	return (unsigned char *)(uintptr_t)data; /* lws_write takes it unqualified, and leaves HTTP bodies alone */
}

void web_reply(struct web_client *client, unsigned status, const char *type, const struct web_field *fields,
	       const void *body, size_t size)
{
	struct head head;

	if (client->replied)
		return;
	client->replied = true;
	if (!begin_head(client, &head, status, type, size, fields) ||
	    (size > 0 && !client->bare && lws_write(client->wsi, bytes_of(body), size, LWS_WRITE_HTTP_FINAL) < 0)) {
		client->over = true;
		return;
	}
	if (lws_partial_buffered(client->wsi))
		client_await_taking(client);
	if (client->final || (!client->upgrading && lws_http_transaction_completed(client->wsi) != 0))
		client->over = true;
	/* The reply may come later than the handler of the request has returned, which would have closed. */
	if (client->over)
		lws_callback_on_writable(client->wsi);
}

void web_begin(struct web_client *client, const char *type, const struct web_field *fields)
{
	struct head head;

	client->replied = client->begun = true;
	/* During a request libwebsockets does not read. But it polls for that, and does not wait when there is
	 * something, be it the end: so that has to be read here. */
	if (!begin_head(client, &head, 200, type, LWS_ILLEGAL_HTTP_CONTENT_LEN, fields) ||
	    !client_look_directly(client))
		client->over = true;
	else
		lws_set_timeout(client->wsi, NO_PENDING_TIMEOUT, 0);
	client->checked = false;
	lws_callback_on_writable(client->wsi);
}

void web_say(struct web_client *client, unsigned status, const char *format, ...)
{
	char text[512];
	va_list list;
	size_t length;

	va_start(list, format);
	vsnprintf(text, sizeof(text) - 1, format, list);
	va_end(list);
	length = strlen(text);
	memcpy(text + length, "\n", 2);
	web_reply(client, status, "text/plain; charset=utf-8", NULL, text, status == 204 ? 0 : length + 1);
}
