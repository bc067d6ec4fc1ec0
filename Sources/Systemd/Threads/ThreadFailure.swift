import Glibc

/// The system refused a new thread.
package struct ThreadFailure: Error, Equatable, CustomStringConvertible {
    /// What the thread was for.
    package let name: String

    /// `pthread_create`'s answer, usually `EAGAIN`.
    package let code: Int32

    package var description: String {
        "cannot start the thread \"\(name)\": \(String(cString: strerror(code))). "
            + "Raise the limit on tasks (TasksMax= of the unit, or ulimit -u) and start again."
    }
}
