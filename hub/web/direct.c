/*
 * hub/web/direct.c - messages that are read straight to their place.
 *
 * libwebsockets has the connection, sends, and closes; only it does not read. What it had read before the handshake was
 * answered is no message: a client has to wait for the answer. The socket is looked at a second time, as a file that
 * libwebsockets watches, and what is there is read by receive.c.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *place(void *arg, size_t *ret_room)
{
	struct web_client *client = arg;

	return client->role ? client->role->place(client->data, ret_room) : NULL;
}

static bool take_part(void *arg, const struct web_part *part)
{
	struct web_client *client = arg;

	return client->role && client->role->message(client->data, part);
}

/* Of several pings the last one may be answered alone: who does not read gets no more than fits into its socket. */
static void answer_ping(void *arg, const void *data, size_t size)
{
	struct web_client *client = arg;
	unsigned char pong[LWS_PRE + RECEIVE_CONTROL];

	if (lws_partial_buffered(client->wsi))
		return;
	memcpy(pong + LWS_PRE, data, size);
	lws_write(client->wsi, pong + LWS_PRE, size, LWS_WRITE_PONG);
	if (lws_partial_buffered(client->wsi))
		client_await_taking(client);
}

/* With the status that the client gave. libwebsockets sends such a frame only to wait for its answer: so it is sent as
 * bytes. */
static void answer_close(struct web_client *client)
{
	const struct receive *receive = &client->receive;
	unsigned char frame[LWS_PRE + 4] = {0};

	frame[LWS_PRE] = 0x88;
	frame[LWS_PRE + 1] = receive->n_small < 2 ? 0 : 2;
	memcpy(frame + LWS_PRE + 2, receive->small, frame[LWS_PRE + 1]);
	if (!client->over)
		lws_write(client->wsi, frame + LWS_PRE, 2u + frame[LWS_PRE + 1], LWS_WRITE_HTTP);
}

/* After a refusal the rest of what the client sends is thrown away until it closes, so that it reads why. */
static int read_directly(struct web_client *client)
{
	static const struct receive_events events = {place, take_part, answer_ping};
	int error = receive_turn(&client->receive, lws_get_socket_fd(client->direct), &events, client);

	lws_validity_confirmed(client->wsi);
	if (error == -EPROTO)
		web_close_saying(client, 1002, "%s", client->receive.wrong);
	if (error == -EPROTO || error == -ECANCELED) {
		client->over = true;
		lws_callback_on_writable(client->wsi);
	}
	if (error == -ESHUTDOWN)
		answer_close(client);
	if (error == -ESHUTDOWN || error == -ECONNRESET)
		web_drop(client);
	return error == -ESHUTDOWN || error == -ECONNRESET ? -1 : 0;
}

/* What a client still says that gets a reply without an end is of no use; that it is gone is. */
static int read_away(struct web_client *client)
{
	char ignored[RECEIVE_ASIDE];
	ssize_t n = recv(lws_get_socket_fd(client->direct), ignored, sizeof(ignored), MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return 0;
	web_drop(client);
	return -1;
}

int client_read(struct web_client *client)
{
	return client->role && client->role->place ? read_directly(client) : read_away(client);
}

bool client_look_directly(struct web_client *client)
{
	lws_sock_file_fd_type descriptor = {.filefd = fcntl(lws_get_socket_fd(client->wsi), F_DUPFD_CLOEXEC, 0)};

	if (descriptor.filefd < 0)
		return false;
	client->direct = lws_adopt_descriptor_vhost(lws_get_vhost(client->wsi), LWS_ADOPT_RAW_FILE_DESC, descriptor,
						    lws_get_protocol(client->wsi)->name, NULL);
	if (client->direct)
		lws_set_opaque_user_data(client->direct, client);
	else
		close(descriptor.filefd);
	return client->direct != NULL;
}
