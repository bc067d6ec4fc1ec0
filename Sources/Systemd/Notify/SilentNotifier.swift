/// For a process that no service manager listens to, such as one started from a shell.
package struct SilentNotifier: ServiceNotifier {
    package init() {}

    package func notify(_ states: [ServiceState]) {}
}
