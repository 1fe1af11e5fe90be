/*
 * hub/web/reply.c - see reply.h.
 */
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct web_field reply_always[] = {
	{"x-content-type-options", "nosniff"},
	{"referrer-policy", "no-referrer"},
	{"x-frame-options", "DENY"},
	{NULL, NULL},
};

const struct web_field reply_own[] = {{"cross-origin-resource-policy", "same-origin"}, {NULL, NULL}};

void reply_foreign(const char *origin, struct web_field ret_fields[4])
{
	ret_fields[0] = (struct web_field){"cross-origin-resource-policy", "cross-origin"};
	ret_fields[1] = (struct web_field){"access-control-allow-origin", origin};
	ret_fields[2] = (struct web_field){"vary", "origin"};
	ret_fields[3] = (struct web_field){NULL, NULL};
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
