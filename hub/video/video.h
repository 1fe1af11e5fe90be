/*
 * hub/video/video.h - video files, cameras and streams as pictures, and recordings: by a plug-in, loaded when first
 * used.
 *
 *     const struct video_plugin *plugin;
 *     struct video_wish wish = {.url = "clip.mp4", .max_pixels = 1920 * 1080, .stop = asked_to_stop, .arg = &state};
 *     struct video_input *input;
 *     struct video_picture picture;
 *     char why[VIDEO_WHY];
 *
 *     int error = video_plugin(&plugin, why, sizeof(why));
 *     if (!error)
 *             error = plugin->open(&input, &wish, why, sizeof(why));
 *     if (error)
 *             ... `why` is a sentence for people ...
 *     while (!plugin->next(input, &picture))
 *             plugin->copy(input, memory_of(picture.info.size));
 *     plugin->close(input);
 *
 * hub/video.c finds and loads the plug-in; hub/ffmpeg.c and the files beside it are the plug-in, fairlead-video.so,
 * over FFmpeg's libraries. All that it offers is one struct of functions, so that the hub links nothing of FFmpeg, and
 * runs without it as long as nobody asks for a video. Loading it silences FFmpeg's log for all of the process.
 *
 * Pictures are I420 of full range (Y, U and V from 0 to 255, by the matrix of BT.601), since that is what a JPEG holds
 * and the hub encodes them as they are. A source that has this already is copied, any other is converted. Rotation that
 * a file merely notes is not applied. Sizes are even: an odd one loses its last column or row.
 *
 * Threads: any thread may open any number of inputs and recordings. One input or recording is used by one thread at a
 * time, not always the same. A decoder has at most two threads of its own. Nothing may be called from signal handlers.
 * Errors are negative errno values; out-parameters are left alone on failure.
 */
#ifndef HUB_VIDEO_H
#define HUB_VIDEO_H

#include <fairlead/frame.h>
#include <fairlead/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any `why`; a shorter one gets a shorter sentence. It has no line break and no full stop at its end, and
 * names neither the url nor a password that was in it. */
#define VIDEO_WHY 320

#define VIDEO_PLUGIN_VERSION 1u

struct video_input;
struct video_record;

/* What to open. It is copied, but for what `arg` points to.
 *
 * The url is one of
 *   rtsp://…, http://…, https://…   a stream, or a video that a server has;
 *   a path of a V4L2 camera         /dev/video0, or a link to one; its MJPEG is taken where it has that, and decoded;
 *   any other path                  a file. It is only a path, whatever it looks like: `http:x`, `concat:a|b`, `-`.
 * Only the best video of it is decoded. A file opens nothing else: of formats those are known that hold their pictures
 * themselves (MP4, Matroska, AVI, MPEG, FLV, ASF, Ogg, NUT, MXF, raw streams, single images, ...), and not playlists,
 * concatenations and session descriptions, wherever they come from. Of the network nothing is used but rtsp, rtp,
 * http, https, tcp, udp, tls and crypto. */
struct video_wish {
	const char *url;
	uint32_t width, height; /* wished of a camera, in pixels; it may give others. 0: its default */
	uint32_t rate;          /* wished of a camera, in pictures a second. 0: its default */
	/* Pictures with more pixels are refused, and before there is memory for them if they have over a million more.
	 * 0: as FFmpeg likes. */
	uint64_t max_pixels;
	/* Is asked now and then during open, next and rewind, also by those that block; true ends the call with
	 * -ECANCELED. NULL: never. Only a look-up of a host's name is not interrupted. */
	bool (*stop)(void *arg);
	void *arg;
};

struct video_picture {
	fl_frame_info info; /* I420 without gaps. `captured` stays 0; FL_FRAME_CORRUPT: the decoder had to guess */
	fl_time at;         /* when it is to be shown, in ns since the first picture; grows strictly. -1: it is live */
};

struct video_plugin {
	uint32_t version; /* VIDEO_PLUGIN_VERSION; what follows depends on it */

	/* Opens. Blocks: for a file as long as the disk does, for others at most 10 s. Returns 0;
	 * -ENOENT: there is no such file, or the server has none;
	 * -ENODEV: there is no such camera, or it is none;
	 * -EISDIR, -EACCES, -EBUSY (the camera is used by another), -ECONNREFUSED and others that say what they say;
	 * -EPROTO: there is no video in it, or none that can be decoded;
	 * -EMSGSIZE: it has more pixels than max_pixels;
	 * -ETIMEDOUT: the other end said too little for 10 s;
	 * -ENOMEM: also what a damaged file says that it needs; -ECANCELED.
	 * `why` then holds a sentence. */
	int (*open)(struct video_input **ret, const struct video_wish *wish, char *why, size_t size);

	/* Decodes the next picture. Blocks until there is one: a live input is asked for its next, others decode as
	 * fast as they can. A size may change from picture to picture. A damaged packet is skipped and counted.
	 * Returns 0;
	 * -ENODATA: that was the last one, or the other end has closed the connection. Again, until it is rewound;
	 * -EPROTO: the end came before any picture;
	 * -EMSGSIZE: the pictures have become larger than max_pixels;
	 * -ETIMEDOUT: nothing came for 10 s;
	 * -ECANCELED: it can be called again;
	 * -ENODEV, -EIO, -ECONNRESET and so on: broken. After these, and after -EPROTO, -EMSGSIZE, -ETIMEDOUT and
	 * -ENOMEM, it returns the same again until it is rewound. */
	int (*next)(struct video_input *input, struct video_picture *ret_picture);

	/* Writes the picture of the last `next`, which returned 0, to info.size bytes at `data`: planes and rows as its
	 * info says. It may be left out, or called again. Takes the time of a copy or a conversion; does not block. */
	void (*copy)(struct video_input *input, void *data);

	/* Goes back to the beginning: the same pictures come again, and `at` begins with 0 again. It is opened anew,
	 * save that a file stays the one that was opened, also if another has its name now. Errors as of open, and
	 * -ESPIPE: it is live, and untouched. */
	int (*rewind)(struct video_input *input);

	/* Tells whether pictures come when they are made: a camera, RTSP, and HTTP that cannot seek. */
	bool (*live)(const struct video_input *input);

	/* Returns how many packets and pictures were skipped for damage, since open. */
	uint64_t (*damaged)(const struct video_input *input);

	/* Closes and frees. NULL is allowed. Returns NULL. */
	struct video_input *(*close)(struct video_input *input);

	/* Begins a recording: JPEGs in Matroska, as they are, with their times. The file is made with mode 0600. Blocks
	 * as long as the disk does, like the three below. Returns 0;
	 * -EEXIST: there is something of that name; it is never written over;
	 * -EINVAL: no width or no height; -EMSGSIZE: more than 65535 of one;
	 * -ENOENT, -EACCES, -ENOSPC, -EROFS, -ENOMEM and so on. There is then no file, and `why` holds a sentence. */
	int (*record)(struct video_record **ret, const char *path, uint32_t width, uint32_t height, char *why,
		      size_t size);

	/* Adds a picture. `captured` is in ns on any clock; the file has it in whole ms since the first picture. One
	 * that is not later than the picture before gets 1 ms more than that. When it returns the picture is in the
	 * file, and is played also if this process is killed right then. Returns 0;
	 * -EINVAL: it is not a JPEG, and was left out;
	 * -ENOSPC, -EFBIG, -EDQUOT, -EIO, -ENOMEM: it could not be written. That is said once: the file has been cut
	 * back to the last whole picture, and
	 * -EPIPE: nothing is added to it any more. */
	int (*write)(struct video_record *record, const void *jpeg, size_t size, fl_time captured);

	/* Returns the bytes of the file so far. */
	uint64_t (*written)(const struct video_record *record);

	/* Ends the recording, closes the file and frees the record in any case. Returns 0, also if it ended early and
	 * write has said so; or the error that kept the index from being written, without which players seek badly but
	 * all pictures are there. NULL is allowed. */
	int (*finish)(struct video_record *record);
};

/* Finds the plug-in, and loads it the first time. It is looked for in the folder that FAIRLEAD_PLUGINS names, or if
 * that is not set beside this program's file, or if it is not there where it was installed. Any thread may call it; it
 * blocks while it is loaded. Returns 0 and what stays valid until the process ends;
 * -ELIBACC: it or a library that it needs is missing; -ELIBBAD: it is of another version. `why` says which package. The
 * next call tries again. */
int video_plugin(const struct video_plugin **ret_plugin, char *why, size_t size);

#endif
