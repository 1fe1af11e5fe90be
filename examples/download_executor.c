/*
 * download_executor.c - how are five downloads done by two threads, and each reported when it is done?
 *
 * By an executor. It has the work done by threads of its own, never more than it may have: five thousand downloads
 * would wait their turn. fl_executor_start is for work that nobody waits for singly; it reports by itself, a line in
 * one call of printf. fl_executor_destroy waits for all of it. Where the outcome is wanted elsewhere, see
 * download_completed.c.
 *
 * The addresses are its arguments; download_pages.py gives it some, of which one is slow and one is not there. While
 * one of the threads waits for the slow one, the other one does the rest. Prints a line for each.
 */
#include <curl/curl.h>
#include <fairlead/executor.h>
#include <stdio.h>

/* Receives a part of a page. What it says, here only how long it is, is of no interest. */
static size_t count(char *part, size_t size, size_t n, void *ret_bytes)
{
	(void)part;
	*(size_t *)ret_bytes += size * n;
	return size * n;
}

static void download(void *url)
{
	CURL *curl = curl_easy_init();
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code;
	size_t bytes = 0;

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* there are other threads */
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &bytes);
	code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK)
		printf("%s: %zu bytes\n", (char *)url, bytes);
	else
		printf("%s: %s\n", (char *)url, error[0] != '\0' ? error : curl_easy_strerror(code));
}

int main(int argc, char **argv)
{
	fl_executor *executor;

	setvbuf(stdout, NULL, _IOLBF, 0); /* a line is to be seen when it is printed, also in a pipe */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
	    fl_executor_create(&executor, &(fl_executor_options){.max_threads = 2}) < 0)
		return 1;
	for (int i = 1; i < argc; i++)
		if (fl_executor_start(executor, download, argv[i]) < 0)
			printf("%s: nobody can be found to download it\n", argv[i]);
	fl_executor_destroy(executor);
	curl_global_cleanup();
	return 0;
}
