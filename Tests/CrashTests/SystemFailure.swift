import Foundation

/// A system call that failed in the test itself.
struct SystemFailure: Error, CustomStringConvertible {
    let description: String

    init(_ action: String, code: Int32) {
        description = "cannot \(action): \(String(cString: strerror(code)))"
    }
}
