/*
 * shm/process.h - what the files of fl_process need of each other.
 *
 *     process.c           the handle: joining, signals, what is told of it
 *     process_start.c     the parent's side: a new process is made
 *     process_begin.c     the child's side: the function is found and run
 *     process_function.c  a function's name, that another process of the same program understands
 *     lifeline.c          a process that ends with its parent
 *
 * Parent and child share a memfd: first a head, struct fl_process_head, which both have mapped, and from the next page
 * on the argument. It is handed over by its descriptor, whose number stands in the environment (process_begin.c), and
 * sealed in its size, so that neither can end the other by truncating it. The head is also how the child says how far
 * it came. The parent reads that when the child has ended, which orders all that the child has written before; a child
 * that writes nonsense there misleads its parent about itself, and no more.
 */
#ifndef FL_SHM_PROCESS_H
#define FL_SHM_PROCESS_H

#include <fairlead/once.h>
#include <fairlead/process.h>
#include <sys/types.h>

/* A function, as process_function.c names it. */
struct fl_process_function {
	uint64_t offset;  /* in its module */
	uint64_t print;   /* of the module: another build has another one */
	uint64_t path;    /* hash of what the loader calls it */
	char module[128]; /* the end of that, for people; "" is the program */
};

enum fl_process_state {
	FL_PROCESS_STARTED, /* the child has not come to fl_process_begin */
	FL_PROCESS_BEGUN,   /* the function is called */
	FL_PROCESS_RETURNED,
	FL_PROCESS_BROKEN, /* the function can't be called */
};

#define FL_PROCESS_MAGIC 0x31636f7270666cu /* "lfproc1" */

/* What parent and child share. The first part is the parent's, and is written before the child runs. */
struct fl_process_head {
	uint64_t magic;
	uint64_t offset, size; /* of the argument */
	struct fl_process_function function;
	char name[16];    /* as much of it as the kernel takes */
	int32_t lifeline; /* the child's descriptor, or -1 */
	uint32_t n_marked;
	/* The second is the child's. */
	uint32_t state; /* of enum fl_process_state */
	int32_t result; /* what the function returned, or why it could not be called */
	int32_t error;  /* why it could not even run the program */
	char why[256];
	int32_t marked[]; /* the parent's again: descriptors that are to be closed on exec, as they were */
};

/* `taken` when it is known that the process has ended, but not how. */
struct fl_process {
	struct fl_process *next; /* in the list of those whose handles were closed while they ran */
	struct fl_process_head *head;
	size_t head_size;
	pid_t pid, owner;
	int fd;
	fl_once ended;
	bool taken;
	fl_process_status status;
	char name[]; /* all of it */
};

/* process.c */

/* Frees what has ended of the processes whose handles were closed. */
void fl_process_sweep_(void);

/* Frees a handle whose process there is not, or no more. */
void fl_process_free_(struct fl_process *process);

/* process_begin.c */

#define FL_PROCESS_MARKER "FAIRLEAD_PROCESS="

/* Whether fl_process_begin has been called in this program. */
bool fl_process_has_begun_(void);

/* Runs the function that `head` names with the argument, which is in the memfd `fd`; closes that. Returns the exit
 * code. */
int fl_process_run_(struct fl_process_head *head, int fd);

/* process_function.c */

/* Names the function at this address. Returns 0; -EINVAL: no module has executable code there. */
int fl_process_name_function_(const void *address, struct fl_process_function *ret_function);

/* Finds it again. Returns 0; -ENOENT: there is no such module; -ESTALE: it is another one. */
int fl_process_find_function_(const struct fl_process_function *function, void **ret_address);

/* lifeline.c */

/* Opens a descriptor for a child, which arms it; closed on exec. Returns it, or a negative errno. */
int fl_lifeline_open_(void);

/* In the child: SIGKILL for this process when the parent ends. From then on, and for as long as the descriptor is open
 * somewhere. Returns 0 or a negative errno. May be called between vfork and exec. */
int fl_lifeline_arm_(int fd);

/* In the child: whether the parent has ended already, which may be why nothing will come. */
bool fl_lifeline_is_cut_(int fd);

#endif
