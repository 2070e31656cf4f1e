// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TOMLKit

extension ConfigurationValue {
    /// The tables of a TOML text. This file alone knows which library reads it.
    ///
    /// - Throws: ``ConfigurationError`` with the line and column.
    static func parse(toml text: String) throws(ConfigurationError) -> [String: ConfigurationValue] {
        let root: TOMLTable
        do {
            root = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let place = "line \(error.source.begin.line), column \(error.source.begin.column)"
            throw ConfigurationError(problems: ["\(place): \(error.description)"])
        } catch {
            throw ConfigurationError(problems: ["It is no TOML: \(error)"])
        }
        // Nested values point into the root's memory.
        return withExtendedLifetime(root) { convert(root) }
    }

    private static func convert(_ table: TOMLTable) -> [String: ConfigurationValue] {
        var members: [String: ConfigurationValue] = [:]
        for key in table.keys {
            if let value = table[key] { members[key] = convert(value.tomlValue) }
        }
        return members
    }

    private static func convert(_ value: TOMLValue) -> ConfigurationValue {
        if let table = value.table { return .table(convert(table)) }
        if let array = value.array { return .array(array.map { convert($0.tomlValue) }) }
        if let string = value.string { return .string(string) }
        if let bool = value.bool { return .bool(bool) }
        if let integer = value.int { return .integer(integer) }
        if let double = value.double { return .double(double) }
        return .date
    }
}
