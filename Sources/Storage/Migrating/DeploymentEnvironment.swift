/// Where a database is meant to be used: decides which setup file may run on it.
package enum DeploymentEnvironment: String, Sendable, CaseIterable {
    case development, staging, production
}
