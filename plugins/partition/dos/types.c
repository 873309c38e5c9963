/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of partition types. */
#include <stdlib.h>
#include <strings.h>
#include "dos.h"

/* Where a type has several names, the first one is shown. */
static const struct {
	const char *name;
	uint8_t type;
} types[] = {
	{ "linux", 0x83 }, { "swap", 0x82 }, { "lvm", 0x8e }, { "raid", 0xfd }, { "esp", 0xef },
	{ "fat32", 0x0c }, { "fat32-chs", 0x0b }, { "ntfs", 0x07 }, { "exfat", 0x07 },
	{ "hpfs", 0x07 }, { "fat16", 0x0e }, { "fat16-chs", 0x06 }, { "fat16-small", 0x04 },
	{ "fat12", 0x01 }, { "luks", 0xe8 }, { "prep", 0x41 }, { "windows-re", 0x27 },
	{ "hfs", 0xaf }, { "freebsd", 0xa5 }, { "openbsd", 0xa6 }, { "netbsd", 0xa9 },
	{ "apple-ufs", 0xa8 }, { "solaris", 0xbf }, { "solaris-boot", 0xbe }, { "minix", 0x81 },
	{ "os2-lvm", 0x35 }, { "os2-boot-manager", 0x0a }, { "plan9", 0x39 }, { "ldm", 0x42 },
	{ "qnx4", 0x4d }, { "unix", 0x63 }, { "aix", 0x09 }, { "vmfs", 0xfb }, { "vmware-swap", 0xfc },
	{ "xbootldr", 0xea },
};

bool dos_is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

bool dos_type_parse(const char *text, uint8_t *out)
{
	unsigned long number;
	char *end;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(types[i].name, text) == 0) {
			*out = types[i].type;
			return true;
		}
	}
	if (!*text || *text == '-' || *text == '+' || *text == ' ')
		return false;
	number = strtoul(text, &end, 16);
	if (*end || number > 0xff)
		return false;
	*out = (uint8_t)number;
	return true;
}

const char *dos_type_name(uint8_t type)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}
