/*
 * hub/web/web.c - see web.h. libwebsockets is known here, in request.c, direct.c and reply.c, and in connect.c, for
 * who sends to a hub; and nowhere else.
 *
 * libwebsockets calls one function, `event`, for all that happens, with the connection's `struct lws`. A web_client is
 * made when a connection is accepted, hangs at that struct as its opaque data, and is freed when the struct is.
 *
 * Limits. How many connections there may be is in door.h. Headers must have come within the patience. A message is
 * passed on in parts as it comes, so that its size costs nothing here. There are no extensions: no message is
 * compressed.
 */
#include "web.h"

#include "client.h"
#include "door.h"
#include "sockets.h"
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVED (256 * 1024) /* how much is read at a time */
#define SENT (64 << 20)       /* how much is given to the system at a time */
#define LOOK_AGAIN 10000      /* us: see check_input */

struct web {
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lws *listener;
	struct web_handlers handlers;
	void *arg;
	struct door door;
	unsigned patience;
	int port;
	bool local;
	atomic_bool stopping;
};

static const struct lws_protocols protocols[2];

static struct web_client *client_of(struct lws *wsi)
{
	return lws_get_opaque_user_data(wsi);
}

/* Connections that come and go. */

static int accepted(struct web *web, struct lws *wsi)
{
	struct web_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -1;
	client->web = web;
	client->wsi = wsi;
	client->counted = door_enter(&web->door);
	lws_set_opaque_user_data(wsi, client);
	return 0;
}

/* The second look at the socket is given up with the first, and may be gone before. */
static void destroyed(struct web *web, struct web_client *client, const struct lws *wsi)
{
	if (wsi == client->direct) {
		client->direct = NULL;
		return;
	}
	if (client->direct) {
		lws_set_opaque_user_data(client->direct, NULL);
		lws_set_timeout(client->direct, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	}
	if (client->role)
		client->role->gone(client->data);
	door_leave(&web->door, client->counted);
	lws_set_opaque_user_data(client->wsi, NULL);
	free(client);
}

static bool admitted(struct web_client *client)
{
	client->counted = client->counted || door_ask(&client->web->door);
	if (client->counted)
		return true;
	web_say(client, 503, "there are %u clients already, which is all that this hub admits", client->web->door.most);
	return false;
}

/* Requests. */

static enum web_method method_of(struct lws *wsi)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0)
		return WEB_GET;
	return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ? WEB_POST : WEB_OTHER;
}

static bool has(const struct web_client *client, enum lws_token_indexes token)
{
	return lws_hdr_total_length(client->wsi, token) > 0;
}

/* No request has a use for a body, so one with a body is the last. libwebsockets would skip it if its length stands in
 * the head; but of a request that came together with the one before it, it tries that for ever. It takes what comes in
 * chunks for the next request, and after a POST without a length it waits for 100 MB. */
static void look_at_body(struct web_client *client)
{
	bool none = has(client, WSI_TOKEN_HTTP_CONTENT_LENGTH) ? client_body_is_empty(client)
							       : !has(client, WSI_TOKEN_POST_URI);

	client->final = has(client, WSI_TOKEN_HTTP_TRANSFER_ENCODING) || !none;
	client->bare = has(client, WSI_TOKEN_HEAD_URI);
}

static int requested(struct web_client *client, const char *path)
{
	struct web *web = client->web;
	const char *wrong = client_request_wrong(client);

	client->replied = false;
	client->origin = NULL;
	look_at_body(client);
	client->final = client->final || wrong;
	if (wrong)
		web_say(client, 400, "%s", wrong);
	else if (has(client, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		web_say(client, 411, "a request has its length in its head here");
	else if (admitted(client))
		web->handlers.request(web->arg, client, method_of(client->wsi), path);
	return client->over ? -1 : 0;
}

/* Returns 0: go on; 1: it has been replied to. */
static int upgrading(struct web_client *client, const char *protocol)
{
	static const struct web_field version[] = {{"sec-websocket-version", "13"}, {NULL, NULL}};
	static const char text[] = "this hub speaks version 13 of WebSocket\n";
	struct web *web = client->web;
	const char *wrong = client_handshake_wrong(client);
	bool allowed = false;
	char path[256];

	client->replied = client->final = false;
	client->bare = has(client, WSI_TOKEN_HEAD_URI);
	client->origin = NULL;
	client->upgrading = true;
	if (lws_hdr_copy(client->wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0)
		path[0] = '\0';
	if (strcasecmp(protocol, "websocket") != 0) {
		web_say(client, 400, "this hub speaks HTTP/1.1 and WebSocket, not %.32s", protocol);
	} else if (!client_has_version(client)) {
		web_reply(client, 426, "text/plain; charset=utf-8", version, text, sizeof(text) - 1);
	} else if (wrong) {
		web_say(client, 400, "%s", wrong);
	} else if (admitted(client)) {
		allowed = web->handlers.upgrade(web->arg, client, path);
	}
	client->upgrading = false;
	return allowed ? 0 : 1;
}

/* For what libwebsockets has called: close it. */
static int begin_closing(struct web_client *client)
{
	client->closing = true;
	return -1;
}

static int received(struct web_client *client, void *data, size_t size)
{
	struct lws *wsi = client->wsi;
	struct web_part part = {
		.data = data,
		.size = size,
		.rest = lws_remaining_packet_payload(wsi),
		.first = lws_is_first_fragment(wsi),
		.binary = lws_frame_is_binary(wsi),
	};

	part.last = lws_is_final_fragment(wsi);
	return client->role && client->role->message(client->data, &part) && !client->over ? 0 : begin_closing(client);
}

/* What is sent and not taken ends the connection. */
void client_await_taking(struct web_client *client)
{
	lws_set_timeout(client->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)client->web->patience);
}

/* Whether libwebsockets would not wait for anything, since some connection has input that it has read and not used. */
static bool is_hurried(const struct web_client *client)
{
	return lws_service_adjust_timeout(lws_get_context(client->wsi), 1000, 0) == 0;
}

/* What a client has sent in one piece with a request whose reply has no end is kept by libwebsockets for when that
 * ends, and never lets it wait: who does so is closed. Whose input it is that is kept shows when this connection's is
 * not to be offered. Then nothing can be sent to it either, so that lasts as long as another's stands in the way of
 * looking. Returns false: close it. */
static bool check_input(struct web_client *client)
{
	bool mine;

	client->checked = !is_hurried(client);
	if (client->checked)
		return true;
	if (lws_rx_flow_control(client->wsi, LWS_RXFLOW_REASON_FLAG_PROCESS_NOW) < 0)
		return false;
	mine = !is_hurried(client);
	if (!mine)
		lws_set_timer_usecs(client->wsi, LOOK_AGAIN);
	return !mine;
}

/* All that was buffered has been sent when libwebsockets says that a connection is writable. It says so once more when
 * it has sent why it closes: to close then would be not to wait until the client has read that. What the client sends
 * meanwhile client_read throws away. */
static int writable(struct web_client *client)
{
	if (client->closing && client->direct)
		shutdown(lws_get_socket_fd(client->wsi), SHUT_WR);
	if (client->closing)
		return 0;
	if (client->over)
		return begin_closing(client);
	if (client->begun && !client->checked && !check_input(client))
		return begin_closing(client);
	client->wanting = false;
	if (!client->role || (client->begun && !client->checked))
		return 0;
	lws_set_timeout(client->wsi, NO_PENDING_TIMEOUT, 0);
	return client->role->writable(client->data) ? 0 : begin_closing(client);
}

static int opened(struct web_client *client)
{
	client->web->handlers.opened(client->web->arg, client);
	if (client->over)
		return -1;
	/* Where it can't be read directly, messages come by `received`. */
	if (!client->role || !client->role->place || web_is_tls(client) || !client_look_directly(client))
		return 0;
	return lws_rx_flow_control(client->wsi, 0) < 0 ? -1 : 0;
}

/* What concerns a connection. */
static int of_client(struct web_client *client, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP:
		return requested(client, in);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return upgrading(client, in);
	case LWS_CALLBACK_ESTABLISHED:
		return opened(client);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		/* It is answered with what it says, but for what must not be said. */
		return len > 0 && receive_close_wrong(in, len) ? -1 : 0;
	case LWS_CALLBACK_RECEIVE:
		return received(client, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		/* libwebsockets closes by itself who sends what is no frame: nothing may follow what it says then. */
		if (!client->over && !client->closing && lws_get_close_length(wsi) > 0)
			return 0;
		return writable(client);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return writable(client);
	case LWS_CALLBACK_HTTP_BODY:
		return 0; /* of no use to any request */
	case LWS_CALLBACK_WSI_DESTROY:
		destroyed(client->web, client, wsi);
		return 0;
	default:
		return 0;
	}
}

static int accept_all(struct web *web, struct lws *listener);

static int event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct web *web;
	struct web_client *client;

	(void)user;
	if (!wsi)
		return 0; /* about the whole, which is no business of ours */
	web = lws_context_user(lws_get_context(wsi));
	client = client_of(wsi);
	switch (reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		if (!client)
			return wsi == web->listener ? accept_all(web, wsi) : -1;
		return client_read(client);
	case LWS_CALLBACK_RAW_ADOPT:
		return -1; /* CONNECT makes libwebsockets hand a connection over, for good and unasked */
	case LWS_CALLBACK_TIMER:
		lws_callback_on_writable(wsi);
		return lws_rx_flow_control(wsi, 1) < 0 ? -1 : 0;
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return accepted(web, wsi);
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		if (web->context)
			web->handlers.woken(web->arg);
		return 0;
	default:
		return client ? of_client(client, wsi, reason, in, len) : 0;
	}
}

static const struct lws_protocols protocols[2] = {
	{.name = "http", .callback = event, .rx_buffer_size = RECEIVED, .tx_packet_size = SENT},
	{0},
};

/* A network that has gone away says nothing: whoever does not answer a ping is closed. */
static const lws_retry_bo_t idle = {.secs_since_valid_ping = 30, .secs_since_valid_hangup = 45};

static int open_vhost(struct web *web, const struct web_options *options, struct lws_context_creation_info *info)
{
	info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
	if (options->certificate) {
		info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info->ssl_cert_filepath = options->certificate;
		info->ssl_private_key_filepath = options->key;
		info->alpn = "http/1.1";
	}
	web->vhost = lws_create_vhost(web->context, info);
	if (web->vhost)
		return 0;
	return options->certificate ? -EINVAL : -ENOMEM;
}

/* The listening socket is not opened by libwebsockets: 127.0.0.1 is all addresses to it, if it knows IPv6. It accepts
 * from its own only: so it watches this one as it would a file, and is given the connections. */
static int listen_at(struct web *web, const struct web_options *options)
{
	lws_sock_file_fd_type descriptor = {.filefd = options->socket};
	int error = 0;

	if (options->socket >= 0)
		error = sockets_adopt(options->socket);
	else
		error = sockets_listen(options->address, options->port, &descriptor.filefd);
	if (error != 0)
		return error;
	web->port = sockets_port(descriptor.filefd);
	web->local = sockets_is_loopback(descriptor.filefd);
	web->listener =
		lws_adopt_descriptor_vhost(web->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, protocols[0].name, NULL);
	if (web->listener)
		return 0;
	close(descriptor.filefd);
	return -ENOMEM;
}

/* Who can't be taken, for want of descriptors, stays at the door: it is looked there again a second later. */
static int accept_all(struct web *web, struct lws *listener)
{
	int connection;

	while ((connection = sockets_accept(lws_get_socket_fd(listener))) >= 0) {
		if (door_knock(&web->door))
			lws_adopt_socket_vhost(web->vhost, connection); /* which closes it, if it can't */
		else
			close(connection);
	}
	if (connection == -EAGAIN || connection == -ECONNABORTED || connection == -EINTR)
		return 0;
	lws_set_timer_usecs(listener, LWS_USEC_PER_SEC);
	return lws_rx_flow_control(listener, 0) < 0 ? -1 : 0;
}

int web_open(struct web **ret_web, const struct web_options *options, const struct web_handlers *handlers, void *arg)
{
	struct web *web = calloc(1, sizeof(*web));
	struct lws_context_creation_info info = {
		.protocols = protocols,
		.user = web,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.timeout_secs = options->patience,
		.timeout_secs_ah_idle = options->patience, /* for headers */
		.keepalive_timeout = 30,
		.pt_serv_buf_size = RECEIVED,
		.retry_and_idle_policy = &idle,
		.gid = -1,
		.uid = -1,
	};
	int error;

	if (!web)
		return -ENOMEM;
	sockets_set_limit();
	lws_set_log_level(0, NULL);
	web->handlers = *handlers;
	web->arg = arg;
	web->door.most = options->most;
	web->patience = options->patience;
	web->context = lws_create_context(&info);
	error = web->context ? open_vhost(web, options, &info) : -ENOMEM;
	if (error == 0)
		error = listen_at(web, options);
	if (error != 0) {
		web_close(web);
		return error;
	}
	*ret_web = web;
	return 0;
}

struct web *web_close(struct web *web)
{
	struct lws_context *context;

	if (!web)
		return NULL;
	context = web->context;
	web->context = NULL;
	if (context)
		lws_context_destroy(context);
	free(web);
	return NULL;
}

void web_serve(struct web *web)
{
	while (!atomic_load(&web->stopping) && lws_service(web->context, 0) >= 0)
		continue;
}

void web_wake(struct web *web)
{
	lws_cancel_service(web->context);
}

void web_stop(struct web *web)
{
	atomic_store(&web->stopping, true);
	web_wake(web);
}

int web_port(const struct web *web)
{
	return web->port;
}

bool web_is_local(const struct web *web)
{
	return web->local;
}

unsigned web_clients(const struct web *web)
{
	return web->door.clients;
}

uint64_t web_refused(const struct web *web)
{
	return web->door.refused;
}

void web_set_role(struct web_client *client, const struct web_role *role, void *data)
{
	client->role = role;
	client->data = data;
}

/* Sending. */

/* A socket that does not become writable is one whose client does not read. */
void web_want(struct web_client *client)
{
	if (!client->wanting && !client->closing)
		client_await_taking(client);
	client->wanting = true;
	lws_callback_on_writable(client->wsi);
}

bool web_send(struct web_client *client, enum web_kind kind, void *data, size_t size)
{
	static const enum lws_write_protocol kinds[] = {
		[WEB_PLAIN] = LWS_WRITE_HTTP,
		[WEB_BINARY] = LWS_WRITE_BINARY,
		[WEB_TEXT] = LWS_WRITE_TEXT,
	};

	if (lws_write(client->wsi, data, size, kinds[kind]) < 0)
		return false;
	if (lws_partial_buffered(client->wsi))
		client_await_taking(client);
	return true;
}

void web_close_saying(struct web_client *client, unsigned status, const char *format, ...)
{
	char text[124];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	lws_close_reason(client->wsi, (enum lws_close_status)status, (unsigned char *)text, strlen(text));
}

void web_drop(struct web_client *client)
{
	client->over = true;
	lws_set_timeout(client->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}
