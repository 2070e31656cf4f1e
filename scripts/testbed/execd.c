// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// A stand-in for execd, the program that OpenSandbox's SDKs speak with inside a sandbox, for tests. It speaks as much of that
// protocol as the tests use, on port 44772, one process for each connection:
//
//   GET  /ping                    that it is there
//   POST /command                 {"command", "cwd"}: runs a shell command; its output as server-sent events
//   POST /files/upload            parts "metadata" ({"path", "mode"}) and "file", in pairs
//   GET  /files/download?path=    a file, or the range of it that the header Range names
//   GET  /metrics                 processors and memory
//   POST /cgi-bin/sh              runs the body as a shell script, as make-busybox-image's responder does
//
// It is linked statically and needs nothing of the image but /bin/sh.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 44772, HEAD_MAX = 64 << 10, BODY_MAX = 256 << 20 };

static int client;

struct text {
    char *bytes;
    size_t length, capacity;
};

static void append(struct text *text, const void *bytes, size_t length) {
    if (text->length + length + 1 > text->capacity) {
        text->capacity = 2 * (text->length + length + 1);
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes) _exit(1);
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static long long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void send_all(const void *bytes, size_t length) {
    for (const char *at = bytes; length > 0;) {
        ssize_t sent = send(client, at, length, MSG_NOSIGNAL);
        if (sent <= 0) _exit(0);
        at += sent;
        length -= sent;
    }
}

__attribute__((format(printf, 1, 2))) static void send_text(const char *format, ...) {
    char *line;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0) _exit(1);
    send_all(line, length);
    free(line);
}

static void answer(const char *status, const char *type, const char *body, size_t length) {
    send_text("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, type, length);
    send_all(body, length);
}

static void refuse(const char *status, const char *code, const char *message) {
    char body[1024];
    int length = snprintf(body, sizeof body, "{\"code\":\"%s\",\"message\":\"%s\"}", code, message);
    answer(status, "application/json", body, length);
}

// Requests

struct request {
    char *method, *target, *headers;
    struct text body;
};

static size_t receive(char *bytes, size_t length) {
    ssize_t received = recv(client, bytes, length, 0);
    return received > 0 ? received : 0;
}

static const char *header(const struct request *request, const char *name) {
    size_t length = strlen(name);
    for (char *line = request->headers; line && *line; line = strstr(line, "\r\n") ? strstr(line, "\r\n") + 2 : NULL) {
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') return line + length + 1 + strspn(line + length + 1, " ");
    }
    return NULL;
}

// Reads until there are `length` bytes of the body from `at` on.
static int await_bytes(struct text *raw, size_t at, size_t length) {
    char buffer[64 << 10];
    while (raw->length < at + length) {
        size_t received = receive(buffer, sizeof buffer);
        if (!received || raw->length > BODY_MAX) return 0;
        append(raw, buffer, received);
    }
    return 1;
}

static int read_chunks(struct text *raw, struct text *body) {
    for (size_t at = 0;;) {
        char *end;
        while (!(raw->length > at && (end = memmem(raw->bytes + at, raw->length - at, "\r\n", 2)))) {
            if (!await_bytes(raw, raw->length, 1)) return 0;
        }
        size_t length = strtoul(raw->bytes + at, NULL, 16);
        at = end + 2 - raw->bytes;
        if (length > BODY_MAX || !await_bytes(raw, at, length + 2)) return 0;
        if (length == 0) return 1;
        append(body, raw->bytes + at, length);
        at += length + 2;
    }
}

static int read_request(struct request *request) {
    struct text head = {0}, raw = {0};
    char *end = NULL, buffer[4096];
    while (!end) {
        size_t received = receive(buffer, sizeof buffer);
        if (!received || head.length > HEAD_MAX) return 0;
        append(&head, buffer, received);
        end = memmem(head.bytes, head.length, "\r\n\r\n", 4);
    }
    append(&raw, end + 4, head.length - (end + 4 - head.bytes));
    end[2] = 0;
    request->headers = strstr(head.bytes, "\r\n") + 2;
    request->headers[-2] = 0;
    request->method = strtok(head.bytes, " ");
    request->target = strtok(NULL, " ");
    if (!request->method || !request->target) return 0;
    append(&request->body, "", 0);
    const char *expected = header(request, "Expect"), *encoding = header(request, "Transfer-Encoding");
    if (expected && strncasecmp(expected, "100", 3) == 0) send_text("HTTP/1.1 100 Continue\r\n\r\n");
    if (encoding && strncasecmp(encoding, "chunked", 7) == 0) return read_chunks(&raw, &request->body);
    const char *length = header(request, "Content-Length");
    size_t bytes = length ? strtoul(length, NULL, 10) : 0;
    if (bytes > BODY_MAX || !await_bytes(&raw, 0, bytes)) return 0;
    if (bytes) append(&request->body, raw.bytes, bytes);
    return 1;
}

// What is in a query or a path, without its percents.
static char *decoded(const char *text, size_t length) {
    char *result = malloc(length + 1), *to = result;
    for (size_t at = 0; at < length; at++) {
        char hex[3] = {0};
        if (text[at] == '%' && at + 2 < length) {
            memcpy(hex, text + at + 1, 2);
            *to++ = strtol(hex, NULL, 16);
            at += 2;
        } else {
            *to++ = text[at] == '+' ? ' ' : text[at];
        }
    }
    *to = 0;
    return result;
}

static char *parameter(const char *target, const char *name) {
    const char *at = strchr(target, '?');
    while (at) {
        size_t length = strlen(name);
        if (strncmp(at + 1, name, length) == 0 && at[1 + length] == '=') {
            const char *value = at + 2 + length;
            return decoded(value, strcspn(value, "&"));
        }
        at = strchr(at + 1, '&');
    }
    return NULL;
}

// JSON

static void append_code_point(struct text *text, unsigned code) {
    char bytes[4];
    if (code < 0x80) {
        bytes[0] = code;
        append(text, bytes, 1);
    } else if (code < 0x800) {
        bytes[0] = 0xc0 | code >> 6, bytes[1] = 0x80 | (code & 0x3f);
        append(text, bytes, 2);
    } else if (code < 0x10000) {
        bytes[0] = 0xe0 | code >> 12, bytes[1] = 0x80 | (code >> 6 & 0x3f), bytes[2] = 0x80 | (code & 0x3f);
        append(text, bytes, 3);
    } else {
        bytes[0] = 0xf0 | code >> 18, bytes[1] = 0x80 | (code >> 12 & 0x3f);
        bytes[2] = 0x80 | (code >> 6 & 0x3f), bytes[3] = 0x80 | (code & 0x3f);
        append(text, bytes, 4);
    }
}

static unsigned hexadecimal(const char *at) {
    char digits[5] = {0};
    strncpy(digits, at, 4);
    return strtoul(digits, NULL, 16);
}

// The value of a member as it stands there; NULL if there is none. Good enough for what SDKs send.
static const char *member(const char *json, const char *name) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = strstr(json, quoted);
    if (!at) return NULL;
    at += strlen(quoted);
    at += strspn(at, " ");
    return *at == ':' ? at + 1 + strspn(at + 1, " ") : NULL;
}

static char *string_member(const char *json, const char *name) {
    const char *at = member(json, name);
    struct text text = {0};
    if (!at || *at++ != '"') return NULL;
    append(&text, "", 0);
    for (; *at && *at != '"'; at++) {
        if (*at != '\\') {
            append(&text, at, 1);
            continue;
        }
        const char *names = "nrtbf", *values = "\n\r\t\b\f", *found = strchr(names, *++at);
        if (!*at) break;
        if (*at == 'u') {
            unsigned code = hexadecimal(at + 1);
            at += strnlen(at + 1, 4);
            if (code >> 10 == 0x36 && at[1] == '\\' && at[2] == 'u') {
                code = 0x10000 + ((code & 0x3ff) << 10 | (hexadecimal(at + 3) & 0x3ff));
                at += 2 + strnlen(at + 3, 4);
            }
            append_code_point(&text, code);
        } else {
            append(&text, found ? values + (found - names) : at, 1);
        }
    }
    return text.bytes;
}

static void append_quoted(struct text *text, const char *bytes, size_t length) {
    char escaped[8];
    append(text, "\"", 1);
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = bytes[at];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
            snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            append(text, escaped, 6);
        } else {
            append(text, bytes + at, 1);
        }
    }
    append(text, "\"", 1);
}

// Commands

static void send_chunk(const char *bytes, size_t length) {
    send_text("%zx\r\n", length);
    send_all(bytes, length);
    send_text("\r\n");
}

static void send_event(const char *type, const char *rest) {
    char *event;
    int length = asprintf(&event, "data: {\"type\":\"%s\",\"timestamp\":%lld%s}\n\n", type, milliseconds(), rest);
    if (length < 0) _exit(1);
    send_chunk(event, length);
    free(event);
}

static void send_output(const char *type, const char *bytes, size_t length) {
    struct text rest = {0};
    append(&rest, ",\"text\":", 8);
    append_quoted(&rest, bytes, length);
    send_event(type, rest.bytes);
    free(rest.bytes);
}

// Sends the whole lines of what was printed, or all of it.
static void send_lines(const char *type, struct text *text, int all) {
    size_t sent = 0;
    for (char *end; (end = text->length > sent ? memchr(text->bytes + sent, '\n', text->length - sent) : NULL);) {
        size_t length = end + 1 - (text->bytes + sent);
        send_output(type, text->bytes + sent, length);
        sent += length;
    }
    if (all && sent < text->length) {
        send_output(type, text->bytes + sent, text->length - sent);
        sent = text->length;
    }
    if (sent) memmove(text->bytes, text->bytes + sent, text->length -= sent);
}

static void run_command(const char *command, const char *folder) {
    const char *types[2] = {"stdout", "stderr"};
    int outputs[2][2];
    char rest[128];
    long long start = milliseconds();
    if (pipe2(outputs[0], O_CLOEXEC) || pipe2(outputs[1], O_CLOEXEC)) return refuse("500 Internal Server Error", "RUNTIME_ERROR", "no pipes");
    pid_t child = fork();
    if (child == 0) {
        setsid();
        signal(SIGCHLD, SIG_DFL);
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(outputs[0][1], 1);
        dup2(outputs[1][1], 2);
        if (folder && *folder && chdir(folder)) _exit(126);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(outputs[0][1]);
    close(outputs[1][1]);
    send_text("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
              "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    snprintf(rest, sizeof rest, ",\"text\":\"command-%d\"", (int)child);
    send_event("init", rest);
    struct text printed[2] = {{0}};
    struct pollfd polled[3] = {{outputs[0][0], POLLIN, 0}, {outputs[1][0], POLLIN, 0}, {client, POLLRDHUP, 0}};
    while (polled[0].fd >= 0 || polled[1].fd >= 0) {
        if (poll(polled, 3, -1) < 0) continue;
        // Whoever asked has gone: so goes what it asked for.
        if (polled[2].revents) {
            kill(-child, SIGKILL);
            _exit(0);
        }
        for (int which = 0; which < 2; which++) {
            char buffer[16 << 10];
            if (!polled[which].revents) continue;
            ssize_t length = read(polled[which].fd, buffer, sizeof buffer);
            if (length > 0) append(&printed[which], buffer, length);
            if (length <= 0) polled[which].fd = -1;
            send_lines(types[which], &printed[which], length <= 0);
        }
    }
    int status = 0;
    waitpid(child, &status, 0);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code) {
        snprintf(rest, sizeof rest, ",\"error\":{\"ename\":\"CommandExecError\",\"evalue\":\"%d\",\"traceback\":[\"exit status %d\"]}", code, code);
        send_event("error", rest);
    } else {
        snprintf(rest, sizeof rest, ",\"execution_time\":%lld", milliseconds() - start);
        send_event("execution_complete", rest);
    }
    send_text("0\r\n\r\n");
}

static void run_script(const struct text *script) {
    int input[2], output[2];
    struct text printed = {0};
    char buffer[16 << 10];
    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC)) return refuse("500 Internal Server Error", "RUNTIME_ERROR", "no pipes");
    pid_t child = fork();
    if (child == 0) {
        signal(SIGCHLD, SIG_DFL);
        dup2(input[0], 0);
        dup2(output[1], 1);
        dup2(output[1], 2);
        execl("/bin/sh", "sh", "-s", (char *)NULL);
        _exit(127);
    }
    // A process of its own writes the script: the shell may print before it has read all of it.
    pid_t writer = fork();
    if (writer == 0) {
        close(output[0]);
        for (size_t at = 0; at < script->length;) {
            ssize_t written = write(input[1], script->bytes + at, script->length - at);
            if (written <= 0) break;
            at += written;
        }
        _exit(0);
    }
    close(input[0]);
    close(input[1]);
    close(output[1]);
    for (ssize_t length; (length = read(output[0], buffer, sizeof buffer)) > 0;) append(&printed, buffer, length);
    int status = 0;
    waitpid(child, &status, 0);
    waitpid(writer, NULL, 0);
    int length = snprintf(buffer, sizeof buffer, "\nexit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    append(&printed, buffer, length);
    answer("200 OK", "text/plain", printed.bytes, printed.length);
}

// Files

static void make_folders(const char *path) {
    char *copy = strdup(path);
    for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(copy, 0755);
        *at = '/';
    }
    free(copy);
}

// Modes are written as people write them: the digits 644 mean 0644.
static int write_file(const char *metadata, const char *bytes, size_t length) {
    char *path = string_member(metadata, "path"), digits[16];
    const char *mode = member(metadata, "mode");
    if (!path || *path != '/') return 0;
    make_folders(path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return 0;
    if (mode) {
        snprintf(digits, sizeof digits, "%ld", strtol(mode, NULL, 10));
        fchmod(file, strtol(digits, NULL, 8));
    }
    while (length > 0) {
        ssize_t written = write(file, bytes, length);
        if (written <= 0) break;
        bytes += written;
        length -= written;
    }
    return close(file) == 0 && length == 0;
}

static void upload(const struct request *request) {
    const char *type = header(request, "Content-Type"), *boundary = type ? strstr(type, "boundary=") : NULL;
    if (!boundary) return refuse("400 Bad Request", "INVALID_REQUEST", "there is no boundary");
    boundary += strlen("boundary=");
    if (*boundary == '"') boundary++;
    char *border;
    int length = asprintf(&border, "\r\n--%.*s", (int)strcspn(boundary, "\"\r; "), boundary);
    const char *end = request->body.bytes + request->body.length, *at = request->body.bytes;
    if (length < 0 || !(at = memmem(at, end - at, border + 2, length - 2))) {
        return refuse("400 Bad Request", "INVALID_REQUEST", "there is no part");
    }
    char *metadata = NULL;
    for (at += length - 2; at + 2 <= end && memcmp(at, "--", 2) != 0;) {
        const char *content = memmem(at, end - at, "\r\n\r\n", 4);
        const char *next = content ? memmem(content + 2, end - content - 2, border, length) : NULL;
        if (!next) return refuse("400 Bad Request", "INVALID_REQUEST", "a part is cut off");
        const char *name = memmem(at, content - at, "name=\"", 6);
        content += 4;
        if (name && strncmp(name + 6, "metadata\"", 9) == 0) {
            metadata = strndup(content, next - content);
        } else if (!metadata || !write_file(metadata, content, next - content)) {
            return refuse("500 Internal Server Error", "RUNTIME_ERROR", "the file could not be written");
        }
        at = next + length;
    }
    answer("200 OK", "application/json", "{}", 2);
}

static void download(const struct request *request) {
    char *path = parameter(request->target, "path"), buffer[64 << 10];
    struct stat about;
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0 || fstat(file, &about) || !S_ISREG(about.st_mode)) {
        return refuse("404 Not Found", "FILE_NOT_FOUND", "there is no such file");
    }
    long long first = 0, last = about.st_size - 1;
    const char *range = header(request, "Range");
    if (range && sscanf(range, "bytes=%lld-%lld", &first, &last) >= 1) {
        if (last >= about.st_size) last = about.st_size - 1;
        if (first < 0 || first > last) return refuse("416 Range Not Satisfiable", "INVALID_REQUEST", "the file is not that long");
        send_text("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %lld-%lld/%lld\r\n", first, last, (long long)about.st_size);
    } else {
        send_text("HTTP/1.1 200 OK\r\n");
    }
    send_text("Content-Type: application/octet-stream\r\nContent-Length: %lld\r\nConnection: close\r\n\r\n", last + 1 - first);
    for (long long at = first; at <= last;) {
        size_t left = last + 1 - at, wanted = left < sizeof buffer ? left : sizeof buffer;
        ssize_t length = pread(file, buffer, wanted, at);
        if (length <= 0) _exit(1);
        send_all(buffer, length);
        at += length;
    }
}

static void measure(void) {
    struct sysinfo info;
    char body[256];
    sysinfo(&info);
    double mebibyte = (1 << 20) / (double)info.mem_unit;
    int length = snprintf(
        body, sizeof body, "{\"cpu_count\":%ld,\"cpu_used_pct\":0.0,\"mem_total_mib\":%.1f,\"mem_used_mib\":%.1f,\"timestamp\":%lld}",
        sysconf(_SC_NPROCESSORS_ONLN), info.totalram / mebibyte, (info.totalram - info.freeram) / mebibyte, milliseconds()
    );
    answer("200 OK", "application/json", body, length);
}

static void serve(void) {
    struct request request = {0};
    if (!read_request(&request)) return;
    size_t length = strcspn(request.target, "?");
    int posts = strcmp(request.method, "POST") == 0, gets = strcmp(request.method, "GET") == 0;
#define IS(path) (length == strlen(path) && strncmp(request.target, path, length) == 0)
    if (gets && IS("/ping")) return answer("200 OK", "text/plain", "pong\n", 5);
    if (posts && IS("/command")) {
        char *command = string_member(request.body.bytes, "command");
        if (!command) return refuse("400 Bad Request", "INVALID_REQUEST_BODY", "there is no command");
        return run_command(command, string_member(request.body.bytes, "cwd"));
    }
    if (posts && IS("/files/upload")) return upload(&request);
    if (gets && IS("/files/download")) return download(&request);
    if (gets && IS("/metrics")) return measure();
    if (posts && IS("/cgi-bin/sh")) return run_script(&request.body);
    refuse("404 Not Found", "NOT_SUPPORTED", "this stand-in for execd does not do that");
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128)) {
        perror("execd");
        return 1;
    }
    for (;;) {
        client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) continue;
        if (fork() == 0) {
            signal(SIGCHLD, SIG_DFL);
            close(listener);
            serve();
            shutdown(client, SHUT_WR);
            _exit(0);
        }
        close(client);
    }
}
