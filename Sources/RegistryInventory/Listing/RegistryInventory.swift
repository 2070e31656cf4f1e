// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry

/// What some repositories have.
public struct RegistryInventory: Sendable {
    /// All images with a name, by repository, then by their first name.
    public var images: [InventoryImage]
    /// How many images need a blob, by its digest.
    private let users: [Digest: Int]

    /// Takes stock.
    public init(_ images: [InventoryImage]) {
        self.images = images
        users = images.reduce(into: [:]) { users, image in
            for blob in image.content { users[blob.digest, default: 0] += 1 }
        }
    }

    /// The bytes of an image that no other one needs.
    public func ownBytes(of image: InventoryImage) -> Int64 {
        image.content.reduce(0) { $0 + (users[$1.digest] == 1 ? $1.size : 0) }
    }

    /// What a registry can free when it has some images no more: the bytes that only these need.
    public func bytesFreed(without images: [InventoryImage]) -> Int64 {
        var going: [Digest: Int] = [:]
        var sizes: [Digest: Int64] = [:]
        for blob in images.flatMap(\.content) {
            going[blob.digest, default: 0] += 1
            sizes[blob.digest] = blob.size
        }
        return going.reduce(0) { $0 + (users[$1.key] == $1.value ? sizes[$1.key] ?? 0 : 0) }
    }
}
