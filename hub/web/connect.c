/*
 * hub/web/connect.c - see connect.h. This file, for who sends to a hub, and web.c, for the hub, are the only ones that
 * know libwebsockets; they have nothing in common but its names.
 *
 * How it ends. That all was sent does not mean that it was read, and libwebsockets does not listen to why the other end
 * closes once it has closed itself. So a ping follows the last message, and the connection is closed when its answer is
 * there: a hub answers what it has read, in that order, or closes and says why.
 *
 * A hub that lets nobody in says why in the text of an HTTP reply. libwebsockets reads no more than its head, and
 * gives up; but before that it asks, and lets itself be made to read on.
 */
#include "connect.h"

#include <errno.h>
#include <libwebsockets.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENT (64 << 20)    /* how much is given to the system at a time */
#define PATIENCE 10        /* seconds, for a connection, for the answer to a ping, and for the end */
#define STALL 30           /* seconds, for a message */
#define FAREWELL 2         /* seconds, for the other end to close, too */
#define TEXT_PATIENCE 1000 /* milliseconds */

#define READS 8 /* of such a text */

enum state { CONNECTING, OPEN, FINISHING, CLOSING, OVER };

struct connect {
	struct lws_context *context;
	struct lws *wsi; /* NULL: it is gone */
	struct connect_options options;
	struct connect_handlers handlers;
	void *arg;
	enum state state;
	bool ping; /* is to be sent */
	lws_sorted_usec_list_t farewell;
	int error;
	char why[CONNECT_WHY];
	char text[CONNECT_WHY - 40]; /* of a reply that is no WebSocket */
	size_t text_size;
};

_Static_assert(LWS_PRE <= CONNECT_ROOM, "libwebsockets needs more room before a message");

/* What was said first counts: what follows is only what that led to. */
__attribute__((format(printf, 3, 4))) static void fail(struct connect *connect, int error, const char *format, ...)
{
	va_list list;

	if (connect->error != 0)
		return;
	connect->error = error;
	va_start(list, format);
	vsnprintf(connect->why, sizeof(connect->why), format, list);
	va_end(list);
}

/* The text of an HTTP reply, as far as it comes in time: its first line, without what is no text. What is read goes to
 * add_text. */
static void read_text(struct connect *connect, struct lws *wsi)
{
	struct pollfd polled = {.fd = lws_get_socket_fd(wsi), .events = POLLIN};
	char buffer[LWS_PRE + 2 * CONNECT_WHY], *at;
	int room;

	for (int i = 0; i < READS && !memchr(connect->text, '\n', connect->text_size); i++) {
		size_t before = connect->text_size;

		at = buffer + LWS_PRE;
		room = (int)(sizeof(buffer) - LWS_PRE);
		if (lws_http_client_read(wsi, &at, &room) < 0 ||
		    (connect->text_size == before && poll(&polled, 1, TEXT_PATIENCE) != 1))
			break;
	}
	connect->text[connect->text_size] = '\0';
	connect->text[strcspn(connect->text, "\r\n")] = '\0';
	for (at = connect->text; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			*at = '?';
}

static void add_text(struct connect *connect, const char *data, size_t size)
{
	size_t room = sizeof(connect->text) - 1 - connect->text_size;

	memcpy(connect->text + connect->text_size, data, size < room ? size : room);
	connect->text_size += size < room ? size : room;
}

/* No WebSocket came of it. */
static void refused(struct connect *connect, struct lws *wsi, const char *what)
{
	unsigned status = lws_http_client_http_response(wsi);

	if (status == 0) {
		fail(connect, -ECONNREFUSED, "no connection: %s", what ? what : "nobody answers");
		return;
	}
	read_text(connect, wsi);
	fail(connect, -ECONNREFUSED, "refused with HTTP status %u%s%s", status, *connect->text ? ": " : "",
	     connect->text);
}

/* The other end closes, with a status and perhaps a reason. */
static void closed(struct connect *connect, const unsigned char *data, size_t size)
{
	if (size < 2)
		fail(connect, -ECONNRESET, "closed without a reason");
	else
		fail(connect, -ECONNRESET, "closed with status %u%s%.*s", (unsigned)data[0] << 8 | data[1],
		     size > 2 ? ": " : "", (int)(size - 2), (const char *)data + 2);
}

static void gone(struct connect *connect)
{
	if (connect->state != CLOSING)
		fail(connect, -ECONNRESET, "the connection is gone");
	connect->wsi = NULL;
	connect->state = OVER;
}

static int writable(struct connect *connect)
{
	unsigned char ping[LWS_PRE + 1];

	if (connect->state == CLOSING) {
		lws_close_reason(connect->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	lws_set_timeout(connect->wsi, NO_PENDING_TIMEOUT, 0);
	if (connect->ping) {
		connect->ping = false;
		lws_set_timeout(connect->wsi, PENDING_TIMEOUT_USER_OK, PATIENCE);
		return lws_write(connect->wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0 ? -1 : 0;
	}
	if (connect->state == OPEN)
		connect->handlers.writable(connect->arg);
	return connect->error == 0 ? 0 : -1;
}

static void answered(struct connect *connect)
{
	if (connect->state == FINISHING)
		connect_drop(connect);
}

/* The token goes into the head of the request. */
static int add_token(struct connect *connect, struct lws *wsi, unsigned char **at, size_t room)
{
	char field[256];
	int length;

	if (!connect->options.token)
		return 0;
	length = snprintf(field, sizeof(field), "Bearer %s", connect->options.token);
	return lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (const unsigned char *)field, length, at,
					    *at + room);
}

static int event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct connect *connect = lws_context_user(lws_get_context(wsi));

	(void)user;
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return add_token(connect, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		refused(connect, wsi, in);
		gone(connect);
		return 0;
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		add_text(connect, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		connect->state = connect->state == CLOSING ? CLOSING : OPEN;
		lws_callback_on_writable(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return writable(connect);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		answered(connect);
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		closed(connect, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		gone(connect);
		return 0;
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		connect->handlers.woken(connect->arg);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{.name = "frames", .callback = event, .rx_buffer_size = 4096, .tx_packet_size = SENT},
	{0},
};

/* A network that has gone away says nothing. */
static const lws_retry_bo_t idle = {.secs_since_valid_ping = 30, .secs_since_valid_hangup = 45};

static struct lws *begin(struct connect *connect)
{
	char host[300];
	struct lws_client_connect_info info = {
		.context = connect->context,
		.address = connect->options.host,
		.port = connect->options.port,
		.ssl_connection = connect->options.tls ? LCCSCF_USE_SSL : 0,
		.path = connect->options.path,
		.host = host,
		.local_protocol_name = protocols[0].name,
		.pwsi = &connect->wsi,
		.alpn = "http/1.1",
		.retry_and_idle_policy = &idle,
	};

	snprintf(host, sizeof(host), strchr(connect->options.host, ':') ? "[%s]:%d" : "%s:%d", connect->options.host,
		 connect->options.port);
	return lws_client_connect_via_info(&info);
}

int connect_open(struct connect **ret_connect, const struct connect_options *options,
		 const struct connect_handlers *handlers, void *arg)
{
	struct connect *connect = calloc(1, sizeof(*connect));
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.user = connect,
		.options = options->tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
		.client_ssl_ca_filepath = options->trust,
		.http_proxy_address = "", /* not what the environment says */
		.timeout_secs = PATIENCE,
		.connect_timeout_secs = PATIENCE,
		.pt_serv_buf_size = 64 * 1024,
		.gid = -1,
		.uid = -1,
	};

	if (!connect)
		return -ENOMEM;
	connect->options = *options;
	connect->handlers = *handlers;
	connect->arg = arg;
	lws_set_log_level(0, NULL);
	connect->context = lws_create_context(&info);
	if (!connect->context) {
		free(connect);
		return options->trust ? -EINVAL : -ENOMEM;
	}
	*ret_connect = connect;
	return 0;
}

struct connect *connect_close(struct connect *connect)
{
	if (!connect)
		return NULL;
	connect->state = CLOSING;
	lws_sul_schedule(connect->context, 0, &connect->farewell, NULL, LWS_SET_TIMER_USEC_CANCEL);
	lws_context_destroy(connect->context);
	free(connect);
	return NULL;
}

int connect_serve(struct connect *connect, char *why, size_t size)
{
	if (!begin(connect)) {
		fail(connect, -ECONNREFUSED, "no connection"); /* if it has not been said why */
		gone(connect);
	}
	while (connect->state != OVER && lws_service(connect->context, 0) >= 0)
		continue;
	snprintf(why, size, "%s", connect->why);
	return connect->error;
}

void connect_wake(struct connect *connect)
{
	lws_cancel_service(connect->context);
}

bool connect_is_open(const struct connect *connect)
{
	return connect->state == OPEN;
}

void connect_want(struct connect *connect)
{
	if (connect->state == OPEN)
		lws_callback_on_writable(connect->wsi);
}

void connect_send(struct connect *connect, void *data, size_t size)
{
	if (lws_write(connect->wsi, data, size, LWS_WRITE_BINARY) < 0)
		fail(connect, -ECONNRESET, "the connection is gone");
	else if (lws_partial_buffered(connect->wsi))
		lws_set_timeout(connect->wsi, PENDING_TIMEOUT_USER_OK, STALL);
	lws_callback_on_writable(connect->wsi);
}

void connect_finish(struct connect *connect)
{
	if (connect->state != OPEN)
		return;
	connect->state = FINISHING;
	connect->ping = true;
	lws_callback_on_writable(connect->wsi);
}

static void farewell_over(lws_sorted_usec_list_t *timer)
{
	struct connect *connect = lws_container_of(timer, struct connect, farewell);

	connect->state = OVER;
	lws_cancel_service(connect->context); /* which would go on waiting */
}

void connect_drop(struct connect *connect)
{
	if (connect->state == OVER || connect->state == CLOSING)
		return;
	/* What is half sent can't be ended well. */
	if (connect->state == CONNECTING || lws_partial_buffered(connect->wsi)) {
		connect->state = OVER;
		return;
	}
	connect->state = CLOSING;
	lws_sul_schedule(connect->context, 0, &connect->farewell, farewell_over, FAREWELL * LWS_US_PER_SEC);
	lws_callback_on_writable(connect->wsi);
}
