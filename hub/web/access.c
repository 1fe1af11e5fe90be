/*
 * hub/web/access.c - see access.h.
 */
#include "access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 256u
#define COOKIE "fairlead-token"

static bool is_address(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Takes the port off, and the brackets of an IPv6 address. Returns false: there is something else. */
static bool strip(char *host)
{
	char *end = host[0] == '[' ? strchr(host, ']') : NULL, *port = end ? end + 1 : strchr(host, ':');

	if (host[0] == '[' && !end)
		return false;
	/* More than one colon, and no brackets: an IPv6 address without a port. */
	if (!port || *port == '\0' || (!end && strchr(port + 1, ':')))
		port = NULL;
	if (port && (*port != ':' || port[1] == '\0' || port[1 + strspn(port + 1, "0123456789")] != '\0'))
		return false;
	if (port)
		*port = '\0';
	if (end) {
		*end = '\0';
		memmove(host, host + 1, strlen(host));
	}
	return true;
}

static const char *one_of(const char *text, const char *const *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (strcasecmp(text, list[i]) == 0)
			return list[i];
	return NULL;
}

static bool host_is_ours(struct hub *hub, const char *host)
{
	char name[LONGEST];
	struct in6_addr six;

	snprintf(name, sizeof(name), "%s", host);
	if (!strip(name))
		return false;
	if (host[0] == '[')
		return inet_pton(AF_INET6, name, &six) == 1;
	return is_address(name) || strcasecmp(name, "localhost") == 0 ||
	       one_of(name, hub->config->hosts, hub->config->n_hosts) != NULL;
}

/* A page from elsewhere that was allowed. */
static bool allowed_elsewhere(struct hub *hub, struct web_client *client, const char *origin)
{
	const char *allowed = one_of(origin, hub->config->origins, hub->config->n_origins);

	if (allowed)
		web_allow_origin(client, allowed);
	return allowed != NULL;
}

static bool origin_is_ours(struct hub *hub, struct web_client *client, const char *origin, const char *host)
{
	char mine[LONGEST + 16];

	snprintf(mine, sizeof(mine), "%s://%s", web_is_tls(client) ? "https" : "http", host);
	return strcasecmp(origin, mine) == 0 || allowed_elsewhere(hub, client, origin);
}

/* For images a browser sends no Origin, but the beginning of the page's address: that is the origin. */
static bool referer_allowed(struct hub *hub, struct web_client *client)
{
	char referer[LONGEST], *end;

	if (!web_header(client, WEB_REFERER, referer, sizeof(referer)))
		return false;
	end = strstr(referer, "://");
	end = end ? strchr(end + 3, '/') : NULL;
	if (end)
		*end = '\0';
	return allowed_elsewhere(hub, client, referer);
}

/* Somebody follows a link to the hub: what comes is shown as a page of its own, and not to the page with the link. */
static bool is_visit(struct web_client *client)
{
	char mode[16];

	return web_header(client, WEB_MODE, mode, sizeof(mode)) && strcmp(mode, "navigate") == 0;
}

static bool origin_allowed(struct hub *hub, struct web_client *client, const char *host)
{
	char origin[LONGEST], site[32];

	if (web_header(client, WEB_ORIGIN, origin, sizeof(origin)))
		return origin_is_ours(hub, client, origin, host);
	if (web_has_header(client, WEB_ORIGIN))
		return false; /* too long to be ours */
	if (!web_has_header(client, WEB_SITE))
		return true;
	web_header(client, WEB_SITE, site, sizeof(site)); /* one that is too long is none of these */
	return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 || is_visit(client) ||
	       referer_allowed(hub, client);
}

/* In a time that depends on the length of what was sent alone. */
static bool is_token(struct hub *hub, const char *text)
{
	const char *token = hub->config->token;
	size_t length = strlen(token), n = strlen(text);
	unsigned differ = length != n;

	for (size_t i = 0; i < n; i++)
		differ |= (unsigned)(unsigned char)text[i] ^ (unsigned)(unsigned char)token[i < length ? i : length];
	return differ == 0;
}

static bool has_cookie(struct hub *hub, struct web_client *client)
{
	char cookies[1024], *rest = cookies, *cookie;

	if (!web_header(client, WEB_COOKIE, cookies, sizeof(cookies)))
		return false;
	while ((cookie = strsep(&rest, ";")) != NULL) {
		cookie += strspn(cookie, " ");
		if (strncmp(cookie, COOKIE "=", sizeof(COOKIE)) == 0 && is_token(hub, cookie + sizeof(COOKIE)))
			return true;
	}
	return false;
}

static bool has_token(struct hub *hub, struct web_client *client)
{
	char text[LONGEST];

	if (web_header(client, WEB_AUTHORIZATION, text, sizeof(text)) && strncasecmp(text, "Bearer ", 7) == 0 &&
	    is_token(hub, text + 7))
		return true;
	return (web_argument(client, "token", text, sizeof(text)) && is_token(hub, text)) || has_cookie(hub, client);
}

bool access_allowed(struct hub *hub, struct web_client *client)
{
	static const struct web_field ask[] = {{"www-authenticate", "Bearer"}, {NULL, NULL}};
	static const char no_token[] = "a token is asked for: Authorization: Bearer TOKEN, or ?token=TOKEN\n";
	char host[LONGEST];

	if (!web_header(client, WEB_HOST, host, sizeof(host)) || !host_is_ours(hub, host))
		web_say(client, 403, "this hub is not called %.64s: allow that with --host", *host ? host : "that");
	else if (!origin_allowed(hub, client, host))
		web_say(client, 403, "a page from elsewhere may not use this hub: allow that with --origin");
	else if (hub->config->token && !has_token(hub, client))
		web_reply(client, 401, "text/plain; charset=utf-8", ask, no_token, sizeof(no_token) - 1);
	else
		return true;
	return false;
}

bool access_cookie(struct hub *hub, struct web_client *client, char *ret_value, size_t size)
{
	char text[LONGEST];

	if (!hub->config->token || !web_argument(client, "token", text, sizeof(text)))
		return false;
	return (size_t)snprintf(ret_value, size, COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s", hub->config->token,
				web_is_tls(client) ? "; Secure" : "") < size;
}
