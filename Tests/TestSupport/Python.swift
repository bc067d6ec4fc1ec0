import Foundation

/// python3, as tests use it that hold our code against other people's.
package enum Python {
    /// What it needs of the environment, where it comes from pyenv as from the distribution.
    package static let variables = ProcessInfo.processInfo.environment.filter {
        ["PATH", "HOME", "PYENV_ROOT", "PYENV_VERSION"].contains($0.key)
    }

    /// The same, with the folder that TALLYD_TEST_PYTHONPATH names.
    package static var variablesWithPackages: [String: String] {
        var variables = variables
        variables["PYTHONPATH"] = ProcessInfo.processInfo.environment["TALLYD_TEST_PYTHONPATH"]
        return variables
    }

    /// Whether PyPI's `standardwebhooks` and `cryptography` are there.
    package static let hasWebhookPeers: Bool = {
        let script = "import standardwebhooks, cryptography.hazmat.primitives.asymmetric.ed25519"
        let found = try? ToolRun("python3", ["-c", script], variables: variablesWithPackages)
        if found?.status == 0 { return true }
        print("NOT RUN: peers in Python, as python3 lacks standardwebhooks or cryptography (pip install them)")
        return false
    }()
}
