// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import KubeModels
import SandboxModels

/// Starts the processes of a task: a shell that runs the command and writes down what it has exited with, as the leader of a
/// process group of its own. It goes on if the executor ends.
struct TaskLaunch {
    /// What is run, and its arguments.
    let command: [String]
    /// `NAME=value`, of several of one name the last counts.
    let environment: [String]
    let workingFolder: String?
    let folder: TaskFolder

    /// What the shell runs. It begins at a word of the executor's, which says so when it has written down who the shell is: an
    /// executor that is killed before has run nothing. A signal that is meant for the command is not to end the shell before it has
    /// written. `exit` is written by the shell itself, since the command's variables may leave no other program to be found.
    private static let script = """
        exitFile=$0
        read -r go || exit 125
        trap : TERM INT HUP QUIT USR1 USR2
        ("$@") </dev/null
        code=$?
        printf %d "$code" >"$exitFile"
        exit "$code"
        """

    /// A shell that waits for its word.
    struct Prepared: ~Copyable {
        let process: ProcessIdentity
        private let word: CInt

        init(process: ProcessIdentity, word: CInt) {
            self.process = process
            self.word = word
        }

        /// Has the command run.
        consuming func go() { _ = write(word, "go\n", 3) }

        deinit { close(word) }
    }

    /// Starts the shell.
    ///
    /// - Throws: `TaskExecutorError` that says what could not be started.
    func prepare() throws(TaskExecutorError) -> Prepared {
        var ends: [CInt] = [-1, -1]
        guard clinux_make_pipe(&ends) == 0 else { throw failure("a pipe", errno) }
        defer { close(ends[0]) }
        do throws(TaskExecutorError) {
            let number = try spawn(input: ends[0])
            guard let process = ProcessIdentity(number: Int(number)) else {
                throw TaskExecutorError.failed("failed to start cmd: the shell ended at once")
            }
            return Prepared(process: process, word: ends[1])
        } catch {
            close(ends[1])
            throw error
        }
    }

    private func spawn(input: CInt) throws(TaskExecutorError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, folder.standardOutput, flags, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, folder.standardError, flags, 0o644)
        if let workingFolder { clinux_spawn_change_folder(&actions, workingFolder) }
        clinux_spawn_close_from(&actions, STDERR_FILENO + 1)

        // Signals that this process blocks or ignores would stay blocked and ignored.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP)
        )

        let arguments = (["/bin/sh", "-c", Self.script, folder.exitFile] + command).map { strdup($0) }
        defer { arguments.forEach { free($0) } }
        let variables = environment.map { strdup($0) }
        defer { variables.forEach { free($0) } }
        var number: pid_t = 0
        let code = posix_spawn(&number, "/bin/sh", &actions, &attributes, arguments + [nil], variables + [nil])
        guard code == 0 else {
            throw failure(workingFolder.map { "/bin/sh in \($0)" } ?? "/bin/sh", code)
        }
        return number
    }

    private func failure(_ what: String, _ code: CInt) -> TaskExecutorError {
        .failed("failed to start cmd: \(what): \(String(cString: strerror(code)))")
    }
}
