/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A feature that breaks its contract in the way that the disk asks for. */
#include "misfit.h"

static int is_misfit(struct evms_object *o)
{
	char magic[MISFIT_MAGIC + 1] = "";

	return evms_get_size(o) >= 512 && evms_read(o, magic, MISFIT_MAGIC, 0) == 0 &&
		strcmp(magic, "MISFIT-F ") == 0;
}

static int feature_probe(struct evms_object *o)
{
	char how[64];

	if (evms_get_kind(o) == EVMS_KIND_PARTITION)
		misfit_foreign = o;
	if (!is_misfit(o))
		return EVMS_NOT_MINE;
	misfit_behaviour(o, how);
	misfit_foreign = NULL;		/* disks are probed before partitions */
	if (misfit_is(how, "joins-wait") || misfit_is(how, "joins-fails") ||
	    misfit_is(how, "joins-nothing") || misfit_is(how, "foreign")) {
		if (evms_join(o, how) < 0)
			return -EIO;
	}
	if (misfit_is(how, "joins-long")) {
		char key[1024];

		memset(key, 'k', sizeof(key) - 1);
		key[sizeof(key) - 1] = '\0';
		if (evms_join(o, key) != -EPERM || evms_join(o, "") != -EPERM)
			return 78;
		return EVMS_NOT_MINE;
	}
	return EVMS_MINE;
}

static int claim_map(struct evms_object *in, struct evms_object *out, const char *how)
{
	uint64_t size = evms_get_size(in);

	if (misfit_is(how, "gap")) {
		int r = evms_map(out, 0, in, 0, size / 4);

		return r < 0 ? r : evms_map(out, size / 2, in, size / 2, size / 2);
	}
	if (misfit_is(how, "gap-ignored")) {
		evms_map(out, 0, in, 0, size / 4);
		evms_map(out, size / 2, in, size / 2, size / 2);
		return 0;
	}
	if (misfit_is(how, "short"))
		return evms_map(out, 0, in, 0, size / 2);
	if (misfit_is(how, "beyond"))
		return evms_map(out, 0, in, 512, size);
	if (misfit_is(how, "beyond-wraps"))
		return evms_map(out, 0, in, UINT64_MAX - 511, size);
	if (misfit_is(how, "itself"))
		return evms_map(out, 0, out, 0, size);
	if (misfit_is(how, "no-input"))
		return evms_map(out, 0, NULL, 0, size);
	if (misfit_is(how, "stripes")) {
		const uint64_t zero = 0;

		return evms_map_striped(out, 0, size, 0, 1, &in, &zero);
	}
	if (misfit_is(how, "no-map"))
		return 0;
	return evms_map(out, 0, in, 0, size);
}

static int feature_claim(struct evms_object *in)
{
	struct evms_object *out, *other;
	char how[64];
	int r;

	misfit_behaviour(in, how);
	if (misfit_is(how, "nothing"))
		return 0;
	if (misfit_is(how, "writes"))
		return evms_write(in, how, 64, 0, EVMS_PHASE_PRIMARY) == -EROFS &&
			evms_zero(in, 0, 512, EVMS_PHASE_WIPE) == -EROFS ? -EROFS : 0;
	if (misfit_is(how, "partition"))
		return evms_add_partition(in, 0, 4096, "not mine", &out);
	if (misfit_is(how, "good")) {
		r = evms_produce(in, "misfit", evms_get_size(in) - 4096, &out);
		return r < 0 ? r : evms_map(out, 0, in, 4096, evms_get_size(in) - 4096);
	}
	r = evms_produce(in, "misfit", misfit_is(how, "huge") ? UINT64_MAX : evms_get_size(in), &out);
	if (r < 0)
		return r;
	if (misfit_is(how, "twice")) {
		r = evms_produce(in, "misfit", evms_get_size(in), &other);
		return r < 0 ? r : 0;
	}
	if (misfit_is(how, "huge"))
		return evms_map_zero(out, 0, UINT64_MAX);
	r = claim_map(in, out, how);
	if (r == 0 && misfit_is(how, "consume-itself"))
		return evms_consume(out, out);
	if (r == 0 && misfit_is(how, "fails-late")) {
		evms_set_private(out, malloc(8));
		evms_set_private(in, malloc(8));
		evms_set_label(out, "label");
		return evms_fail(in, EBADMSG, "misfit-feature.late", "it is bad after all");
	}
	if (r == 0 && misfit_is(how, "removes"))
		return evms_remove(out);
	return r;
}

static int feature_assemble(struct evms_members *m)
{
	struct evms_object *in = evms_members_get(m, 0), *out;

	if (strcmp(evms_members_get_key(m), "joins-wait") == 0)
		return EVMS_WAIT;
	if (strcmp(evms_members_get_key(m), "joins-nothing") == 0)
		return 0;
	if (evms_produce(in, "misfit", evms_get_size(in), &out) == 0)
		evms_map(out, 0, in, 0, evms_get_size(in));
	if (strcmp(evms_members_get_key(m), "foreign") == 0)
		return evms_set_u64(out, "refused", EVMS_TYPE_U64,
				    misfit_foreign ? misfit_attack(misfit_foreign, out) : 0);
	return evms_fail(in, EBADMSG, "misfit-feature.assemble", "the members do not fit together");
}

static void feature_release(struct evms_object *o)
{
	free(evms_get_private(o));
}

static int feature_create(struct evms_task *task)
{
	struct evms_object *in = evms_task_get_input(task, 0), *out;
	int r = evms_produce(in, "misfit", evms_get_size(in), &out);

	if (r == 0)
		r = evms_map(out, 0, in, 0, evms_get_size(in) / 2);	/* not all of it */
	return r == 0 ? evms_mark_dirty(out) : r;
}

static const struct evms_setup setup = {
	EVMS_SETUP,
	.probe = feature_probe,
	.claim = feature_claim,
	.assemble = feature_assemble,
	.release = feature_release,
	.create = feature_create,
};

EVMS_PLUGIN(
	.id = UINT64_C(0x6d69736669740002),
	.name = "misfit-feature",
	.version = "1.0",
	.summary = "a feature that misbehaves",
	.role = EVMS_ROLE_FEATURE,
	.priority = 10,
	.setup = &setup,
);
