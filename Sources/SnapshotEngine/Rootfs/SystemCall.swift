// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Calls of the system, with their failures as `RootfsError`.
enum SystemCall {
    /// Repeats `call` while a signal interrupts it; `path` is only for the message.
    static func result<Value: SignedInteger>(
        _ operation: String,
        _ path: @autoclosure () -> String,
        _ call: () -> Value
    ) throws -> Value {
        while true {
            let value = call()
            if value >= 0 { return value }
            let code = errno
            if code != EINTR { throw RootfsError.system(operation: operation, path: path(), code: code) }
        }
    }

    /// The system's words for an errno.
    static func message(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else {
                return "unknown error"
            }
            return String(cString: base)
        }
    }

    /// The content of a small file, such as those below /proc. Blocking.
    static func contents(of path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let descriptor = try OwnedDescriptor(result("open", path) { open(path, O_RDONLY | O_CLOEXEC) })
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = try result("read", path) { read(descriptor.number, &buffer, buffer.count) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw RootfsError.system(operation: "read", path: path, code: EFBIG) }
        }
    }

    /// Where a symbolic link points: `name` below a directory, or what an O_PATH descriptor names if it is empty.
    static func linkTarget(_ directory: Int32, _ name: String, path: @autoclosure () -> String) throws -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = try result("readlink", path()) { readlinkat(directory, name, &buffer, buffer.count) }
        return buffer[..<count].map { UInt8(bitPattern: $0) }
    }
}

/// A descriptor that is closed when its owner goes.
struct OwnedDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}

/// Names and paths are bytes; this is how they look in messages: valid UTF-8 as it is, all else and control
/// characters as `\xNN`.
func displayed(_ path: some Sequence<UInt8>) -> String {
    let bytes = Array(path)
    let hex: (UInt8) -> String = { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    if bytes.isEmpty { return "/" }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        return bytes.map { (0x20..<0x7f).contains($0) ? String(UnicodeScalar($0)) : hex($0) }.joined()
    }
    return text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? hex(UInt8($0.value)) : String($0) }.joined()
}
