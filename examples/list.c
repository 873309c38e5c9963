/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Print every storage object found on the given devices or images. */
#include <inttypes.h>
#include <stdio.h>
#include <evms/evms.h>

int main(int argc, char **argv)
{
	struct evms_engine *e = NULL;
	struct evms_list *all = NULL;
	struct evms_object *o;
	int i, r;

	r = evms_engine_new(&e, 0);
	for (i = 1; r == 0 && i < argc; i++)
		r = evms_engine_add_device(e, argv[i], 0);
	if (r == 0)
		r = evms_engine_discover(e);
	if (r == 0)
		r = evms_engine_list(e, EVMS_KIND_ANY, &all);
	if (r < 0)
		fprintf(stderr, "%s\n", e ? evms_error_get_message(evms_engine_get_error(e)) : "no memory");

	evms_list_foreach(o, all)
		printf("%-10s %-24s %14" PRIu64 "\n", evms_object_get_kind_name(o),
		       evms_object_get_name(o), evms_object_get_size(o));

	evms_list_unref(all);
	evms_engine_unref(e);
	return r < 0;
}
