// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Spelling

/// One table of a configuration while it is being read: what has been asked for is crossed out, so that what is left over
/// can be told.
struct ConfigurationTable {
    private var unread: [String: ConfigurationValue]
    /// The keys that mean something, as far as they have been asked for.
    private var known: Set<String> = []
    private let path: String
    /// What is wrong with the values read so far.
    private(set) var problems: [String] = []
    /// What has no effect.
    private(set) var warnings: [ConfigurationWarning] = []

    /// Begins to read a table.
    ///
    /// - Parameter path: The table's own key, empty for the whole file.
    init(_ members: [String: ConfigurationValue], path: String = "") {
        unread = members
        self.path = path
    }

    /// Whether everything that was there has been read.
    var isEmpty: Bool { unread.isEmpty }

    /// Crosses out everything.
    mutating func ignoreAll() {
        unread = [:]
    }

    /// Whether there is such a key, which has not been read.
    func contains(_ key: String) -> Bool { unread[key] != nil }

    /// Notes that a key may not be there.
    mutating func forbid(_ key: String, _ reason: String) {
        known.insert(key)
        if unread.removeValue(forKey: key) != nil { refuse(key, reason) }
    }

    /// Notes that a value cannot be used.
    ///
    /// - Parameter key: Empty for the table itself.
    mutating func refuse(_ key: String, _ reason: String) {
        problems.append("\(key.isEmpty ? path : fullPath(key)): \(reason)")
    }

    /// Reads a string.
    mutating func string(_ key: String) -> String? {
        read(key, as: "a string") { if case .string(let string) = $0 { string } else { nil } }
    }

    /// Reads a string that is not blank.
    mutating func text(_ key: String) -> String? {
        guard let string = string(key) else { return nil }
        guard !string.trimmed.isEmpty else {
            refuse(key, "must not be blank; leave the key out for its default.")
            return nil
        }
        return string
    }

    /// Reads an integer within bounds.
    mutating func integer(_ key: String, in bounds: ClosedRange<Int>) -> Int? {
        let integer: Int? = read(key, as: "an integer") { if case .integer(let integer) = $0 { integer } else { nil } }
        guard let integer else { return nil }
        guard bounds.contains(integer) else {
            let range =
                bounds.upperBound == .max
                ? "at least \(bounds.lowerBound)" : "from \(bounds.lowerBound) to \(bounds.upperBound)"
            refuse(key, "is \(integer) but must be \(range).")
            return nil
        }
        return integer
    }

    /// Reads a number with or without a fraction within bounds.
    mutating func number(_ key: String, in bounds: ClosedRange<Double>) -> Double? {
        let number: Double? = read(key, as: "a number") {
            switch $0 {
            case .integer(let integer): Double(integer)
            case .double(let double): double
            default: nil
            }
        }
        guard let number else { return nil }
        guard bounds.contains(number) else {
            refuse(key, "is \(number) but must be from \(bounds.lowerBound) to \(bounds.upperBound).")
            return nil
        }
        return number
    }

    /// Reads a boolean.
    mutating func boolean(_ key: String) -> Bool? {
        read(key, as: "true or false") { if case .bool(let bool) = $0 { bool } else { nil } }
    }

    /// Reads a table of strings, whatever their keys are.
    mutating func stringsByName(_ key: String) -> [String: String]? {
        read(key, as: "a table of strings") { value in
            guard case .table(let members) = value else { return nil }
            var strings: [String: String] = [:]
            for (name, member) in members {
                guard case .string(let string) = member else { return nil }
                strings[name] = string
            }
            return strings
        }
    }

    /// Reads a list of strings.
    mutating func strings(_ key: String) -> [String]? {
        read(key, as: "a list of strings") { value in
            guard case .array(let elements) = value else { return nil }
            var strings: [String] = []
            for element in elements {
                guard case .string(let string) = element else { return nil }
                strings.append(string)
            }
            return strings
        }
    }

    /// Reads each table of a list of them (`[[key]]`).
    mutating func tables<Result>(_ key: String, _ body: (inout ConfigurationTable) -> Result) -> [Result] {
        let elements: [[String: ConfigurationValue]]? = read(key, as: "a list of tables") { value in
            guard case .array(let elements) = value else { return nil }
            var tables: [[String: ConfigurationValue]] = []
            for element in elements {
                guard case .table(let members) = element else { return nil }
                tables.append(members)
            }
            return tables
        }
        return (elements ?? []).enumerated()
            .map { index, members in within(members, "\(key)[\(index)]", body) }
    }

    /// Reads each table of a table of them (`[key.NAME]`), by name.
    mutating func tablesByName<Result>(
        _ key: String,
        _ body: (inout ConfigurationTable) -> Result
    ) -> [(name: String, result: Result)] {
        let members: [String: [String: ConfigurationValue]]? = read(key, as: "a table of tables") { value in
            guard case .table(let members) = value else { return nil }
            var tables: [String: [String: ConfigurationValue]] = [:]
            for (name, member) in members {
                guard case .table(let table) = member else { return nil }
                tables[name] = table
            }
            return tables
        }
        return (members ?? [:]).sorted { $0.key < $1.key }
            .map { name, members in (name, within(members, "\(key).\(name)", body)) }
    }

    /// Reads a table within this one; a missing one is an empty one.
    mutating func table<Result>(_ key: String, _ body: (inout ConfigurationTable) -> Result) -> Result {
        let members: [String: ConfigurationValue]? = read(key, as: "a table") {
            if case .table(let members) = $0 { members } else { nil }
        }
        return within(members ?? [:], key, body)
    }

    private mutating func within<Result>(
        _ members: [String: ConfigurationValue],
        _ key: String,
        _ body: (inout ConfigurationTable) -> Result
    ) -> Result {
        var table = ConfigurationTable(members, path: fullPath(key))
        let result = body(&table)
        table.finish()
        problems += table.problems
        warnings += table.warnings
        return result
    }

    /// Crosses out keys that exist elsewhere but mean nothing here, with a warning for each that is there.
    mutating func ignore(_ keys: [String], because reason: String) {
        known.formUnion(keys)
        for key in keys where unread.removeValue(forKey: key) != nil {
            warnings.append(ConfigurationWarning(path: fullPath(key), message: reason))
        }
    }

    /// Warns of each key that nobody has asked for, with the one that was probably meant.
    mutating func finish() {
        for (key, value) in unread.sorted(by: { $0.key < $1.key }) {
            var message = "There is no such \(value.isTable ? "table" : "key"); it has no effect."
            if let meant = Misspelling.closest(to: key, of: known) { message += " Was '\(fullPath(meant))' meant?" }
            warnings.append(ConfigurationWarning(path: fullPath(key), message: message))
        }
        unread = [:]
    }

    private mutating func read<Result>(
        _ key: String,
        as kind: String,
        _ convert: (ConfigurationValue) -> Result?
    ) -> Result? {
        known.insert(key)
        guard let value = unread.removeValue(forKey: key) else { return nil }
        guard let result = convert(value) else {
            refuse(key, "must be \(kind), not \(value.kind).")
            return nil
        }
        return result
    }

    private func fullPath(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }
}
