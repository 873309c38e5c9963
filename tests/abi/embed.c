/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that embeds libevms: linked with the shared library, with the archive, or (EMBED_DLOPEN)
 * loading it the way a language binding does. Two engines at once look at one image each.
 * embed IMAGE IMAGE [LIBRARY]: prints plug-ins and objects, and how many libevms are in the process.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <evms/evms.h>

#ifdef EMBED_DLOPEN
static void *library;

static void *find(const char *name)
{
	void *symbol = dlsym(library, name);

	if (!symbol) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return symbol;
}

#define CALL(name) ((__typeof__(&name))find(#name))
#else
#define CALL(name) name
#endif

static struct evms_engine *start(const char *image)
{
	struct evms_engine *e = NULL;

	if (CALL(evms_engine_new)(&e, 0)) {
		fprintf(stderr, "no engine\n");
		exit(1);
	}
	if (CALL(evms_engine_load_plugins)(e) || CALL(evms_engine_add_device)(e, image, 0) ||
	    CALL(evms_engine_discover)(e)) {
		fprintf(stderr, "%s\n", CALL(evms_error_get_message)(CALL(evms_engine_get_error)(e)));
		exit(1);
	}
	return e;
}

static void show(struct evms_engine *e)
{
	const struct evms_plugin *p;
	struct evms_list *list = NULL;
	struct evms_object *o;
	size_t i;

	for (i = 0; (p = CALL(evms_engine_get_plugin)(e, i)); i++)
		printf("plugin %s %s\n", CALL(evms_plugin_get_role_name)(p), CALL(evms_plugin_get_name)(p));
	if (CALL(evms_engine_list)(e, EVMS_KIND_ANY, &list))
		exit(1);
	for (i = 0; (o = CALL(evms_list_get)(list, i)); i++)
		printf("%s %s %llu\n", CALL(evms_object_get_kind_name)(o), CALL(evms_object_get_name)(o),
		       (unsigned long long)CALL(evms_object_get_size)(o));
	CALL(evms_list_unref)(list);
}

static void count_libraries(void)
{
	char line[4200], seen[4200] = "";
	FILE *f = fopen("/proc/self/maps", "r");
	const char *path;
	int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		path = strchr(line, '/');
		if (!path || !strstr(path, "/libevms.so") || !strcmp(path, seen))
			continue;
		strcpy(seen, path);
		n++;
	}
	if (f)
		fclose(f);
	printf("libraries %d\n", n);
}

int main(int argc, char **argv)
{
	struct evms_engine *a, *b;
	unsigned major = 0, minor = 0, patch = 0;

	if (argc < 3)
		return 2;
#ifdef EMBED_DLOPEN
	library = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
#endif
	CALL(evms_get_version)(&major, &minor, &patch);
	if (major * 1000000 + minor * 1000 + patch != EVMS_VERSION_NUM)
		return 1;
	a = start(argv[1]);
	b = start(argv[2]);
	show(a);
	show(b);
	count_libraries();
	CALL(evms_engine_unref)(a);
	show(b);
	CALL(evms_engine_unref)(b);
#ifdef EMBED_DLOPEN
	/* The library stays mapped (nodelete), so that nothing of it is called after it is gone. */
	if (dlclose(library))
		return 1;
	library = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return 1;
	CALL(evms_engine_unref)(start(argv[1]));
	dlclose(library);
#endif
	return 0;
}
