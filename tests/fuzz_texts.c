/*
 * fuzz_texts.c - the part `texts`: what a request says of itself, to hub/web/access.c and viewers.c; what a source is
 * called, to source.c; and the header of a frame message, to message.c.
 *
 * Who may ask is decided here once more, by comparing whole strings with lists of what is allowed, which are written
 * out: whatever is said, who is let in must be equal to one of them, to its last byte. And who is, is let in.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include "fuzz_web.h"
#include "hub/hub.h"
#include "hub/source.h"
#include "hub/view.h"
#include "hub/web/access.h"
#include "hub/web/message.h"
#include "hub/web/viewers.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN "correct-horse.battery~9"

static struct {
	struct hub_config config;
	struct hub hub;
	struct stream *stream;
	struct web_client client;
} * it;

static void open_part(void)
{
	it = calloc(1, sizeof(*it));
	FUZZ_EXPECT(it, "no memory");
	it->config = hub_usual;
	it->config.channels = false;
	it->config.hosts[0] = "camera.example";
	it->config.hosts[1] = "CAM";
	it->config.n_hosts = 2;
	it->hub.config = &it->config;
	it->hub.web = &fuzz_web;
	FUZZ_EXPECT(hub_add(&it->hub, "cam", &it->stream) == 0, "no stream");
}

static void close_part(void)
{
	view_stop(it->stream->view);
	viewers_close(it->stream);
	view_close(it->stream->view);
	stream_close(it->stream);
	free(it);
}

/* Texts. */

static const char *one_of(const char *const *list, size_t n)
{
	return list[fuzz_below(n)];
}
#define ONE_OF(list) one_of(list, sizeof(list) / sizeof((list)[0]))

/* Any bytes that a header can have, or some that mean something. */
static void any_text(char *text, size_t size)
{
	static const char telling[] = "[]:./@%;= \t,\"'0aA1-_~?#&\\<>\177\200\377";
	size_t n = fuzz_size(size - 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)(fuzz_once_in(2) ? telling[fuzz_below(sizeof(telling) - 1)] : 1 + (int)fuzz_below(255));
	text[n] = '\0';
}

/* One of a list, as it is or changed or with something before or behind it; or any text. */
static void some_text(char *text, size_t size, const char *good)
{
	char more[40];
	size_t n = strlen(good);

	snprintf(text, size, "%s", good);
	switch (fuzz_below(6)) {
	case 0:
		n = fuzz_mutate((unsigned char *)text, n, size - 1);
		text[n] = '\0';
		break;
	case 1:
		any_text(more, sizeof(more));
		snprintf(text, size, "%s%s", good, more);
		break;
	case 2:
		any_text(more, sizeof(more));
		snprintf(text, size, "%s%s", more, good);
		break;
	case 3:
		any_text(text, size);
		break;
	default:
		break;
	}
}

static void set_field(struct fuzz_field *field, const char *good, unsigned seldom)
{
	field->there = !fuzz_once_in(seldom);
	if (field->there)
		some_text(field->text, sizeof(field->text), good);
}

/* Who may ask. */

static const char *const hosts[] = {"127.0.0.1",      "127.0.0.1:8999", "localhost:8999",   "LocalHost",
				    "[::1]:80",       "[2001:db8::1]",  "camera.example:1", "cam",
				    "10.1.2.3:65535", "camera.EXAMPLE"};
static const char *const strangers[] = {"evil.example",
					"localhost.evil.example",
					"127.0.0.1.evil.example:80",
					"",
					"camera.example.evil",
					"[127.0.0.1].evil.example",
					"localhost:evil",
					"[::1]evil"};
static const char *const sites[] = {"same-origin", "none", "cross-site", "same-site"};

/* A name that a hub may be called by. */
static bool is_name(const char *name)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, name, bytes) == 1 || strcasecmp(name, "localhost") == 0 ||
	       strcasecmp(name, "camera.example") == 0 || strcasecmp(name, "cam") == 0;
}

static bool is_port(const char *text)
{
	return *text == '\0' || (*text == ':' && text[1] != '\0' && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

static bool is_host(const struct fuzz_field *field)
{
	char name[FUZZ_TEXT];
	unsigned char bytes[16];
	size_t n;

	if (!field->there || strlen(field->text) >= 256)
		return false;
	snprintf(name, sizeof(name), "%s", field->text);
	if (name[0] == '[') {
		n = strcspn(name, "]");
		if (name[n] != ']' || !is_port(name + n + 1))
			return false;
		name[n] = '\0';
		return inet_pton(AF_INET6, name + 1, bytes) == 1;
	}
	if (inet_pton(AF_INET6, name, bytes) == 1)
		return true; /* without brackets, and then without a port */
	n = strcspn(name, ":");
	if (!is_port(name + n))
		return false;
	name[n] = '\0';
	return is_name(name);
}

/* A page of the origin that is allowed, by its address, or the beginning of that. */
static bool is_referer(const char *text)
{
	static const char origin[] = "https://page.example";
	size_t length = sizeof(origin) - 1;

	return strncasecmp(text, origin, length) == 0 && (text[length] == '\0' || text[length] == '/') &&
	       strlen(text) < 256;
}

/* The origin has to be the host's, or that which is allowed; a browser that sends none says whether it is another's. */
static bool is_origin(const struct web_client *client)
{
	const struct fuzz_field *origin = &client->headers[WEB_ORIGIN], *site = &client->headers[WEB_SITE];
	char own[2 * FUZZ_TEXT];

	if (origin->there && origin->text[0]) {
		snprintf(own, sizeof(own), "http%s://%s", client->tls ? "s" : "", client->headers[WEB_HOST].text);
		return strcasecmp(origin->text, own) == 0 ||
		       (it->config.n_origins > 0 && strcasecmp(origin->text, "https://page.example") == 0);
	}
	return !site->there || !site->text[0] || strcmp(site->text, "same-origin") == 0 ||
	       strcmp(site->text, "none") == 0 || strcmp(client->headers[WEB_MODE].text, "navigate") == 0 ||
	       (it->config.n_origins > 0 && is_referer(client->headers[WEB_REFERER].text));
}

static bool has_cookie(const struct fuzz_field *field)
{
	const char *at = field->text, *end;

	for (; field->there && strlen(field->text) < 1024; at = end + 1) {
		static const char wanted[] = "fairlead-token=" TOKEN;

		end = strchrnul(at, ';');
		at += strspn(at, " ");
		if ((size_t)(end - at) == strlen(wanted) && memcmp(at, wanted, strlen(wanted)) == 0)
			return true;
		if (*end == '\0')
			return false;
	}
	return false;
}

static bool has_token(const struct web_client *client)
{
	const struct fuzz_field *header = &client->headers[WEB_AUTHORIZATION];

	return (header->there && strncasecmp(header->text, "bearer ", 7) == 0 &&
		strcmp(header->text + 7, TOKEN) == 0) ||
	       (client->token.there && strcmp(client->token.text, TOKEN) == 0) ||
	       has_cookie(&client->headers[WEB_COOKIE]);
}

static void make_request(struct web_client *client)
{
	static const char *const cookies[] = {"fairlead-token=" TOKEN, "a=b; fairlead-token=" TOKEN "; c=d",
					      "fairlead-token=" TOKEN "x", "xfairlead-token=" TOKEN, "fairlead-token="};
	static const char *const origins[] = {"https://page.example", "http://evil.example", "null",
					      "http://127.0.0.1"};
	char own[FUZZ_TEXT + 16];

	memset(client, 0, sizeof(*client));
	client->tls = fuzz_once_in(3);
	set_field(&client->headers[WEB_HOST], fuzz_once_in(3) ? ONE_OF(strangers) : ONE_OF(hosts), 20);
	snprintf(own, sizeof(own), "http%s://%s", client->tls ? "s" : "", client->headers[WEB_HOST].text);
	set_field(&client->headers[WEB_ORIGIN], fuzz_once_in(3) ? ONE_OF(origins) : own, 2);
	set_field(&client->headers[WEB_SITE], ONE_OF(sites), 2);
	set_field(&client->headers[WEB_MODE], fuzz_once_in(4) ? "navigate" : "cors", 2);
	set_field(&client->headers[WEB_REFERER], fuzz_once_in(2) ? "https://page.example/a" : "https://page.example",
		  2);
	set_field(&client->headers[WEB_AUTHORIZATION], "Bearer " TOKEN, 2);
	set_field(&client->headers[WEB_COOKIE], ONE_OF(cookies), 2);
	set_field(&client->token, TOKEN, 2);
}

static void ask(void)
{
	struct web_client *client = &it->client;
	bool expected, allowed;

	it->config.token = fuzz_once_in(2) ? TOKEN : NULL;
	it->config.n_origins = fuzz_once_in(3);
	it->config.origins[0] = "https://page.example";
	make_request(client);
	expected = is_host(&client->headers[WEB_HOST]) && is_origin(client) && (!it->config.token || has_token(client));
	allowed = access_allowed(&it->hub, client);
#ifdef FUZZ_PLANT
	allowed = allowed || strncmp(client->headers[WEB_HOST].text, "localhost.", 10) == 0;
#endif
	FUZZ_EXPECT(allowed == expected,
		    "%s: host '%s' origin '%s' site '%s' authorization '%s' cookie '%s' token '%s'",
		    allowed ? "let in" : "kept out", client->headers[WEB_HOST].text, client->headers[WEB_ORIGIN].text,
		    client->headers[WEB_SITE].text, client->headers[WEB_AUTHORIZATION].text,
		    client->headers[WEB_COOKIE].text, client->token.text);
	FUZZ_EXPECT(allowed == (client->status == 0), "status %u", client->status);
	fuzz_note(allowed ? 1 : client->status);
}

/* The page's cookie has the token, and nothing that a client has said. */
static void ask_for_cookie(void)
{
	char cookie[512] = "";
	bool there = access_cookie(&it->hub, &it->client, cookie, sizeof(cookie));

	FUZZ_EXPECT(there == (it->config.token && it->client.token.there && strlen(it->client.token.text) < 256),
		    "a cookie '%s'", cookie);
	FUZZ_EXPECT(!there || strncmp(cookie, "fairlead-token=" TOKEN "; Path=/; HttpOnly",
				      strlen("fairlead-token=" TOKEN "; Path=/; HttpOnly")) == 0,
		    "a cookie '%s'", cookie);
}

/* A viewer's numbers. */

/* -1: it is none; 0: it was not given. Blanks and a sign before it are allowed, as strtol has it. */
static int number_of(const struct fuzz_field *field, int most)
{
	const char *at = field->text + strspn(field->text, " \t\n\v\f\r");
	const char *digits = at + (*at == '+');
	long number = 0;

	if (!field->there || strlen(field->text) >= 16)
		return 0;
	for (at = digits; *at >= '0' && *at <= '9'; at++)
		number = number < 1000000 ? 10 * number + *at - '0' : number;
	return *at == '\0' && at != digits && number >= 1 && number <= most ? (int)number : -1;
}

static void view(void)
{
	static const char *const numbers[] = {"1",  "64", "65",  "128", "129",  "0",          "-1",
					      "+3", " 5", "007", "1e3", "0x10", "4294967297", "18446744073709551617"};
	struct web_client *client = &it->client;
	int window, every;
	bool added;

	memset(client, 0, sizeof(*client));
	set_field(&client->window, ONE_OF(numbers), 3);
	set_field(&client->every, ONE_OF(numbers), 3);
	window = number_of(&client->window, 64);
	every = number_of(&client->every, 128);
	added = viewers_add_websocket(it->stream, client);
	FUZZ_EXPECT(added == (window >= 0 && every >= 0), "window '%s' every '%s': %d", client->window.text,
		    client->every.text, added);
	FUZZ_EXPECT(added == (client->role != NULL) && added == (client->status == 0), "status %u", client->status);
	fuzz_note(added);
	if (added)
		client->role->gone(client->data);
}

/* Sources. */

static bool is_size(const char *text)
{
	unsigned width = 0, height = 0, rate = 0;
	char all[40];

	if (strspn(text, "0123456789x@") != strlen(text) ||
	    (sscanf(text, "%5ux%5u@%4u", &width, &height, &rate) != 3 && (rate = 30, true) &&
	     sscanf(text, "%5ux%5u", &width, &height) != 2))
		return false;
	/* It is all there is, but for zeros before a number. */
	snprintf(all, sizeof(all), strchr(text, '@') ? "%ux%u@%u" : "%ux%u", width, height, rate);
	return (strcmp(all, text) == 0 || text[0] == '0' || strstr(text, "x0") || strstr(text, "@0")) && width >= 16 &&
	       height >= 16 && width <= 16384 && height <= 16384 && rate >= 1 && rate <= 1000;
}

static void name_a_source(void)
{
	static const char *const names[] = {"synthetic",          "synthetic:640x480", "synthetic:1280x720@30",
					    "synthetic:16x16@1",  "file:/x",           "v4l2:/dev/video0:640x480@15",
					    "v4l2:/dev/video0",   "channel:cam",       "websocket",
					    "rtsp://host/stream", "/dev/null",         "synthetic:16384x16384@1000"};
	struct source_spec spec = {.kind = SOURCE_WEBSOCKET};
	char text[FUZZ_TEXT], why[256] = "";
	int error;

	some_text(text, sizeof(text), ONE_OF(names));
	error = source_parse(text, &spec, why, sizeof(why));
	fuzz_note((unsigned)error);
	FUZZ_EXPECT(error == 0 || (error == -EINVAL && *why), "%d '%s' of '%s'", error, why, text);
	if (error != 0)
		return;
	FUZZ_EXPECT(memchr(spec.place, '\0', sizeof(spec.place)), "the place of '%s' has no end", text);
	if (spec.kind == SOURCE_SYNTHETIC)
		FUZZ_EXPECT(strcmp(text, "synthetic") == 0 ||
				    (strncmp(text, "synthetic:", 10) == 0 && is_size(text + 10)),
			    "'%s' is taken for %ux%u@%u", text, spec.width, spec.height, spec.rate);
	if (spec.kind == SOURCE_CHANNEL)
		FUZZ_EXPECT(!stream_name_wrong(spec.place), "a channel called '%s'", spec.place);
	if (spec.kind == SOURCE_WEBSOCKET)
		FUZZ_EXPECT(strcmp(text, "websocket") == 0, "'%s' is a WebSocket's", text);
	FUZZ_EXPECT(spec.width == 0 || (spec.width >= 16 && spec.width <= 16384 && spec.rate <= 1000), "%u@%u",
		    spec.width, spec.rate);
}

/* Headers of messages. */

static void read_a_header(void)
{
	unsigned char bytes[MESSAGE_HEADER], again[MESSAGE_HEADER];
	struct message message;
	int error;

	fuzz_fill(bytes, sizeof(bytes));
	if (!fuzz_once_in(10))
		memcpy(bytes, "FLF1\x30", 6);
	if (fuzz_once_in(4))
		bytes[fuzz_below(6)] ^= (unsigned char)(1u << fuzz_below(8));
	error = message_read(bytes, &message);
	FUZZ_EXPECT((error == 0) == (memcmp(bytes, "FLF1\x30", 6) == 0), "%d", error);
	fuzz_note((unsigned)error);
	if (error != 0)
		return;
	message_write(&message, again);
	FUZZ_EXPECT(memcmp(bytes, again, sizeof(bytes)) == 0, "what is read and written is not the same");
}

static void a_round(void)
{
	ask();
	ask_for_cookie();
	if (fuzz_once_in(8))
		view();
	name_a_source();
	read_a_header();
}

const struct fuzz_part fuzz_texts = {"texts", open_part, a_round, close_part};
