/*
 * check/exception.c - exceptions of C++: what one says that nobody catches, and who destroys one that threads share.
 *
 * An uncaught exception ends in abort(), by way of std::terminate. What it is and says makes the failure's text: asked
 * of the C++ runtime by the names that it exports, since this library must not need it.
 *
 * An exception that several threads hold (std::exception_ptr, and each catch of one that was thrown again) is counted
 * in the runtime, which is not instrumented; the last one destroys it. So that this does not look like a race with what
 * the others have read, the calls that count order their threads, as the counter does.
 */
#include "exception.h"

#include "object.h"

#include <dlfcn.h>
#include <stdlib.h>

#define HEADER 112u      /* of an exception: the object comes behind it */
#define HEADER_CLASS 80u /* where the header has what it belongs to */
#define FIRST_BYTES UINT64_C(0xffffffffffffff00)
#define CLASS UINT64_C(0x474e5543432b2b00) /* "GNUCC++"; its last byte is 1 for one that was thrown again */

static void *symbol(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

static void *next(const char *name)
{
	void *at = dlsym(RTLD_NEXT, name);

	if (at == NULL)
		raw_die("the C++ runtime has no %s", name);
	return at;
}

/* The object's own type knows whether it is a std::exception: the fifth function of its table. */
static const char *what(const void *type, void *object)
{
	typedef bool catches_function(const void *, const void *, void **, unsigned);
	const void *wanted = symbol("_ZTISt9exception");
	void **functions = *(void ***)(uintptr_t)type;

	if (wanted == NULL || !((catches_function *)functions[4])(wanted, type, &object, 1))
		return NULL;
	functions = *(void ***)object;
	return ((const char *(*)(const void *))functions[2])(object);
}

static void describe(char *text, size_t size, const void *type, void *object)
{
	typedef char *demangle_function(const char *, char *, size_t *, int *);
	demangle_function *demangle = (demangle_function *)symbol("__cxa_demangle");
	const char *name = ((const char *const *)type)[1];
	const char *says;
	char *clear = NULL;

	if (demangle != NULL)
		clear = demangle(name, NULL, NULL, NULL);
	says = what(type, object);
	raw_print(text, size, "nobody catches an exception: %s%s%s", clear != NULL ? clear : name,
		  says != NULL ? ": " : "", says != NULL ? says : "");
}

bool exception_describe(char *text, size_t size)
{
	const void *(*current_type)(void) = (const void *(*)(void))symbol("__cxa_current_exception_type");
	void **(*current)(void **) = (void **(*)(void **))symbol("_ZSt17current_exceptionv");
	const void *type = current_type != NULL ? current_type() : NULL;
	void *object = NULL;
	bool active = run->active;

	if (type == NULL || current == NULL)
		return false;
	run->active = false;
	current(&object);
	if (object != NULL)
		describe(text, size, type, object);
	run->active = active;
	return object != NULL;
}

/* The running thread is one of those that hold it. */
static void order(const void *exception)
{
	struct object *object;

	if (!controlled() || exception == NULL)
		return;
	object = object_get((uintptr_t)exception - 1, OBJECT_OTHER);
	clock_acquire(object);
	clock_release(object);
}

EXPORT void exception_addref(void **pointer) __asm__("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv");
void exception_addref(void **pointer)
{
	static void (*real)(void **);

	if (real == NULL)
		real = (void (*)(void **))next("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv");
	order(*pointer);
	real(pointer);
}

EXPORT void exception_release(void **pointer) __asm__("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");
void exception_release(void **pointer)
{
	static void (*real)(void **);

	if (real == NULL)
		real = (void (*)(void **))next("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");
	order(*pointer);
	real(pointer);
}

EXPORT NO_RETURN void exception_rethrow(void **pointer) __asm__(
	"_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE");
NO_RETURN void exception_rethrow(void **pointer)
{
	void (*real)(void **) = (void (*)(void **))next("_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE");

	order(*pointer);
	real(pointer);
	__builtin_unreachable();
}

/* The exception whose handler runs; one that was thrown again begins with the one that it stands for. */
static const void *caught(void)
{
	char *(*globals)(void) = (char *(*)(void))next("__cxa_get_globals");
	const char *header = *(const char **)(void *)globals();
	uint64_t class;

	if (header == NULL)
		return NULL;
	class = *(const uint64_t *)(const void *)(header + HEADER_CLASS);
	if ((class & FIRST_BYTES) != CLASS)
		return NULL;
	return class == CLASS ? header + HEADER : *(const void *const *)(const void *)header;
}

EXPORT void __cxa_end_catch(void);
void __cxa_end_catch(void)
{
	static void (*real)(void);

	if (real == NULL)
		real = (void (*)(void))next("__cxa_end_catch");
	if (controlled())
		order(caught());
	real();
}
