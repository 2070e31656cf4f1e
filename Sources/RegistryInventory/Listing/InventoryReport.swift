// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Foundation
import OCIRegistry

/// What some repositories have and what of it may go, for people and for programs.
public struct InventoryReport: Sendable, Codable {
    /// One image.
    public struct Image: Sendable, Codable {
        /// The repository.
        public var repository: String
        /// The digest.
        public var digest: String
        /// The names.
        public var tags: [String]
        /// The sandbox that was captured, if it is a snapshot.
        public var sandbox: String?
        /// The container that was captured.
        public var container: String?
        /// Where it ran.
        public var node: String?
        /// The image that it was started from.
        public var parent: String?
        /// The image at the bottom.
        public var base: String?
        /// When it was made.
        public var created: String?
        /// All its bytes.
        public var size: Int64
        /// Those that no other image needs.
        public var ownBytes: Int64
        /// How many manifests refer to it.
        public var referrers: Int
        /// Whether it may go; `nil` if it was not asked who needs it.
        public var reclaimable: Bool?
        /// Why it stays.
        public var reason: String?
    }

    /// The images.
    public var images: [Image]
    /// Who was asked what is needed; `nil` if nobody was.
    public var installations: [String]?
    /// How many images may go.
    public var reclaimableImages: Int
    /// What the registry can free then.
    public var reclaimableBytes: Int64

    /// Makes a report.
    ///
    /// - Parameter installations: who was asked; `nil` if nobody was, so that it is not known what may go.
    public init(_ plan: PrunePlan, of inventory: RegistryInventory, installations: [String]?) {
        let isKnown = installations != nil
        images = plan.items.map { item in
            let image = item.image
            return Image(
                repository: image.repository,
                digest: image.digest.description,
                tags: image.tags,
                sandbox: image.origin?.sandbox,
                container: image.origin?.container,
                node: image.origin?.node,
                parent: image.origin?.parent,
                base: image.origin?.base,
                created: image.created?.timestamp,
                size: image.size,
                ownBytes: inventory.ownBytes(of: image),
                referrers: image.referrers.count,
                reclaimable: isKnown ? item.reason == nil : nil,
                reason: isKnown ? item.reason?.description : nil
            )
        }
        self.installations = installations
        reclaimableImages = isKnown ? plan.reclaimable.count : 0
        reclaimableBytes = isKnown ? plan.bytes : 0
    }

    /// As JSON.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// As a table, a line an image.
    ///
    /// - Parameter now: what ages are counted to.
    public func table(now: Date) -> String {
        var lines = [["TAG", "SANDBOX", "AGE", "SIZE", "OWN", "PARENT", installations == nil ? "" : "STAYS BECAUSE"]]
        var repository: String?
        var text = ""
        func flush() {
            guard let repository, lines.count > 1 else { return }
            text += "\(repository)\n" + Self.aligned(lines) + "\n"
            lines = [lines[0]]
        }
        for image in images {
            if image.repository != repository {
                flush()
                repository = image.repository
            }
            lines.append([
                image.tags.joined(separator: ","),
                image.sandbox.map { $0 + (image.container.map { " (\($0))" } ?? "") } ?? "-",
                image.created.flatMap { Date(timestamp: $0) }.map { Age(seconds: now.timeIntervalSince($0)).text }
                    ?? "-",
                Self.bytes(image.size),
                Self.bytes(image.ownBytes),
                image.parent.map { String($0.prefix(19)) } ?? "-",
                image.reclaimable == nil ? "" : image.reason ?? "-",
            ])
        }
        flush()
        if let installations {
            let asked = installations.isEmpty ? "nobody was asked" : "asked: \(installations.joined(separator: ", "))"
            text += "\(reclaimableImages) of \(images.count) images may go, \(Self.bytes(reclaimableBytes)); \(asked)\n"
        } else {
            text += "\(images.count) images\n"
        }
        return text
    }

    /// Bytes in three digits.
    public static func bytes(_ count: Int64) -> String {
        guard count >= 1000 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return "\(value < 9.95 ? String(format: "%.1f", value) : String(format: "%.0f", value)) \(units[unit])"
    }

    private static func aligned(_ lines: [[String]]) -> String {
        let columns = lines.first?.count ?? 0
        let widths = (0..<columns).map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let cells = zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
            return "  " + cells.joined(separator: "  ").trimmingSuffix(" ")
        }
        .joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        String(reversed().drop { $0 == character }.reversed())
    }
}
