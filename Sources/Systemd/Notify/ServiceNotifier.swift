/// The seam to the service manager. The daemon speaks through it, tests listen to it.
package protocol ServiceNotifier: Sendable {
    /// Tells the manager all of `states` at once and in order. It never throws: a service that cannot reach its manager
    /// goes on serving.
    func notify(_ states: [ServiceState])
}
