// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One overlayfs mount, as the kernel shows it or as containerd's snapshotter asks for it.
public struct OverlayMount: Sendable, Hashable {
    /// Where it is mounted, as the process sees it whose mountinfo was read; nil if it comes from a snapshotter.
    public var mountPoint: String?
    /// The image's layers, topmost first. May be relative: containerd shortens long options so.
    public var lowerDirectories: [String]
    /// Lower layers from which only file contents are taken (`::` or `datadir+`).
    public var dataDirectories: [String]
    /// Where the container's writes go. Absolute.
    public var upperDirectory: String
    /// The kernel's working directory, on the same filesystem.
    public var workDirectory: String
    /// All other options, as they are given (`index=off`, `volatile`).
    public var options: [String]
    /// What holds of the mount point alone (`nosuid`, `idmapped`); empty if it comes from a snapshotter.
    public var flags: [String] = []

    /// Reads the options of a mount, in the form that containerd's snapshotter answers and mount(2) takes.
    ///
    /// - Throws: `RootfsError.malformedMount`; a mount without an upper directory (a view) is one.
    public init(options: [String]) throws {
        try self.init(
            mountPoint: nil,
            pairs: options.map { Self.pair($0) },
            lower: { try Self.separated($0, by: ":", isEscape: { $0 == "\\" }) { try Self.unescaped($0) } },
            plain: { try Self.unescaped($0[...]) }
        )
    }

    /// What an option with a value is set to; nil if it is not among `options`.
    public func value(of option: String) -> String? {
        let prefix = option + "="
        return options.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
}

extension OverlayMount {
    /// Sorts options into the fields.
    init(
        mountPoint: String?,
        pairs: [(name: String, value: String?)],
        lower: (String) throws -> [String],
        plain: (String) throws -> String
    ) throws {
        var lowers: [String] = []
        var datas: [String] = []
        var single: [String: String] = [:]
        options = []
        for (name, value) in pairs {
            switch (name, value) {
            case ("lowerdir", let value?):
                guard lowers.isEmpty else { throw RootfsError.malformedMount(reason: "lowerdir is given twice") }
                let parts = try lower(value)
                // An empty name comes of `::`: all that follow are for data only.
                lowers =
                    parts.split(separator: "", maxSplits: 1, omittingEmptySubsequences: false).first.map(Array.init)
                    ?? []
                datas += parts.dropFirst(lowers.count).filter { !$0.isEmpty }
            case ("lowerdir+", let value?): lowers.append(try plain(value))
            case ("datadir+", let value?): datas.append(try plain(value))
            case ("upperdir", let value?), ("workdir", let value?):
                guard single.updateValue(try plain(value), forKey: name) == nil else {
                    throw RootfsError.malformedMount(reason: "\(name) is given twice")
                }
            case (_, let value?): options.append("\(name)=\(try plain(value))")
            case (_, nil): options.append(name)
            }
        }
        guard let upper = single["upperdir"], upper.utf8.first == UInt8(ascii: "/") else {
            throw RootfsError.malformedMount(reason: "it has no upper directory with an absolute path")
        }
        guard let work = single["workdir"], !work.isEmpty else {
            throw RootfsError.malformedMount(reason: "it has no work directory")
        }
        guard !lowers.isEmpty, lowers.allSatisfy({ !$0.isEmpty }) else {
            throw RootfsError.malformedMount(reason: "it has no lower directories")
        }
        self.mountPoint = mountPoint
        lowerDirectories = lowers
        dataDirectories = datas
        upperDirectory = upper
        workDirectory = work
    }

    /// `name=value`, or a name alone.
    static func pair(_ option: some StringProtocol) -> (name: String, value: String?) {
        guard let equals = option.firstIndex(of: "=") else { return (String(option), nil) }
        return (String(option[..<equals]), String(option[option.index(after: equals)...]))
    }

    /// Splits at each separator that no odd number of escapes precedes.
    static func separated(
        _ text: String,
        by separator: Character,
        isEscape: (Character) -> Bool,
        _ part: (Substring) throws -> String
    ) throws -> [String] {
        var parts: [String] = []
        var start = text.startIndex
        var escaped = false
        for index in text.indices {
            if text[index] == separator && !escaped {
                parts.append(try part(text[start..<index]))
                start = text.index(after: index)
            }
            escaped = isEscape(text[index]) && !escaped
        }
        parts.append(try part(text[start...]))
        return parts
    }

    /// Takes overlayfs's backslashes away: one stands before a colon, a comma or another backslash.
    static func unescaped(_ text: Substring) throws -> String {
        var result = ""
        var escaped = false
        for character in text {
            if character == "\\" && !escaped {
                escaped = true
            } else {
                result.append(character)
                escaped = false
            }
        }
        guard !escaped else { throw RootfsError.malformedMount(reason: "a path ends in a backslash: \(text)") }
        return result
    }
}
