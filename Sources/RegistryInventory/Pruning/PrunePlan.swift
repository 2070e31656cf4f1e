// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import OCIRegistry

public import struct Foundation.Date

/// Which images of some repositories may go, and why the others may not.
///
/// An image may go if it is a snapshot of ours, old enough, and nothing needs it. Whether layers are shared plays no part:
/// registries delete a manifest, and collect the blobs that no manifest has later.
public struct PrunePlan: Sendable {
    /// Why an image stays.
    public enum Reason: Sendable, Hashable, CustomStringConvertible {
        /// Only snapshots are ever deleted.
        case notASnapshot
        /// A record names it.
        case referredTo(by: String)
        /// An image that a record names was captured from it, or has it at the bottom.
        case origin(of: Digest)
        /// It is in an index, which stays.
        case part(of: Digest)
        /// It is about an image that stays.
        case companion(of: Digest)
        /// Something is about it that stays.
        case subject(of: Digest)
        /// It does not say when it was made.
        case ageless
        /// It was made a short while ago, so its record may be on its way.
        case young

        /// A few words.
        public var description: String {
            switch self {
            case .notASnapshot: "no snapshot"
            case .referredTo(let holder): "referred to by \(holder)"
            case .origin(let digest): "\(digest) was made from it"
            case .part(let digest): "part of \(digest)"
            case .companion(let digest): "about \(digest), which stays"
            case .subject(let digest): "\(digest) is about it, and stays"
            case .ageless: "does not say how old it is"
            case .young: "too young"
            }
        }
    }

    /// An image, and why it stays; without a reason it may go.
    public struct Item: Sendable {
        /// The image.
        public var image: InventoryImage
        /// Why it stays; `nil` if it may go.
        public var reason: Reason?
    }

    /// All images, in the inventory's order.
    public var items: [Item]
    /// What the registry can free when those that may go are gone.
    public var bytes: Int64

    /// The images that may go.
    public var reclaimable: [InventoryImage] { items.filter { $0.reason == nil }.map(\.image) }

    /// Decides.
    ///
    /// - Parameters:
    ///   - references: what the records of all installations name.
    ///   - age: how old an image must be to go, in seconds.
    public init(_ inventory: RegistryInventory, references: ReferenceIndex, olderThan age: Double, now: Date) {
        let images = inventory.images
        var reasons: [Reason?] = images.map { image in
            if let holder = references.holder(of: image) { return .referredTo(by: holder) }
            if image.origin == nil { return .notASnapshot }
            guard let created = image.created else { return .ageless }
            return now.timeIntervalSince(created) < max(age, 0) ? .young : nil
        }
        let places = Dictionary(grouping: images.indices) { images[$0].digest }
        func keep(_ digest: Digest, _ reason: Reason) -> Bool {
            var hasChanged = false
            for place in places[digest] ?? [] where reasons[place] == nil {
                reasons[place] = reason
                hasChanged = true
            }
            return hasChanged
        }
        for (image, reason) in zip(images, reasons) {
            // Of what is needed, also what it was made from: the next capture of its sandbox begins there.
            guard case .referredTo = reason else { continue }
            for text in [image.origin?.parent, image.origin?.base].compactMap({ $0 }) {
                if let digest = try? Digest(parsing: text) { _ = keep(digest, .origin(of: image.digest)) }
            }
        }
        // What stays holds what is in it, what is about it, and what it is about, until nothing changes.
        var changes = true
        while changes {
            changes = false
            for place in images.indices {
                let image = images[place]
                if reasons[place] != nil {
                    for part in image.content where part.digest != image.digest {
                        if keep(part.digest, .part(of: image.digest)) { changes = true }
                    }
                    for referrer in image.referrers where keep(referrer.digest, .companion(of: image.digest)) {
                        changes = true
                    }
                } else if let referrer = image.referrers.first(where: { referrer in
                    (places[referrer.digest] ?? []).contains { reasons[$0] != nil }
                }) {
                    reasons[place] = .subject(of: referrer.digest)
                    changes = true
                }
            }
        }
        items = zip(images, reasons).map { Item(image: $0, reason: $1) }
        bytes = 0
        bytes = inventory.bytesFreed(without: reclaimable)
    }
}
