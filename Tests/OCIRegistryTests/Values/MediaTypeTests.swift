// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import Testing

struct MediaTypeTests {
    @Test func dropsParameters() {
        #expect(MediaType("application/vnd.oci.image.index.v1+json; charset=utf-8") == .ociIndex)
        #expect(MediaType(" application/vnd.oci.image.index.v1+json ;x") == .ociIndex)
    }

    @Test(arguments: [
        (MediaType.dockerManifestList, MediaType.ociIndex),
        (.dockerManifest, .ociManifest),
        (.dockerConfig, .ociConfig),
        (.dockerLayer, .ociLayer),
        (.dockerLayerGzip, .ociLayerGzip),
        (.dockerLayerZstd, .ociLayerZstd),
        (.dockerForeignLayerGzip, .ociNondistributableLayerGzip),
    ])
    func knowsDockersTypesByTheirOCITwins(_ docker: MediaType, _ oci: MediaType) {
        #expect(docker.ociEquivalent == oci)
        #expect(oci.ociEquivalent == oci)
        #expect(docker.isIndex == oci.isIndex)
        #expect(docker.isManifest == oci.isManifest)
        #expect(docker.isConfig == oci.isConfig)
        #expect(docker.layerCompression == oci.layerCompression)
        #expect(docker.isNondistributable == oci.isNondistributable)
    }

    @Test func tellsCompressions() {
        #expect(MediaType.ociLayer.layerCompression == MediaType.Compression.none)
        #expect(MediaType.ociLayerGzip.layerCompression == .gzip)
        #expect(MediaType.ociLayerZstd.layerCompression == .zstd)
        #expect(MediaType.ociConfig.layerCompression == nil)
        #expect(!MediaType("text/plain").isLayer)
    }
}
