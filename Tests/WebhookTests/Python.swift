import Foundation

/// What python3 needs of the environment, where it comes from pyenv as from the distribution.
enum Python {
    static let variables = ProcessInfo.processInfo.environment.filter {
        ["PATH", "HOME", "PYENV_ROOT", "PYENV_VERSION"].contains($0.key)
    }
}
