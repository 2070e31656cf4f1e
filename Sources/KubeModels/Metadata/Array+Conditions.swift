// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension [Condition] {
    /// The condition of a type; `nil` to remove it. Setting one keeps its place, and the time of the one before if the status
    /// is the same.
    public subscript(type: String) -> Condition? {
        get { first { $0.type == type } }
        set {
            let place = firstIndex { $0.type == type }
            switch (place, newValue) {
            case (let place?, nil): remove(at: place)
            case (let place?, var condition?):
                if condition.status == self[place].status {
                    condition.lastTransitionTime = self[place].lastTransitionTime ?? condition.lastTransitionTime
                }
                self[place] = condition
            case (nil, let condition?): append(condition)
            case (nil, nil): break
            }
        }
    }

    /// Whether a condition is `True`.
    public func isTrue(_ type: String) -> Bool { self[type]?.status == "True" }
}
