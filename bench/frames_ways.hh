/*
 * bench/frames_ways.hh - the ways to hand an image over that frames.cc compares, all but GStreamer's and memsink's.
 *
 * A way is loan and publish, called by the producer, and next, called by each reader, which returns an image that
 * stays as it is until next is called again, or nullptr when there are no more. Before that the producer calls begin,
 * when its readers have been started, and each reader open; after the last image the producer calls end. A way whose
 * library does not work in a forked process sets `own_process`: its round is then run by a process that has not used
 * the library before. One whose readers are threads sets `in_threads`.
 */
#ifndef FAIRLEAD_BENCH_FRAMES_WAYS_HH
#define FAIRLEAD_BENCH_FRAMES_WAYS_HH

#include "frames.hh"

#include <cstring>
#include <fairlead/frames.h>
#include <fcntl.h>
#include <string>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>
#include <zmq.h>

/* What a way is unless it says otherwise: its readers are processes, and any process can begin it. */
struct way_of_processes {
	static constexpr bool own_process = false;
	static constexpr bool in_threads = false;
};

struct fairlead_frames : way_of_processes {
	fl_frames *frames = nullptr;
	fl_frames_reader *reader = nullptr;
	fl_frame frame = {};
	fl_frame_info info;
	std::string name = "bench-" + std::to_string(getpid());

	void make()
	{
		fl_frames_options options = {};

		options.name = name.c_str();
		options.size = image_size;
		if (fl_frame_info_init(&info, FL_PIXELS_RGB24, 1920, 1080) != 0 ||
		    fl_frames_create(&frames, &options) != 0)
			bench_fail("frames: fairlead's channel");
	}
	void begin()
	{
		make();
		if (fl_frames_serve(frames) != 0)
			bench_fail("frames: fairlead's channel cannot be served");
	}
	void *loan()
	{
		void *data = nullptr;

		if (fl_frames_loan(frames, image_size, &data) != 0)
			bench_fail("frames: fairlead's loan");
		return data;
	}
	void publish() { fl_frames_publish(frames, &info); }
	void end() { fl_frames_close(frames); }

	void open(unsigned)
	{
		if (fl_frames_open(&reader, name.c_str(), nullptr) != 0)
			bench_fail("frames: fairlead's reader");
	}
	const void *next() { return fl_frames_next(reader, &frame) == 0 ? frame.data : nullptr; }
};

struct pipes : way_of_processes {
	int ends[MOST_READERS][2];
	std::vector<unsigned char> mine = std::vector<unsigned char>(image_size);
	int in = -1;

	pipes()
	{
		for (auto &end : ends)
			if (pipe2(end, O_CLOEXEC) != 0)
				bench_fail("frames: a pipe");
		for (auto &end : ends)
			fcntl(end[1], F_SETPIPE_SZ, 1 << 20);
	}
	void begin()
	{
		for (auto &end : ends)
			close(end[0]);
	}
	void *loan() { return mine.data(); }
	void publish()
	{
		for (unsigned i = 0; i < frames_board->readers; i++)
			for (size_t done = 0; done < image_size;) {
				ssize_t n = write(ends[i][1], mine.data() + done, image_size - done);

				if (n <= 0)
					bench_fail("frames: writing to a pipe");
				done += static_cast<size_t>(n);
			}
	}
	void end()
	{
		for (auto &end : ends)
			close(end[1]);
	}

	void open(unsigned index)
	{
		in = ends[index][0];
		for (auto &end : ends)
			close(end[1]);
	}
	const void *next()
	{
		for (size_t done = 0; done < image_size;) {
			ssize_t n = read(in, mine.data() + done, image_size - done);

			if (n <= 0)
				return nullptr;
			done += static_cast<size_t>(n);
		}
		return mine.data();
	}
};

/* The image is filled under the lock, so readers are kept out meanwhile, as it has to be. */
struct locked_segment : way_of_processes {
	std::vector<unsigned char> mine = std::vector<unsigned char>(image_size);
	uint64_t last = 0;

	locked_segment()
	{
		pthread_mutexattr_t mutex;
		pthread_condattr_t cond;

		pthread_mutexattr_init(&mutex);
		pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
		pthread_mutex_init(&frames_board->mutex, &mutex);
		pthread_condattr_init(&cond);
		pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
		pthread_cond_init(&frames_board->changed, &cond);
		frames_board->number = 0;
		frames_board->over = false;
	}
	void begin() {}
	void *loan()
	{
		pthread_mutex_lock(&frames_board->mutex);
		return frames_segment;
	}
	void publish()
	{
		frames_board->number++;
		pthread_cond_broadcast(&frames_board->changed);
		pthread_mutex_unlock(&frames_board->mutex);
	}
	void end()
	{
		pthread_mutex_lock(&frames_board->mutex);
		frames_board->over = true;
		pthread_cond_broadcast(&frames_board->changed);
		pthread_mutex_unlock(&frames_board->mutex);
	}

	void open(unsigned) {}
	const void *next()
	{
		bool over;

		pthread_mutex_lock(&frames_board->mutex);
		while (frames_board->number == last && !frames_board->over)
			pthread_cond_wait(&frames_board->changed, &frames_board->mutex);
		over = frames_board->number == last;
		last = frames_board->number;
		if (!over)
			memcpy(mine.data(), frames_segment, image_size);
		pthread_mutex_unlock(&frames_board->mutex);
		return over ? nullptr : mine.data();
	}
};

struct zeromq : way_of_processes {
	std::string name = "ipc:///tmp/fairlead-bench-" + std::to_string(getpid());
	void *context = nullptr, *socket = nullptr;
	zmq_msg_t message;

	void begin()
	{
		char subscription[8];
		int every = 1;

		context = zmq_ctx_new();
		socket = zmq_socket(context, ZMQ_XPUB);
		zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &every, sizeof every); /* also of those that it knows */
		if (zmq_bind(socket, name.c_str()) != 0)
			bench_fail("frames: ZeroMQ cannot bind");
		for (unsigned i = 0; i < frames_board->readers; i++)
			zmq_recv(socket, subscription, sizeof subscription, 0);
	}
	void *loan()
	{
		zmq_msg_init_size(&message, image_size);
		return zmq_msg_data(&message);
	}
	void publish() { zmq_msg_send(&message, socket, 0); }
	void end()
	{
		zmq_send(socket, "", 0, 0);
		zmq_close(socket);
		zmq_ctx_term(context);
		unlink(name.c_str() + strlen("ipc://"));
	}

	void open(unsigned)
	{
		context = zmq_ctx_new();
		socket = zmq_socket(context, ZMQ_SUB);
		zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
		zmq_connect(socket, name.c_str()); /* it tries until there is somebody */
		zmq_msg_init(&message);
	}
	const void *next()
	{
		if (zmq_msg_recv(&message, socket, 0) < static_cast<int>(image_size))
			return nullptr;
		return zmq_msg_data(&message);
	}
};

/* No image, only that there is one. */
struct bare_wake : way_of_processes {
	int bells[MOST_READERS];
	unsigned mine = 0;

	bare_wake()
	{
		for (int &bell : bells)
			bell = eventfd(0, EFD_CLOEXEC);
	}
	void begin() { frames_board->over = false; }
	void *loan() { return frames_segment; }
	void publish()
	{
		for (int bell : bells)
			eventfd_write(bell, 1);
	}
	void end()
	{
		frames_board->over = true;
		publish();
	}

	void open(unsigned index) { mine = index; }
	const void *next()
	{
		eventfd_t n;

		return eventfd_read(bells[mine], &n) == 0 && !frames_board->over ? frames_segment : nullptr;
	}
};

#endif
