/*
 * bench/frames_gstreamer.hh - an image handed over by GStreamer's shmsink and shmsrc.
 *
 * The producer is appsrc ! shmsink, each reader shmsrc ! appsink. It is used as it does best: images are allocated
 * with the allocator that shmsink offers, so they are filled in the shared memory and nobody copies; no clock is
 * waited for. A frame goes to every reader, and its memory is free again when all have let go of it. While there is
 * none, the producer is held up: at appsrc, which takes two images that were not sent yet.
 *
 * GStreamer keeps threads, which a forked process does not have. So the process that begins forks its readers before
 * it uses GStreamer, and does not outlive the round.
 */
#ifndef FAIRLEAD_BENCH_FRAMES_GSTREAMER_HH
#define FAIRLEAD_BENCH_FRAMES_GSTREAMER_HH

#include "frames_ways.hh"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

struct gstreamer : way_of_processes {
	static constexpr bool own_process = true;
	static constexpr unsigned room = 8; /* images in the shared memory */
	static constexpr uint64_t no_number = UINT64_MAX;

	std::string path = "/tmp/fairlead-bench-" + std::to_string(getpid()) + ".gst";
	GstElement *pipeline = nullptr, *app = nullptr;
	GstAllocator *allocator = nullptr;
	GstBuffer *buffer = nullptr;
	GstSample *sample = nullptr;
	GstMapInfo map;
	std::atomic<unsigned> connected{0};

	void make(const std::string &description)
	{
		GError *error = nullptr;

		gst_init(nullptr, nullptr);
		pipeline = gst_parse_launch(description.c_str(), &error);
		if (pipeline == nullptr || error != nullptr)
			bench_fail("frames: GStreamer's pipeline");
		app = gst_bin_get_by_name(GST_BIN(pipeline), "app");
	}

	static void count(GstElement *, int, gpointer self) { static_cast<gstreamer *>(self)->connected++; }
	void find_allocator()
	{
		GstPad *pad = gst_element_get_static_pad(app, "src");
		GstCaps *caps = gst_app_src_get_caps(GST_APP_SRC(app));
		GstQuery *query = gst_query_new_allocation(caps, FALSE);

		if (!gst_pad_peer_query(pad, query) || gst_query_get_n_allocation_params(query) == 0)
			bench_fail("frames: GStreamer's shmsink offers no memory");
		gst_query_parse_nth_allocation_param(query, 0, &allocator, nullptr);
		gst_query_unref(query);
		gst_caps_unref(caps);
		gst_object_unref(pad);
	}
	void begin()
	{
		make("appsrc name=app block=true max-buffers=2 max-bytes=0 format=time "
		     "caps=video/x-raw,format=RGB,width=1920,height=1080,framerate=30/1 ! "
		     "shmsink name=sink sync=false async=false enable-last-sample=false socket-path=" +
		     path + " shm-size=" + std::to_string(room * (image_size + 4096)));
		GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");

		g_signal_connect(sink, "client-connected", G_CALLBACK(count), this);
		if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
			bench_fail("frames: GStreamer's shmsink does not start");
		frames_board->listens = true;
		find_allocator();
		while (connected < frames_board->readers)
			usleep(100);
		gst_object_unref(sink);
	}
	void *loan()
	{
		buffer = gst_buffer_new_allocate(allocator, image_size, nullptr);
		if (buffer == nullptr || !gst_buffer_map(buffer, &map, GST_MAP_WRITE))
			bench_fail("frames: GStreamer's memory");
		return map.data;
	}
	void publish()
	{
		gst_buffer_unmap(buffer, &map);
		if (gst_app_src_push_buffer(GST_APP_SRC(app), buffer) != GST_FLOW_OK)
			bench_fail("frames: GStreamer's appsrc takes no more");
	}
	/*
	 * shmsrc does not pass on that the stream has ended: an image without a number says it. Readers that left now
	 * would have shmsink complain of the descriptors that they were at, so they wait until it is gone.
	 */
	void end()
	{
		memcpy(loan(), &no_number, sizeof no_number);
		publish();
		while (frames_board->ready > 0)
			usleep(100);
		gst_element_set_state(pipeline, GST_STATE_NULL);
		gst_object_unref(allocator);
		gst_object_unref(app);
		gst_object_unref(pipeline);
	}

	/* Where nobody listens yet, shmsrc fails, and complains of descriptors that it never had. */
	void open(unsigned)
	{
		make("shmsrc is-live=true socket-path=" + path +
		     " ! appsink name=app sync=false enable-last-sample=false");
		while (!frames_board->listens)
			usleep(1000);
		if (gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
			bench_fail("frames: GStreamer's shmsrc does not start");
	}
	void give_back()
	{
		if (sample == nullptr)
			return;
		gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
		gst_sample_unref(sample);
		sample = nullptr;
	}
	const void *next()
	{
		give_back();
		sample = gst_app_sink_pull_sample(GST_APP_SINK(app));
		if (sample == nullptr)
			return nullptr;
		if (!gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ) || map.size < image_size)
			bench_fail("frames: GStreamer's image");
		if (number_of(map.data) != no_number)
			return map.data;
		give_back();
		frames_board->ready--;
		if (gst_app_sink_pull_sample(GST_APP_SINK(app)) != nullptr)
			bench_fail("frames: GStreamer has another image after the last");
		return nullptr;
	}
};

#endif
