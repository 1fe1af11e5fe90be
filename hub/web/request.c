/*
 * hub/web/request.c - what a client asks: its headers and arguments, which libwebsockets has taken apart. See web.h.
 */
#include "client.h"
#include "sockets.h"
#include <stdio.h>
#include <string.h>

#define LENGTH 18      /* digits of a number that fits */
#define ARGUMENTS 4097 /* what libwebsockets keeps of a request's head is less */

/* libwebsockets knows the usual headers by number, and others by name. */
static const char *const names[] = {[WEB_SITE] = "sec-fetch-site:", [WEB_MODE] = "sec-fetch-mode:"};
static const enum lws_token_indexes tokens[] = {
	[WEB_HOST] = WSI_TOKEN_HOST,
	[WEB_ORIGIN] = WSI_TOKEN_ORIGIN,
	[WEB_AUTHORIZATION] = WSI_TOKEN_HTTP_AUTHORIZATION,
	[WEB_COOKIE] = WSI_TOKEN_HTTP_COOKIE,
	[WEB_IF_NONE_MATCH] = WSI_TOKEN_HTTP_IF_NONE_MATCH,
	[WEB_REFERER] = WSI_TOKEN_HTTP_REFERER,
};

bool web_has_header(struct web_client *client, enum web_header header)
{
	if (header >= WEB_SITE)
		return lws_hdr_custom_length(client->wsi, names[header], (int)strlen(names[header])) > 0;
	return lws_hdr_total_length(client->wsi, tokens[header]) > 0;
}

bool web_header(struct web_client *client, enum web_header header, char *ret_value, size_t size)
{
	int length;

	if (header >= WEB_SITE)
		length = lws_hdr_custom_copy(client->wsi, ret_value, (int)size, names[header],
					     (int)strlen(names[header]));
	else
		length = lws_hdr_copy(client->wsi, ret_value, (int)size, tokens[header]);
	if (length <= 0)
		ret_value[0] = '\0';
	return length > 0;
}

bool web_argument(struct web_client *client, const char *name, char *ret_value, size_t size)
{
	char key[32], argument[ARGUMENTS];
	size_t length = (size_t)snprintf(key, sizeof(key), "%s=", name);
	bool found = false;

	for (int i = 0; !found; i++) {
		if (lws_hdr_copy_fragment(client->wsi, argument, sizeof(argument), WSI_TOKEN_HTTP_URI_ARGS, i) < 0)
			break;
		found = strncmp(argument, key, length) == 0;
	}
	found = found && strlen(argument + length) < size;
	snprintf(ret_value, size, "%s", found ? argument + length : "");
	return found;
}

static bool is_version(struct web_client *client, const char *version)
{
	char text[16];

	return lws_hdr_copy(client->wsi, text, sizeof(text), WSI_TOKEN_HTTP) > 0 && strcmp(text, version) == 0;
}

const char *client_request_wrong(struct web_client *client)
{
	char length[24];
	bool has_length = lws_hdr_total_length(client->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	if (!is_version(client, "HTTP/1.1") && !is_version(client, "HTTP/1.0"))
		return "a request begins with a line METHOD PATH HTTP/1.1";
	if (has_length && (lws_hdr_copy(client->wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
			   strlen(length) > LENGTH || length[strspn(length, "0123456789")] != '\0'))
		return "the length of a body is one number";
	return NULL;
}

bool client_body_is_empty(struct web_client *client)
{
	char length[24];

	return lws_hdr_copy(client->wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0 &&
	       strspn(length, "0") == strlen(length);
}

static bool is_key(const char *key)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return strlen(key) == 24 && strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0;
}

const char *client_handshake_wrong(struct web_client *client)
{
	char key[32];

	if (!is_version(client, "HTTP/1.1") || lws_hdr_total_length(client->wsi, WSI_TOKEN_GET_URI) <= 0)
		return "a WebSocket is asked for by GET PATH HTTP/1.1";
	if (lws_hdr_copy(client->wsi, key, sizeof(key), WSI_TOKEN_KEY) <= 0 || !is_key(key))
		return "a Sec-WebSocket-Key is 16 bytes in base64";
	return NULL;
}

bool client_has_version(struct web_client *client)
{
	char version[8];

	return lws_hdr_copy(client->wsi, version, sizeof(version), WSI_TOKEN_VERSION) > 0 && strcmp(version, "13") == 0;
}

void web_allow_origin(struct web_client *client, const char *origin)
{
	client->origin = origin;
}

bool web_is_tls(const struct web_client *client)
{
	return lws_is_ssl(client->wsi);
}

void web_peer(struct web_client *client, char *ret_peer, size_t size)
{
	sockets_peer(lws_get_socket_fd(client->wsi), ret_peer, size);
}
