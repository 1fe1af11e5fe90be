/*
 * fuzz_web.c - see fuzz_web.h. All of web.h is here, so that nothing of libwebsockets is linked; what no test comes to
 * calls abort.
 */
#include "fuzz_web.h"

#include "fuzz.h"
#include "hub/images/synthetic.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "No signal" is tested elsewhere; to paint it takes longer than all else here. */
void synthetic_no_signal(const fl_frame_info *info, void *data, const char *name, const char *why)
{
	FUZZ_EXPECT(*name && *why, "there is no signal, and it is not said why");
	memset(data, 0, info->size);
}

void web_set_role(struct web_client *client, const struct web_role *role, void *data)
{
	client->role = role;
	client->data = data;
}

static bool get(const struct fuzz_field *field, char *ret_value, size_t size)
{
	bool fits = field->there && strlen(field->text) < size;

	ret_value[0] = '\0';
	if (fits)
		memcpy(ret_value, field->text, strlen(field->text) + 1);
	return fits && field->text[0] != '\0';
}

bool web_header(struct web_client *client, enum web_header header, char *ret_value, size_t size)
{
	return get(&client->headers[header], ret_value, size);
}

bool web_has_header(struct web_client *client, enum web_header header)
{
	return client->headers[header].there && client->headers[header].text[0] != '\0';
}

bool web_argument(struct web_client *client, const char *name, char *ret_value, size_t size)
{
	const struct fuzz_field none = {false, ""};
	const struct fuzz_field *field = strcmp(name, "token") == 0    ? &client->token
					 : strcmp(name, "window") == 0 ? &client->window
					 : strcmp(name, "every") == 0  ? &client->every
								       : &none;

	get(field, ret_value, size);
	return field->there && strlen(field->text) < size;
}

void web_allow_origin(struct web_client *client, const char *origin)
{
	(void)client;
	FUZZ_EXPECT(strcmp(origin, "https://page.example") == 0, "a page of %s was let in", origin);
}

bool web_is_local(const struct web *web)
{
	(void)web;
	return true;
}

void web_say(struct web_client *client, unsigned status, const char *format, ...)
{
	char text[512];
	va_list list;
	size_t length;

	va_start(list, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): as in fuzz_hub.c */
	vsnprintf(text, sizeof(text) - 1, format, list);
	va_end(list);
	length = strlen(text);
	text[length] = '\n';
	web_reply(client, status, "text/plain", NULL, text, length + 1);
}

bool web_is_tls(const struct web_client *client)
{
	return client->tls;
}

void web_peer(struct web_client *client, char *ret_peer, size_t size)
{
	(void)client;
	snprintf(ret_peer, size, "127.0.0.1:1");
}

void web_reply(struct web_client *client, unsigned status, const char *type, const struct web_field *fields,
	       const void *body, size_t size)
{
	(void)fields;
	FUZZ_EXPECT(client->status == 0, "it is replied to twice");
	FUZZ_EXPECT(status >= 200 && status < 600 && *type, "status %u", status);
	FUZZ_EXPECT(size == 0 || ((const char *)body)[size - 1] == '\n', "a reply of %zu bytes", size);
	client->status = status;
}

void web_close_saying(struct web_client *client, unsigned status, const char *format, ...)
{
	va_list list;

	FUZZ_EXPECT(client->closed == 0, "it is closed twice");
	client->closed = status;
	va_start(list, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): as in fuzz_hub.c */
	vsnprintf(client->reason, sizeof(client->reason), format, list);
	va_end(list);
#ifdef FUZZ_PLANT
	if (status == 1009)
		client->reason[0] = '\0';
#endif
}

void web_want(struct web_client *client)
{
	(void)client;
}

struct web {
	int nothing;
} fuzz_web;

void web_wake(struct web *web)
{
	(void)web;
}

/* What comes with hub.c, and is not called. */

int web_open(struct web **ret_web, const struct web_options *options, const struct web_handlers *handlers, void *arg)
{
	(void)ret_web, (void)options, (void)handlers, (void)arg;
	abort();
}

struct web *web_close(struct web *web)
{
	(void)web;
	abort();
}

void web_serve(struct web *web)
{
	(void)web;
	abort();
}

void web_stop(struct web *web)
{
	(void)web;
	abort();
}

int web_port(const struct web *web)
{
	(void)web;
	abort();
}

unsigned web_clients(const struct web *web)
{
	(void)web;
	abort();
}

uint64_t web_refused(const struct web *web)
{
	(void)web;
	abort();
}

void web_begin(struct web_client *client, const char *type, const struct web_field *fields)
{
	(void)client, (void)type, (void)fields;
	abort();
}

bool web_send(struct web_client *client, enum web_kind kind, void *data, size_t size)
{
	(void)client, (void)kind, (void)data, (void)size;
	abort();
}

void web_drop(struct web_client *client)
{
	(void)client;
	abort();
}
