// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What can happen to a piece of a connection's bytes, as many as are read at a time.
public enum Fault: String, Sendable, Hashable, CaseIterable {
    /// The connection is reset within the piece, both ways.
    case drop
    /// The piece arrives late.
    case delay
    /// The piece and all that follows it end somewhere within the piece, in good order, as if no more had been sent. The
    /// other way stays open.
    case truncate
    /// The piece waits until something that came later on another connection has gone past it. Within one connection
    /// bytes keep their order, as TCP has it.
    case reorder
    /// One bit is another one.
    case corrupt
}

/// How often which fault happens, by chance but the same for the same seed: what happens to the nth piece of the nth
/// connection is fixed, while how bytes are cut into pieces is not.
public struct FaultRates: Sendable {
    /// The seed.
    public var seed: UInt64
    /// The probability of each fault for each piece, 0 to 1.
    public var rates: [Fault: Double]
    /// The longest delay.
    public var longestDelay: Duration

    /// Sets the rates.
    public init(seed: UInt64, rates: [Fault: Double], longestDelay: Duration = .milliseconds(40)) {
        self.seed = seed
        self.rates = rates
        self.longestDelay = longestDelay
    }

    /// What happens to a piece.
    enum Step: Hashable {
        case pass
        case drop(after: Int)
        case delay(Duration)
        case truncate(after: Int)
        case reorder
        case corrupt(byte: Int, bit: Int)

        /// The fault that it is; `nil` if it is none.
        var fault: Fault? {
            switch self {
            case .pass: nil
            case .drop: .drop
            case .delay: .delay
            case .truncate: .truncate
            case .reorder: .reorder
            case .corrupt: .corrupt
            }
        }
    }

    /// The chances of one way of one connection.
    func generator(connection: Int, _ direction: FaultProxy.Direction) -> SeededGenerator {
        var mixed = SeededGenerator(seed: seed &+ UInt64(connection) &* 2 &+ (direction == .toServer ? 0 : 1))
        return SeededGenerator(seed: mixed.next())
    }

    /// What happens to a piece of so many bytes; at most one thing.
    func step(_ count: Int, using generator: inout SeededGenerator) -> Step {
        // Always as many numbers, so that one rate does not change what the others do.
        let (chance, place) = (Double.random(in: 0..<1, using: &generator), generator.next())
        guard count > 0 else { return .pass }
        let offset = Int(place % UInt64(count))
        var bound = 0.0
        for fault in Fault.allCases {
            bound += rates[fault] ?? 0
            guard chance < bound else { continue }
            return switch fault {
            case .drop: .drop(after: offset)
            case .delay: .delay(longestDelay * (Double(place % 1000) / 1000))
            case .truncate: .truncate(after: offset)
            case .reorder: .reorder
            case .corrupt: .corrupt(byte: offset, bit: Int(place >> 32 & 7))
            }
        }
        return .pass
    }
}
