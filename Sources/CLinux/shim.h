// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// System calls of Linux that Swift's Glibc module does not show: those without a wrapper, and those that glibc hides
// without _GNU_SOURCE. Each function is one call, and sets errno as its call does.

#ifndef STASIS_CLINUX_SHIM_H
#define STASIS_CLINUX_SHIM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <malloc.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

// What statx says of one inode.
struct clinux_status {
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t links;
    uint64_t inode;
    uint64_t size;
    uint64_t blocks;
    uint64_t device;
    uint64_t mount;
    uint32_t device_major;
    uint32_t device_minor;
    int64_t modified_seconds;
    uint32_t modified_nanoseconds;
    int64_t changed_seconds;
    uint32_t changed_nanoseconds;
};

// The inode of an entry of a directory, of no link that it may be; or, if the name is empty, the one behind the descriptor,
// also one that was opened with O_PATH.
static inline int clinux_get_status(int descriptor, const char *name, struct clinux_status *status) {
    const int no_follow = 0x100, no_automount = 0x800, empty_path = 0x1000;
    struct statx found;
    long code = syscall(SYS_statx, descriptor, name, no_follow | no_automount | empty_path, STATX_BASIC_STATS | STATX_MNT_ID,
                        &found);
    if (code != 0) return (int)code;
    status->mode = found.stx_mode;
    status->uid = found.stx_uid;
    status->gid = found.stx_gid;
    status->links = found.stx_nlink;
    status->inode = found.stx_ino;
    status->size = found.stx_size;
    status->blocks = found.stx_blocks;
    status->device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor;
    status->mount = found.stx_mask & STATX_MNT_ID ? found.stx_mnt_id : 0;
    status->device_major = found.stx_rdev_major;
    status->device_minor = found.stx_rdev_minor;
    status->modified_seconds = found.stx_mtime.tv_sec;
    status->modified_nanoseconds = found.stx_mtime.tv_nsec;
    status->changed_seconds = found.stx_ctime.tv_sec;
    status->changed_nanoseconds = found.stx_ctime.tv_nsec;
    return 0;
}

// A descriptor that only names an entry of a directory: nothing is opened, no link is followed, no mount is crossed.
// Where openat2 is missing (before Linux 5.6) or forbidden (old seccomp profiles), openat does the same but for the
// mount; the caller compares clinux_status.mount.
static inline int clinux_open_entry(int directory, const char *name) {
    struct open_how how = {
        .flags = __O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int descriptor = (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
    if (descriptor < 0 && (errno == ENOSYS || errno == EPERM)) {
        descriptor = openat(directory, name, __O_PATH | O_NOFOLLOW | O_CLOEXEC);
    }
    return descriptor;
}

// The same for a path that is trusted, such as the root of a walk.
static inline int clinux_open_path(const char *path) { return open(path, __O_PATH | O_NOFOLLOW | O_CLOEXEC); }

// The directory that a link such as /proc/PID/root leads to; nothing is opened.
static inline int clinux_open_directory_of_link(const char *path) { return open(path, __O_PATH | O_DIRECTORY | O_CLOEXEC); }

// The directory above, by descriptor only.
static inline int clinux_open_parent(int directory) {
    return openat(directory, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// Opens what an O_PATH descriptor of a directory names. The access time is kept where that is permitted.
static inline int clinux_open_directory(int entry) {
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int descriptor = openat(entry, ".", flags | __O_NOATIME);
    if (descriptor < 0 && errno == EPERM) descriptor = openat(entry, ".", flags);
    return descriptor;
}

// Opens a regular file for reading by its path below /proc/self/fd.
static inline int clinux_open_file(const char *path) {
    const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
    int descriptor = open(path, flags | __O_NOATIME);
    if (descriptor < 0 && errno == EPERM) descriptor = open(path, flags);
    return descriptor;
}

// Entries of a directory as linux_dirent64 records: the bytes read, 0 at the end.
static inline ssize_t clinux_read_directory(int descriptor, void *buffer, size_t size) {
    return syscall(SYS_getdents64, descriptor, buffer, size);
}

// Writes back what is dirty of a file and waits for it, so that the next write through a mapping faults and is seen.
static inline int clinux_write_back(int descriptor) {
    const unsigned wait_before = 1, write = 2, wait_after = 4;
    return (int)syscall(SYS_sync_file_range, descriptor, (int64_t)0, (int64_t)0, wait_before | write | wait_after);
}

// The clock that files are stamped with. Here, because C's timespec belongs to several modules, of which Swift picks one.
static inline int clinux_coarse_time(int64_t *seconds, int64_t *nanoseconds) {
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (code == 0) {
        *seconds = now.tv_sec;
        *nanoseconds = now.tv_nsec;
    }
    return code;
}

// The magic number of the filesystem that a descriptor is on (linux/magic.h), or -1.
static inline int64_t clinux_filesystem(int descriptor) {
    struct statfs found;
    if (fstatfs(descriptor, &found) != 0) return -1;
    return (int64_t)(uint32_t)found.f_type;
}

// The next offset that holds data, or a hole; ENXIO behind the end.
static inline int64_t clinux_seek_data(int descriptor, int64_t offset) { return lseek(descriptor, offset, 3); }
static inline int64_t clinux_seek_hole(int descriptor, int64_t offset) { return lseek(descriptor, offset, 4); }

// glibc has it from 2.34 on, and hides it from some of Swift's builds.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int lowest);

// A new process gets no descriptor from this number on.
static inline int clinux_spawn_close_from(posix_spawn_file_actions_t *actions, int lowest) {
    return posix_spawn_file_actions_addclosefrom_np(actions, lowest);
}

// glibc has it from 2.29 on, and hides it as well.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);

// A new process begins in this folder.
static inline int clinux_spawn_change_folder(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}

// A descriptor of a process, which can be read from when that has ended (Linux 5.3).
static inline int clinux_open_process(pid_t process) {
    const int pidfd_open = 434;
    return (int)syscall(pidfd_open, process, 0);
}

// A pipe whose ends no new process gets.
static inline int clinux_make_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

// Makes a new process the leader of a session of its own (POSIX_SPAWN_SETSID).
static const short clinux_spawn_new_session = 0x80;

// Lets all threads take memory from one place. Large buffers that go from thread to thread else leave holes in many.
static inline void clinux_use_one_arena(void) { mallopt(M_ARENA_MAX, 1); }

// Gives back the room that the first bytes of a file take; its length stays, and they read as zeros.
static inline int clinux_punch_hole(int descriptor, int64_t length) {
    const int keep_size = 0x01, punch_hole = 0x02;
    return (int)syscall(SYS_fallocate, descriptor, keep_size | punch_hole, (int64_t)0, length);
}

#endif
