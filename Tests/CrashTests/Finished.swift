import Foundation

/// A process that has ended, and what it said.
struct Finished: Sendable {
    let ending: Child.Ending
    let output: String
    let errors: String

    /// The exit status; nil when a signal ended it.
    var status: Int32? {
        if case .exited(let status) = ending { status } else { nil }
    }

    /// Standard output, which must be one JSON object.
    func json() throws -> [String: Any] {
        guard let object = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] else {
            throw CocoaError(.propertyListReadCorrupt)
        }
        return object
    }
}
