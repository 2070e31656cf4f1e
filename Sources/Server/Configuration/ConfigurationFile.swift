// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.CocoaError
import struct Foundation.Data
import struct Foundation.URL

/// The file that a server's configuration is read from.
public struct ConfigurationFile: Sendable, Equatable {
    /// Where it is.
    public var path: String
    /// Whether somebody named it; only the default one may be missing.
    public var isRequired: Bool

    /// Finds the file: what the command line says, else `SANDBOX_CONFIG_PATH`, else `~/.sandbox.toml`.
    public init(argument: String?, environment: [String: String]) {
        if let argument {
            self.path = argument
            self.isRequired = true
        } else if let path = environment["SANDBOX_CONFIG_PATH"], !path.isEmpty {
            self.path = path
            self.isRequired = true
        } else {
            self.path = (environment["HOME"] ?? "") + "/.sandbox.toml"
            self.isRequired = false
        }
    }

    /// A file that must be there.
    init(path: String) {
        self.path = path
        isRequired = true
    }

    /// The file's text; empty if it is the default file and does not exist.
    ///
    /// - Throws: ``ConfigurationError``.
    public func read() throws(ConfigurationError) -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            if !isRequired, error.isNoSuchFile { return "" }
            throw ConfigurationError(problems: ["\(path) cannot be read: \(error.localizedDescription)"])
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ConfigurationError(problems: ["\(path) is not UTF-8."])
        }
        return text
    }
}

extension Error {
    /// Whether reading failed because there is nothing to read.
    fileprivate var isNoSuchFile: Bool {
        (self as? CocoaError)?.code == .fileReadNoSuchFile
    }
}
