/*
 * hub/video/video.c - finds the plug-in for video, and loads it once.
 *
 * It is loaded when the first video is asked for: FFmpeg's libraries bring some 200 others with them, which a hub of
 * cameras that speak for themselves does without. It is never unloaded, since FFmpeg keeps process-wide state.
 *
 * Where FAIRLEAD_PLUGINS names a folder, only that is looked at, so that who sets it knows what was taken. The variable
 * is ignored in a program with raised privileges. The path always has a slash, so the loader never searches for it.
 */
#define _GNU_SOURCE
#include "video.h"

#include <dlfcn.h>
#include <errno.h>
#include <fairlead/once.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PLUGIN_DIR
#error "the build says where plug-ins are installed"
#endif

#define NAME "fairlead-video.so"
#define PACKAGES "libavformat59, libavcodec59, libavdevice59 and libswscale6"

struct attempt {
	char *why;
	size_t size;
};

static fl_once once = FL_ONCE_INIT;
static const struct video_plugin *loaded;

/* Writes the path of the plug-in beside this program, or where a build has it. */
static bool beside(char *ret_path, size_t size)
{
	static const char *const places[] = {NAME, "../hub/" NAME};
	ssize_t length = readlink("/proc/self/exe", ret_path, size);
	char *slash;

	if (length <= 0 || (size_t)length >= size)
		return false;
	ret_path[length] = '\0';
	slash = strrchr(ret_path, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(*places); i++) {
		size_t left = size - (size_t)(slash + 1 - ret_path);

		if ((size_t)snprintf(slash + 1, left, "%s", places[i]) < left && access(ret_path, F_OK) == 0)
			return true;
	}
	return false;
}

static void find(char *ret_path, size_t size)
{
	const char *folder = secure_getenv("FAIRLEAD_PLUGINS");

	if (folder && *folder)
		snprintf(ret_path, size, "%s/" NAME, folder);
	else if (!beside(ret_path, size))
		snprintf(ret_path, size, "%s/" NAME, PLUGIN_DIR);
}

/* What is missing: the plug-in itself, or a library that it needs. */
static int missing(const char *path, const struct attempt *attempt)
{
	const char *said = dlerror();

	if (access(path, F_OK) != 0)
		snprintf(attempt->why, attempt->size,
			 "files, cameras and recordings need the plug-in %s, which is not there: install the package "
			 "fairlead-video, or build Fairlead where FFmpeg's development packages are",
			 path);
	else
		snprintf(attempt->why, attempt->size,
			 "files, cameras and recordings need FFmpeg's libraries: install the packages " PACKAGES
			 " (%s)",
			 said ? said : "no reason given");
	return -ELIBACC;
}

static int load(void *arg)
{
	const struct attempt *attempt = arg;
	const struct video_plugin *found;
	char path[PATH_MAX];
	void *library;

	find(path, sizeof(path));
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return missing(path, attempt);
	found = dlsym(library, "fairlead_video");
	if (!found || found->version != VIDEO_PLUGIN_VERSION) {
		snprintf(attempt->why, attempt->size,
			 "the plug-in %s is of another version: install the package fairlead-video of this one", path);
		dlclose(library);
		return -ELIBBAD;
	}
	loaded = found;
	return 0;
}

int video_plugin(const struct video_plugin **ret_plugin, char *why, size_t size)
{
	struct attempt attempt = {.why = why, .size = size};
	int error = fl_once_call(&once, load, &attempt);

	if (!error)
		*ret_plugin = loaded;
	return error;
}
