import Foundation

/// A system call that failed in the test itself.
package struct SystemFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ action: String, code: Int32) {
        description = "cannot \(action): \(String(cString: strerror(code)))"
    }
}
