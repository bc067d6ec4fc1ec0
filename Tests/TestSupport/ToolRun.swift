package import Foundation

/// What a program of the distribution said, run to its end.
package struct ToolRun: Sendable {
    package let output: String
    package let errors: String
    /// The exit status; nil when a signal ended it.
    package let status: Int32?

    /// Blocks until the program is over.
    ///
    /// - Parameters:
    ///   - program: a path, or a name that is looked for in PATH.
    ///   - variables: its whole environment; PATH and nothing else when they are left out.
    /// - Throws: `SystemFailure` where the program cannot be started.
    package init(
        _ program: String, _ arguments: [String], variables: [String: String]? = nil, input: Data = Data()
    ) throws {
        // Files and not pipes, which would have to be emptied while the program writes.
        let files = try (ScratchFile(input), ScratchFile(), ScratchFile())
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let process = try spawn(
            program, arguments, variables ?? ["PATH": path], input: files.0.descriptor, output: files.1.descriptor,
            error: files.2.descriptor)
        var ending: Int32 = 0
        while waitpid(process, &ending, 0) < 0 {
            guard errno == EINTR else { throw SystemFailure("wait for \(program)", code: errno) }
        }
        // wait(2): the low seven bits are the signal, 0 where there was none; the next byte is the exit status.
        status = ending & 0x7F == 0 ? (ending >> 8) & 0xFF : nil
        output = String(decoding: try files.1.content(), as: UTF8.self)
        errors = String(decoding: try files.2.content(), as: UTF8.self)
    }

    /// The same on a thread of its own, since the tests' pool has as many threads as the machine has cores.
    package static func run(
        _ program: String, _ arguments: [String], variables: [String: String]? = nil, input: Data = Data()
    ) async throws -> ToolRun {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result { try ToolRun(program, arguments, variables: variables, input: input) })
            }.start()
        }
    }
}

/// A file without a name: it is gone with its last descriptor.
private final class ScratchFile {
    let descriptor: Int32

    init(_ content: Data = Data()) throws {
        var name = Array(FileManager.default.temporaryDirectory.appending(path: "tallyd-tool-XXXXXX").path.utf8CString)
        // Glibc's module has no mkostemp. What another test starts before the mark is set holds a nameless file, no more.
        descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw SystemFailure("make a scratch file", code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(name)
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        try file.write(contentsOf: content)
        try file.seek(toOffset: 0)
    }

    deinit {
        close(descriptor)
    }

    func content() throws -> Data {
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        try file.seek(toOffset: 0)
        return try file.readToEnd() ?? Data()
    }
}
