// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension OverlayMount {
    /// Finds a mount in the text of a mountinfo file (proc_pid_mountinfo(5)). Of several at one place, the last one is
    /// visible.
    ///
    /// - Parameters:
    ///   - mountPoint: As the process sees it whose file this is; `/` is its root.
    ///   - mountInfo: The bytes of the file. Only the line that matters need be well formed.
    /// - Throws: `RootfsError.notOverlay` or `RootfsError.malformedMount`.
    public init(at mountPoint: String, mountInfo: some Collection<UInt8>) throws {
        let wanted = Array(mountPoint.utf8)
        var found: [UInt8]?
        for line in mountInfo.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5, omittingEmptySubsequences: false)
            guard fields.count > 4, (try? Self.decoded(fields[4])) == wanted else { continue }
            found = Array(line)
        }
        guard let found else { throw RootfsError.notOverlay(mountPoint: mountPoint, found: nil) }
        guard let line = String(validating: found, as: UTF8.self) else {
            throw RootfsError.malformedMount(reason: "the line of \(mountPoint) is not UTF-8")
        }
        try self.init(mountInfoLine: line)
    }

    /// The overlay that is a process's root. Reads /proc.
    ///
    /// - Throws: `RootfsError`; one with ESRCH or ENOENT if there is no such process.
    public init(rootOfProcess process: Int32) throws {
        try self.init(at: "/", mountInfo: SystemCall.contents(of: "/proc/\(process)/mountinfo"))
    }

    /// Reads one line of a mountinfo file.
    ///
    /// - Throws: `RootfsError.notOverlay` or `RootfsError.malformedMount`.
    public init(mountInfoLine line: String) throws {
        // 36 35 98:0 /root /mount/point rw,noatime master:1 - overlay overlay rw,lowerdir=...
        // An accent behind a blank would make another character of it.
        let fields = line.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false).map { Substring($0) }
        guard let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count == dash + 4 else {
            throw RootfsError.malformedMount(reason: "not a line of mountinfo: \(line.prefix(200))")
        }
        let mountPoint = try Self.text(fields[4])
        guard fields[dash + 1] == "overlay" else {
            throw RootfsError.notOverlay(mountPoint: mountPoint, found: String(fields[dash + 1]))
        }
        guard fields[3] == "/" else {
            throw RootfsError.malformedMount(reason: "only a part of the overlay is mounted at \(mountPoint)")
        }
        try self.init(
            mountPoint: mountPoint,
            pairs: Self.options(in: fields[dash + 3]).map { Self.pair($0) },
            // Depending on its version, the kernel shows a colon within a name as \134: (as it was given, and the
            // backslash as octal) or as \072.
            lower: { value in
                try Self.separated(
                    value.replacing("\\134", with: "\u{1}"),
                    by: ":",
                    isEscape: { $0 == "\u{1}" }
                ) { part in
                    try Self.unescaped(try Self.text(part.replacing("\u{1}", with: "\\134"))[...])
                }
            },
            plain: { try Self.text($0[...]) }
        )
        flags = fields[5].split(separator: ",").map(String.init)
    }

    /// Splits at commas, but not within the quotes that SELinux's contexts have if there are commas in them
    /// (`context="system_u:object_r:container_file_t:s0:c1,c2"`).
    private static func options(in field: Substring) -> [Substring] {
        var options: [Substring] = []
        var rest = field
        while !rest.isEmpty {
            let name = rest.prefix { $0 != "=" && $0 != "," }
            var end = rest.firstIndex(of: ",") ?? rest.endIndex
            if name.hasSuffix("context"), let value = rest.dropFirst(name.count + 1).dropQuoted() {
                end = value.firstIndex(of: ",") ?? rest.endIndex
            }
            options.append(rest[..<end])
            rest = rest[end...].dropFirst()
        }
        return options.filter { !$0.isEmpty }
    }

    /// Takes the octal escapes away that the kernel writes for blanks and the like.
    private static func text(_ field: Substring) throws -> String {
        guard let text = String(validating: try decoded(field.utf8), as: UTF8.self) else {
            throw RootfsError.malformedMount(reason: "a name in it is not UTF-8: \(field)")
        }
        return text
    }

    private static func decoded(_ field: some Collection<UInt8>) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = field[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(3)
            rest = rest.dropFirst(3)
            guard digits.count == 3, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8),
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) })
            else {
                throw RootfsError.malformedMount(reason: "an escape is not three octal digits")
            }
            bytes.append(value)
        }
        return bytes
    }
}

extension Substring {
    /// What is behind a text in quotes; nil if there is none at the beginning.
    fileprivate func dropQuoted() -> Substring? {
        guard first == "\"", let end = dropFirst().firstIndex(of: "\"") else { return nil }
        return self[index(after: end)...]
    }
}
