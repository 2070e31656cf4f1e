// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeModels
public import Logging

import struct Foundation.Date

/// Writes log lines as JSON to the standard error, with the keys that OpenSandbox's controller has: `level`, `ts`, `logger`,
/// `msg`, and those of the metadata.
public struct JSONLogHandler: LogHandler {
    /// What is logged.
    public var logLevel = Logger.Level.info
    /// What every line has.
    public var metadata: Logger.Metadata = [:]
    /// What every line has by its task.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let write: @Sendable ([UInt8]) -> Void

    /// Creates a handler.
    public init(label: String) { self.init(label: label, write: Self.writeToStandardError) }

    init(label: String, write: @escaping @Sendable ([UInt8]) -> Void) {
        self.label = label
        self.write = write
    }

    /// One value of the metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line.
    public func log(event: LogEvent) {
        var members = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
            .merging(event.metadata ?? [:]) { $1 }
            .mapValues(Self.json)
        if let error = event.error { members["error"] = .string("\(error)") }
        members["level"] = .string(event.level == .warning ? "warn" : event.level.rawValue)
        members["ts"] = .string(Timestamp(Date()).description)
        members["logger"] = .string(label)
        members["msg"] = .string(event.message.description)
        write(Array((JSONValue.object(members).jsonText + "\n").utf8))
    }

    private static func json(_ value: Logger.Metadata.Value) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string(value.description)
        case .array(let values): .array(values.map(json))
        case .dictionary(let values): .object(values.mapValues(json))
        }
    }

    /// A line at a time, so that lines of several threads do not mix.
    private static let writeToStandardError: @Sendable ([UInt8]) -> Void = { line in
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

extension ControllerOptions {
    /// A handler of log lines as these options want them, for `LoggingSystem.bootstrap`.
    ///
    /// - Parameter provider: What lines have by their task.
    public func logHandler(label: String, _ provider: Logger.MetadataProvider? = nil) -> any LogHandler {
        var handler: any LogHandler =
            switch logFormat {
            case .json: JSONLogHandler(label: label)
            case .console: StreamLogHandler.standardError(label: label)
            }
        handler.logLevel = logLevel
        handler.metadataProvider = provider
        return handler
    }
}
