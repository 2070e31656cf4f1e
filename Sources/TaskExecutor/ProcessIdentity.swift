// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Dispatch
import Glibc
import KubeModels

/// A process, told apart from another one that comes to have its number by when it was started.
struct ProcessIdentity: JSONFields {
    /// Its number.
    var number = 0
    /// When it was started, in ticks since the machine was.
    var start = 0
    var unknownFields = UnknownFields()

    mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("number", &number)
        try fields.field("start", &start)
    }

    init() {}

    /// The process that has a number now; nil if there is none, or it has ended and nobody has asked how.
    init?(number: Int) {
        guard number > 1, let text = ProcessFile.contents("/proc/\(number)/stat"),
            // Its name may have anything in it.
            let end = text.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = String(decoding: text[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let start = Int(fields[19]) else { return nil }
        self.number = number
        self.start = start
    }

    /// Whether it runs.
    var isAlive: Bool { ProcessIdentity(number: number)?.start == start }

    /// Sends a signal to all processes of its group, of which it is the leader.
    func signalGroup(_ signal: CInt) {
        guard number > 1 else { return }
        _ = kill(pid_t(-number), signal)
    }

    /// Returns when it has ended, or the task is cancelled.
    func waitUntilEnd() async {
        let descriptor = clinux_open_process(pid_t(number))
        guard descriptor >= 0 else {
            // Where the kernel or the sandbox has no such descriptors.
            while isAlive, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(500)) }
            reap()
            return
        }
        // What the descriptor is of may be another one that has its number now.
        guard isAlive else {
            close(descriptor)
            reap()
            return
        }
        let (end, ended) = AsyncStream<Never>.makeStream()
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler { ended.finish() }
        source.setCancelHandler { close(descriptor) }
        source.activate()
        for await _ in end {}
        source.cancel()
        if !Task.isCancelled { reap() }
    }

    /// Takes note of its end, if it is a child of this process: else it would stay as a zombie.
    private func reap() {
        while waitpid(pid_t(number), nil, WNOHANG) < 0, errno == EINTR {}
    }
}
