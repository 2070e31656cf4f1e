// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// Preloaded into a server by the tests: numbers what the process does to the outside, writes it down, and ends the process
// by SIGKILL before or after the one that the tests name.
//
// The tests say what to do in a control file, at any time while the process runs (struct control). What is outside of the
// named folders and is not said to containerd is not looked at.
//
// Environment:
//   STASIS_POINTS_CONTROL  the control file, 4096 bytes
//   STASIS_POINTS_LOG      where events are written down, a line each
//   STASIS_POINTS_COPIES   a folder for copies of files as they are when they are synced; without it none are made
//   STASIS_POINTS_STORE    the database's path; its journal's name begins with it
//   STASIS_POINTS_LAYOUT   the image layout's folder
//   STASIS_POINTS_STATE    the state folder
//   STASIS_POINTS_SOCKET   containerd's socket
//   STASIS_POINTS_ROLE     "server", or the first argument of the process that is meant

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

// Where an event belongs to. The tests know these numbers.
enum domain {
    COMMIT = 1,   // the first write to the database's journal since it was synced: what comes before is one commit
    STORE = 2,    // everything else about the database's files
    LAYOUT = 4,   // the image layout
    STATE = 8,    // other files of the state folder
    REQUEST = 16, // a message to containerd with a request in it
    SYNC = 32,    // a sync, of whatever file: it changes nothing that a killed process leaves behind
};

enum mode { OFF = 0, RECORD = 1, KILL = 2 };

struct control {
    _Atomic uint32_t mode;
    _Atomic uint32_t domains; // which count
    _Atomic uint32_t after;   // whether the process is to die after the event, not before
    uint32_t unused;
    _Atomic uint64_t target; // the event that ends the process; the first is 1
    _Atomic uint64_t count;  // those that were counted so far
};

static struct control *control;
static int log_file = -1;
static const char *copies, *store, *layout, *state, *socket_path;
static atomic_uint_fast64_t sequence;
static atomic_bool journal_is_dirty;

// Where in HTTP/2's stream of frames a connection is.
struct stream {
    uint32_t skip;      // bytes of the present frame that are still to come
    uint8_t header[9];  // of the next frame
    uint8_t has_header; // bytes of it
    uint8_t is_request; // whether the present frame is part of a request
};
static struct stream streams[65536];

static long now_sequence(void) { return (long)atomic_fetch_add(&sequence, 1); }

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STASIS_POINTS_CONTROL"), *role = getenv("STASIS_POINTS_ROLE");
    char line[4096];
    ssize_t name = readlink("/proc/self/exe", line, sizeof line - 1);
    line[name < 0 ? 0 : name] = 0;
    const char *program = strrchr(line, '/');
    if (!path || !role || !program || strcmp(program, "/stasis-server") != 0) return;
    // The server's own arguments begin with an option; a process that it starts of itself begins with a word.
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    if (length <= 0) return;
    line[length] = 0;
    const char *argument = line + strlen(line) + 1;
    int is_server = argument >= line + length || argument[0] == '-';
    if (strcmp(role, "server") == 0 ? !is_server : strcmp(role, argument) != 0) return;

    copies = getenv("STASIS_POINTS_COPIES");
    store = getenv("STASIS_POINTS_STORE");
    layout = getenv("STASIS_POINTS_LAYOUT");
    state = getenv("STASIS_POINTS_STATE");
    socket_path = getenv("STASIS_POINTS_SOCKET");
    log_file = (int)syscall(SYS_openat, AT_FDCWD, getenv("STASIS_POINTS_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) control = page;
}

// MARK: Events

static int is_below(const char *path, const char *folder) {
    size_t length = folder ? strlen(folder) : 0;
    return length && strncmp(path, folder, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static int domain_of(const char *path) {
    if (store && strncmp(path, store, strlen(store)) == 0) return STORE;
    if (is_below(path, layout)) return LAYOUT;
    if (is_below(path, state)) return STATE;
    return 0;
}

static void path_of(int file, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
    path[length < 0 ? 0 : length] = 0;
}

static void absolute(int folder, const char *name, char *path, size_t size) {
    if (name[0] == '/') {
        snprintf(path, size, "%s", name);
        return;
    }
    char base[4096];
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) base[0] = 0;
    } else {
        path_of(folder, base, sizeof base);
    }
    snprintf(path, size, "%s/%s", base, name);
}

static int exists(const char *path) { return syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0; }

static void write_down(const char *format, ...) {
    char line[9000];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0 && log_file >= 0) syscall(SYS_write, log_file, line, (size_t)length);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// Says that an event is about to happen; whether the process is to die when it has.
static int before(int domain) {
    if (!control || !(atomic_load(&control->domains) & (uint32_t)domain)) return 0;
    uint32_t mode = atomic_load(&control->mode);
    if (mode == OFF) return 0;
    uint64_t number = atomic_fetch_add(&control->count, 1) + 1;
    if (mode != KILL || number != atomic_load(&control->target)) return 0;
    if (atomic_load(&control->after)) return 1;
    die();
    return 0;
}

static void after(int dies) {
    if (dies) die();
}

// Keeps the content of a file as it is now.
static void copy(int file, long number) {
    if (!copies) return;
    char name[4200];
    snprintf(name, sizeof name, "%s/%ld", copies, number);
    int to = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0) return;
    static _Thread_local char buffer[65536];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    int from = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
    ssize_t got;
    while (from >= 0 && (got = syscall(SYS_read, from, buffer, sizeof buffer)) > 0)
        syscall(SYS_write, to, buffer, (size_t)got);
    if (from >= 0) close(from);
    close(to);
}

static int is_recording(void) { return control && atomic_load(&control->mode) != OFF; }

// MARK: Files

// Whether a write goes to a file that is looked at, and to which domain.
static int written_domain(int file, char *path, size_t size) {
    struct stat status;
    if (!control || fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    path_of(file, path, size);
    int domain = domain_of(path);
    size_t length = strlen(path);
    // The index of the journal is not part of what is durable.
    if (length > 4 && strcmp(path + length - 4, "-shm") == 0) return 0;
    if (domain == STORE && length > 4 && strcmp(path + length - 4, "-wal") == 0)
        return atomic_exchange(&journal_is_dirty, 1) ? STORE : COMMIT;
    return domain;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define WRITING(file, call)                                                                                                \
    char path[4096];                                                                                                       \
    int domain = written_domain(file, path, sizeof path);                                                                  \
    if (!domain) return call;                                                                                              \
    int dies = before(domain);                                                                                             \
    ssize_t result = call;                                                                                                 \
    int code = errno;                                                                                                      \
    if (is_recording()) write_down("%ld write %d %zd %s\n", now_sequence(), domain, result, path);                         \
    after(dies);                                                                                                           \
    errno = code;                                                                                                          \
    return result;

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    WRITING(file, REAL(pwrite)(file, bytes, count, offset))
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    WRITING(file, REAL(pwrite64)(file, bytes, count, offset))
}
int ftruncate(int file, off_t length) { WRITING(file, REAL(ftruncate)(file, length)) }
int ftruncate64(int file, off64_t length) { WRITING(file, REAL(ftruncate64)(file, length)) }

static int synced(int file, int (*real)(int)) {
    char path[4096];
    if (!control) return real(file);
    path_of(file, path, sizeof path);
    // The names of the folders themselves are in folders above them.
    if (!domain_of(path) && !is_below(state, path) && !is_below(layout, path)) return real(file);
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, "-wal") == 0) atomic_store(&journal_is_dirty, 0);
    int dies = before(SYNC);
    int result = real(file), code = errno;
    struct stat status;
    if (is_recording() && fstat(file, &status) == 0) {
        long number = now_sequence();
        int is_folder = S_ISDIR(status.st_mode);
        if (!is_folder) copy(file, number);
        write_down("%ld %s %d %llu %s\n", number, is_folder ? "syncfolder" : "sync", domain_of(path),
                   (unsigned long long)status.st_ino, path);
    }
    after(dies);
    errno = code;
    return result;
}
int fsync(int file) { return synced(file, REAL(fsync)); }
int fdatasync(int file) { return synced(file, REAL(fdatasync)); }

// A name that comes, goes or moves. What fails changes nothing and is no event.
#define NAMING(word, folder, name, folder2, name2, happens, call)                                                          \
    if (!control) return call;                                                                                             \
    char path[4096], path2[4096];                                                                                          \
    absolute(folder, name, path, sizeof path);                                                                             \
    absolute(folder2, name2, path2, sizeof path2);                                                                         \
    int domain = domain_of(path2);                                                                                         \
    if (!domain || !(happens)) return call;                                                                                \
    int dies = before(domain);                                                                                             \
    int result = call, code = errno;                                                                                       \
    if (is_recording() && result == 0)                                                                                     \
        write_down("%ld %s %d %s\t%s\n", now_sequence(), word, domain, path2, path);                                       \
    after(dies);                                                                                                           \
    errno = code;                                                                                                          \
    return result;

int rename(const char *from, const char *to) {
    NAMING("rename", AT_FDCWD, from, AT_FDCWD, to, 1, REAL(rename)(from, to))
}
int renameat(int folder, const char *from, int folder2, const char *to) {
    NAMING("rename", folder, from, folder2, to, 1, REAL(renameat)(folder, from, folder2, to))
}
int renameat2(int folder, const char *from, int folder2, const char *to, unsigned flags) {
    NAMING("rename", folder, from, folder2, to, 1, REAL(renameat2)(folder, from, folder2, to, flags))
}
int link(const char *from, const char *to) {
    NAMING("link", AT_FDCWD, from, AT_FDCWD, to, 1, REAL(link)(from, to))
}
int unlink(const char *name) {
    NAMING("unlink", AT_FDCWD, name, AT_FDCWD, name, exists(path), REAL(unlink)(name))
}
int unlinkat(int folder, const char *name, int flags) {
    NAMING("unlink", folder, name, folder, name, exists(path), REAL(unlinkat)(folder, name, flags))
}
int rmdir(const char *name) {
    NAMING("unlink", AT_FDCWD, name, AT_FDCWD, name, exists(path), REAL(rmdir)(name))
}
int mkdir(const char *name, mode_t mode) {
    NAMING("mkdir", AT_FDCWD, name, AT_FDCWD, name, !exists(path), REAL(mkdir)(name, mode))
}
int mkdirat(int folder, const char *name, mode_t mode) {
    NAMING("mkdir", folder, name, folder, name, !exists(path), REAL(mkdirat)(folder, name, mode))
}

static int opened(int folder, const char *name, int flags, mode_t mode) {
    char path[4096];
    int domain = 0;
    if (control && flags & O_CREAT) {
        absolute(folder, name, path, sizeof path);
        domain = domain_of(path);
        size_t length = strlen(path);
        if (exists(path) || (length > 4 && strcmp(path + length - 4, "-shm") == 0)) domain = 0;
    }
    int dies = domain ? before(domain) : 0;
    int file = (int)syscall(SYS_openat, folder, name, flags | O_LARGEFILE, mode), code;
    if (file < 0) return -1;
    code = errno;
    struct stat status;
    if (domain && is_recording() && fstat(file, &status) == 0)
        write_down("%ld create %d %llu %s\n", now_sequence(), domain, (unsigned long long)status.st_ino, path);
    after(dies);
    errno = code;
    return file;
}

#define MODE                                                                                                               \
    mode_t mode = 0;                                                                                                       \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                                 \
        va_list arguments;                                                                                                 \
        va_start(arguments, flags);                                                                                        \
        mode = (mode_t)va_arg(arguments, unsigned);                                                                        \
        va_end(arguments);                                                                                                 \
    }
int open(const char *name, int flags, ...) {
    MODE return opened(AT_FDCWD, name, flags, mode);
}
int open64(const char *name, int flags, ...) {
    MODE return opened(AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char *name, int flags, ...) {
    MODE return opened(folder, name, flags, mode);
}
int openat64(int folder, const char *name, int flags, ...) {
    MODE return opened(folder, name, flags, mode);
}

// MARK: Messages to containerd

static int is_containerd(int file) {
    if (!control || !socket_path || file < 0 || file >= 65536) return 0;
    struct sockaddr_un peer;
    socklen_t length = sizeof peer;
    memset(&peer, 0, sizeof peer);
    if (getpeername(file, (struct sockaddr *)&peer, &length) != 0 || peer.sun_family != AF_UNIX) return 0;
    return strcmp(peer.sun_path, socket_path) == 0;
}

// Follows the frames of what is sent; whether a request is among them. HEADERS and DATA are requests, everything else
// (acknowledgements, windows) is the connection's own talk, which comes at no fixed time.
static int follow(struct stream *stream, const uint8_t *bytes, size_t count) {
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    int found = 0;
    if (count >= 24 && memcmp(bytes, preface, 24) == 0) {
        memset(stream, 0, sizeof *stream);
        bytes += 24;
        count -= 24;
    }
    while (count) {
        if (stream->skip) {
            size_t part = stream->skip < count ? stream->skip : count;
            if (stream->is_request) found = 1;
            stream->skip -= (uint32_t)part;
            bytes += part;
            count -= part;
            continue;
        }
        stream->header[stream->has_header++] = *bytes++;
        count--;
        if (stream->has_header < 9) continue;
        stream->has_header = 0;
        stream->skip = (uint32_t)stream->header[0] << 16 | (uint32_t)stream->header[1] << 8 | stream->header[2];
        stream->is_request = stream->header[3] <= 1;
        if (stream->is_request) found = 1;
    }
    return found;
}

static int has_request(int file, const struct iovec *parts, int count) {
    struct stream stream = streams[file];
    int found = 0;
    for (int i = 0; i < count; i++) found |= follow(&stream, parts[i].iov_base, parts[i].iov_len);
    return found;
}

static void sent(int file, const struct iovec *parts, int count, ssize_t bytes) {
    for (int i = 0; i < count && bytes > 0; i++) {
        size_t part = parts[i].iov_len < (size_t)bytes ? parts[i].iov_len : (size_t)bytes;
        follow(&streams[file], parts[i].iov_base, part);
        bytes -= (ssize_t)part;
    }
}

#define SENDING(file, parts, count, call)                                                                                  \
    int is_request = has_request(file, parts, count);                                                                      \
    int dies = is_request ? before(REQUEST) : 0;                                                                           \
    ssize_t result = call;                                                                                                 \
    int code = errno;                                                                                                      \
    if (result > 0) sent(file, parts, count, result);                                                                      \
    if (is_request && is_recording()) write_down("%ld request %d %zd %d\n", now_sequence(), REQUEST, result, file);         \
    after(dies);                                                                                                           \
    errno = code;                                                                                                          \
    return result;

ssize_t write(int file, const void *bytes, size_t count) {
    if (is_containerd(file)) {
        struct iovec part = {(void *)bytes, count};
        SENDING(file, &part, 1, REAL(write)(file, bytes, count))
    }
    WRITING(file, REAL(write)(file, bytes, count))
}
ssize_t writev(int file, const struct iovec *parts, int count) {
    if (is_containerd(file)) {
        SENDING(file, parts, count, REAL(writev)(file, parts, count))
    }
    WRITING(file, REAL(writev)(file, parts, count))
}
ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    if (!is_containerd(file)) return REAL(sendmsg)(file, message, flags);
    SENDING(file, message->msg_iov, (int)message->msg_iovlen, REAL(sendmsg)(file, message, flags))
}
