/*
 * bench/pipe_ways.hh - the ways to send a message to another process that pipe.cc compares.
 *
 * A way is one direction: it is made before the process forks; then the sender calls be_sender once and send for each
 * message, the receiver be_receiver and receive, which knows no more than the most bytes that a message has. Streams
 * carry the size in front of each message. Nothing is tuned; POSIX's queue takes what any user may ask for, messages of
 * 8 KiB, ten of them, and larger ones go in several.
 */
#ifndef FAIRLEAD_BENCH_PIPE_WAYS_HH
#define FAIRLEAD_BENCH_PIPE_WAYS_HH

#include "harness.h"

#include <boost/interprocess/ipc/message_queue.hpp>
#include <cerrno>
#include <cstring>
#include <fairlead/pipe.h>
#include <fcntl.h>
#include <memory>
#include <mqueue.h>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static inline void pipe_need(bool fine, const char *what)
{
	if (!fine)
		bench_fail(what);
}

struct fairlead_pipe {
	fl_pipe *one = nullptr, *other = nullptr;

	explicit fairlead_pipe(size_t) { pipe_need(fl_pipe_create(&one, &other) == 0, "pipe: fairlead's"); }
	~fairlead_pipe()
	{
		fl_pipe_close(one);
		fl_pipe_close(other);
	}
	void be_sender() { other = fl_pipe_close(other); }
	void be_receiver() { one = fl_pipe_close(one); }
	void send(const void *data, size_t size)
	{
		pipe_need(fl_pipe_send(one, data, size) == 0, "pipe: fairlead cannot send");
	}
	void receive(void *data, size_t most)
	{
		size_t size;

		pipe_need(fl_pipe_recv(other, data, most, &size) == 0, "pipe: fairlead cannot receive");
	}
};

/* ---- streams ---- */

struct stream {
	int fds[2]; /* to read, to write */

	~stream()
	{
		for (int fd : fds)
			if (fd >= 0)
				close(fd);
	}
	void keep(int which)
	{
		close(fds[!which]);
		fds[!which] = -1;
	}
	void be_sender() { keep(1); }
	void be_receiver() { keep(0); }
	void send(const void *data, size_t size)
	{
		uint64_t head = size;
		iovec parts[2] = {{&head, sizeof head}, {const_cast<void *>(data), size}};
		size_t done = 0;

		/* The head always goes with the first write: it is smaller than what there is room for at least. */
		while (done < sizeof head + size) {
			ssize_t n = done == 0 ? writev(fds[1], parts, 2)
					      : write(fds[1], static_cast<const char *>(data) + done - sizeof head,
						      size + sizeof head - done);

			pipe_need(n >= static_cast<ssize_t>(done == 0 ? sizeof head : 1), "pipe: a write failed");
			done += static_cast<size_t>(n);
		}
	}
	void read_all(void *data, size_t size)
	{
		for (size_t done = 0; done < size;) {
			ssize_t n = read(fds[0], static_cast<char *>(data) + done, size - done);

			pipe_need(n > 0, "pipe: a read failed");
			done += static_cast<size_t>(n);
		}
	}
	void receive(void *data, size_t most)
	{
		uint64_t size;

		read_all(&size, sizeof size);
		pipe_need(size <= most, "pipe: a message of a wrong size");
		read_all(data, size);
	}
};

struct unix_pipe : stream {
	explicit unix_pipe(size_t) { pipe_need(pipe2(fds, O_CLOEXEC) == 0, "pipe: pipe2"); }
};

struct stream_socket : stream {
	explicit stream_socket(size_t)
	{
		pipe_need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "pipe: socketpair");
	}
};

/* ---- queues of messages ---- */

struct posix_queue {
	static constexpr size_t PIECE = 8192;
	static constexpr long MOST = 10;
	mqd_t queue;

	explicit posix_queue(size_t)
	{
		static unsigned number;
		std::string name = "/fairlead-bench-" + std::to_string(getpid()) + "-" + std::to_string(number++);
		mq_attr attributes = {};

		attributes.mq_maxmsg = MOST;
		attributes.mq_msgsize = PIECE;
		queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
		pipe_need(queue >= 0, "pipe: mq_open");
		mq_unlink(name.c_str());
	}
	~posix_queue() { mq_close(queue); }
	void be_sender() {}
	void be_receiver() {}
	void send(const void *data, size_t size)
	{
		for (size_t done = 0; done < size; done += PIECE)
			pipe_need(mq_send(queue, static_cast<const char *>(data) + done,
					  size - done < PIECE ? size - done : PIECE, 0) == 0,
				  "pipe: mq_send");
	}
	void receive(void *data, size_t most)
	{
		char piece[PIECE];
		ssize_t n;

		for (size_t done = 0; done < most; done += static_cast<size_t>(n)) {
			n = mq_receive(queue, piece, sizeof piece, nullptr);
			pipe_need(n > 0 && static_cast<size_t>(n) <= most - done, "pipe: mq_receive");
			memcpy(static_cast<char *>(data) + done, piece, static_cast<size_t>(n));
		}
	}
};

template <unsigned depth> struct boost_queue_of {
	using queue_type = boost::interprocess::message_queue;
	std::string name;
	std::unique_ptr<queue_type> queue;

	explicit boost_queue_of(size_t size)
	{
		static unsigned number;

		name = "fairlead-bench-" + std::to_string(getpid()) + "-" + std::to_string(number++);
		queue = std::make_unique<queue_type>(boost::interprocess::create_only, name.c_str(), depth, size);
		queue_type::remove(name.c_str());
	}
	void be_sender() {}
	void be_receiver() {}
	void send(const void *data, size_t size) { queue->send(data, size, 0); }
	void receive(void *data, size_t most)
	{
		queue_type::size_type size;
		unsigned priority;

		queue->receive(data, most, size, priority);
	}
};

using boost_queue = boost_queue_of<10>;

/* ---- what Fairlead's pipe could be made of, in bare system calls ---- */

/* A socket of packets with a head, and what waits for it as Fairlead's does: it tries, polls, and tries again. */
struct packets {
	int fds[2];

	packets()
	{
		int room = 106496;

		pipe_need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0, "pipe: socketpair");
		for (int fd : fds)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	}
	~packets()
	{
		for (int fd : fds)
			if (fd >= 0)
				close(fd);
	}
	void keep(int which)
	{
		close(fds[!which]);
		fds[!which] = -1;
	}
	void be_sender() { keep(1); }
	void be_receiver() { keep(0); }

	union control {
		cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	};
	static void await(int fd, short events)
	{
		pollfd look = {fd, events, 0};

		ppoll(&look, 1, nullptr, nullptr);
	}
	void send_packet(const void *data, size_t size, int passed)
	{
		uint64_t head[4] = {};
		iovec parts[2] = {{head, sizeof head}, {const_cast<void *>(data), size}};
		msghdr message = {};
		control control = {};

		message.msg_iov = parts;
		message.msg_iovlen = 2;
		if (passed >= 0) {
			message.msg_control = &control;
			message.msg_controllen = sizeof control;
			control.header = {CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS};
			memcpy(CMSG_DATA(&control.header), &passed, sizeof passed);
		}
		while (sendmsg(fds[1], &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			pipe_need(errno == EAGAIN, "pipe: sendmsg");
			await(fds[1], POLLOUT);
		}
	}
	size_t receive_packet(void *data, size_t most, int *ret_passed)
	{
		uint64_t head[4];
		iovec parts[2] = {{head, sizeof head}, {data, most}};
		msghdr message = {};
		control control;
		ssize_t n;

		message.msg_iov = parts;
		message.msg_iovlen = 2;
		message.msg_control = &control;
		message.msg_controllen = sizeof control;
		while ((n = recvmsg(fds[0], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
			pipe_need(errno == EAGAIN, "pipe: recvmsg");
			await(fds[0], POLLIN);
		}
		*ret_passed = -1;
		if (message.msg_controllen > 0)
			memcpy(ret_passed, CMSG_DATA(&control.header), sizeof *ret_passed);
		return static_cast<size_t>(n) - sizeof head;
	}
};

template <size_t piece> struct packets_of : packets {
	explicit packets_of(size_t) {}
	void send(const void *data, size_t size)
	{
		for (size_t done = 0; done < size; done += piece)
			send_packet(static_cast<const char *>(data) + done, size - done < piece ? size - done : piece,
				    -1);
	}
	void receive(void *data, size_t most)
	{
		int none;

		for (size_t done = 0; done < most;)
			done += receive_packet(static_cast<char *>(data) + done,
					       most - done < piece ? most - done : piece, &none);
	}
};

/* The first `head` bytes in a packet, and the rest in a sealed memfd that goes with it; written or mapped. */
template <size_t head, bool mapped> struct memfd : packets {
	explicit memfd(size_t) {}

	static char *map(int fd, size_t size, int protection)
	{
		void *start = mmap(nullptr, size, protection, MAP_SHARED | MAP_POPULATE, fd, 0);

		pipe_need(start != MAP_FAILED, "pipe: mmap");
		return static_cast<char *>(start);
	}
	static void fill(int fd, const char *data, size_t size)
	{
		if (mapped) {
			pipe_need(ftruncate(fd, static_cast<off_t>(size)) == 0, "pipe: ftruncate");
			char *start = map(fd, size, PROT_READ | PROT_WRITE);

			memcpy(start, data, size);
			munmap(start, size);
			return;
		}
		pipe_need(write(fd, data, size) == static_cast<ssize_t>(size), "pipe: write to a memfd");
	}
	static void empty(int fd, char *data, size_t size)
	{
		if (mapped) {
			char *start = map(fd, size, PROT_READ);

			memcpy(data, start, size);
			munmap(start, size);
			return;
		}
		pipe_need(pread(fd, data, size, 0) == static_cast<ssize_t>(size), "pipe: pread of a memfd");
	}
	void send(const void *data, size_t size)
	{
		size_t first = size < head ? size : head;
		int fd = -1;

		if (size > first) {
			fd = memfd_create("fairlead-bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
			pipe_need(fd >= 0, "pipe: memfd_create");
			fill(fd, static_cast<const char *>(data) + first, size - first);
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
		}
		send_packet(data, first, fd);
		if (fd >= 0)
			close(fd);
	}
	void receive(void *data, size_t most)
	{
		int fd;
		size_t first = receive_packet(data, most < head ? most : head, &fd);

		if (fd < 0)
			return;
		empty(fd, static_cast<char *>(data) + first, most - first);
		close(fd);
	}
};

#endif
