// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
public import OCIRegistry

/// What is said of one copied image.
public struct CopyLine: Sendable, Codable {
    /// Where it is now.
    public var image: String
    /// Its digest.
    public var digest: String
    /// How many manifests that refer to it came along.
    public var referrers: Int
    /// How many were listed and are not there, or are about something else.
    public var strays: Int
    /// How many bytes were sent.
    public var bytesSent: Int64
    /// How many were there already, or were mounted.
    public var bytesSpared: Int64

    /// Makes a line.
    public init(_ outcome: ImageCopy.Outcome, name: String) {
        image = name
        digest = outcome.descriptor.digest.description
        referrers = outcome.referrers.count
        strays = outcome.strays.count
        bytesSent = outcome.progress.bytesSent
        bytesSpared = outcome.progress.bytesSpared
    }

    /// For people.
    public var text: String {
        let sizes = "\(InventoryReport.bytes(bytesSent)) sent, \(InventoryReport.bytes(bytesSpared)) there"
        let notes =
            (referrers > 0 ? ", \(referrers) referrers" : "") + (strays > 0 ? ", \(strays) strays left behind" : "")
        let name = image.hasSuffix(digest) ? image : "\(image)@\(digest)"
        return "\(name): \(sizes)\(notes)"
    }

    /// For programs.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
