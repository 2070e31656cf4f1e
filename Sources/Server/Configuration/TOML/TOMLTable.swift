// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A table while its text is being read: which keys may still be added depends on how it came to be.
final class TOMLTable {
    /// How a table came to be.
    enum Origin {
        /// By a header above it, such as `a` by `[a.b]`; it may still get one of its own.
        case implied
        /// By its own header.
        case header
        /// By a key with dots; only such keys may add to it, and headers below it.
        case dotted
    }

    private enum Member {
        case value(ConfigurationValue)
        case table(TOMLTable)
        case elements([TOMLTable])
    }

    private var members: [String: Member] = [:]
    private var origin: Origin

    init(_ origin: Origin) {
        self.origin = origin
    }

    /// The table as a value.
    var value: [String: ConfigurationValue] {
        members.mapValues { member in
            switch member {
            case .value(let value): value
            case .table(let table): .table(table.value)
            case .elements(let tables): .array(tables.map { .table($0.value) })
            }
        }
    }

    /// Makes the table that a header names; nil if that was defined before as anything.
    func addTable(at path: [String]) -> TOMLTable? {
        guard let last = path.last, let parent = parent(of: path) else { return nil }
        switch parent.members[last] {
        case nil:
            let table = TOMLTable(.header)
            parent.members[last] = .table(table)
            return table
        case .table(let table)? where table.origin == .implied:
            table.origin = .header
            return table
        case .table?, .value?, .elements?:
            return nil
        }
    }

    /// Adds a table to the list that a header names; nil if that was defined before as anything else.
    func addElement(at path: [String]) -> TOMLTable? {
        guard let last = path.last, let parent = parent(of: path) else { return nil }
        let table = TOMLTable(.header)
        switch parent.members[last] {
        case nil: parent.members[last] = .elements([table])
        case .elements(let tables)?: parent.members[last] = .elements(tables + [table])
        case .table?, .value?: return nil
        }
        return table
    }

    /// The table above what a header names.
    private func parent(of path: [String]) -> TOMLTable? {
        var table = self
        for name in path.dropLast() {
            switch table.members[name] {
            case nil:
                let next = TOMLTable(.implied)
                table.members[name] = .table(next)
                table = next
            case .table(let next)?: table = next
            case .elements(let tables)?:
                guard let last = tables.last else { return nil }
                table = last
            case .value?: return nil
            }
        }
        return table
    }

    /// Sets what a key with or without dots names; false if that, or something on the way, was defined before.
    func set(_ path: [String], to value: ConfigurationValue) -> Bool {
        guard let last = path.last else { return false }
        var table = self
        for name in path.dropLast() {
            switch table.members[name] {
            case nil:
                let next = TOMLTable(.dotted)
                table.members[name] = .table(next)
                table = next
            case .table(let next)? where next.origin == .dotted: table = next
            case .table?, .elements?, .value?: return false
            }
        }
        guard table.members[last] == nil else { return false }
        table.members[last] = .value(value)
        return true
    }
}
