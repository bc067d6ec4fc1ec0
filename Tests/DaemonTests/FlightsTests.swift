import Storage
import Synchronization
import Testing

@testable import Daemon

@Suite("Flights")
struct FlightsTests {
    private static func landing(_ id: Int64) -> Flights.Landing {
        Flights.Landing(
            delivery: ClaimedDelivery(id: id, event: 1, endpoint: "w", claim: 1, attempt: 0, retry: 0),
            verdict: .abandoned)
    }

    @Test("what lands is told of, taken once, and no longer under way")
    func landing() {
        let told = Mutex(0)
        let flights = Flights { told.withLock { $0 += 1 } }
        #expect(!flights.isAnyUnderWay)
        let numbers = [flights.begin(), flights.begin()]
        for (id, number) in numbers.enumerated() { flights.land(number, Self.landing(Int64(id))) }
        #expect(told.withLock { $0 } == 2)
        #expect(!flights.isAnyUnderWay)
        #expect(flights.takeLandings().map(\.delivery.id) == [0, 1])
        #expect(flights.takeLandings().isEmpty)
    }

    @Test("an attempt that has landed before its brake is known is not under way again")
    func late() async {
        let flights = Flights {}
        let number = flights.begin()
        flights.land(number, Self.landing(1))
        flights.set(.consent(Task {}), of: number)
        #expect(!flights.isAnyUnderWay)
    }

    @Test("all are called off, those that are begun later too")
    func calledOff() async {
        let flights = Flights {}
        func attempt() -> Task<Void, Never> {
            let number = flights.begin()
            let task = Task {
                // Ends when it is called off, long before.
                try? await Task.sleep(for: .seconds(600))
                flights.land(number, Self.landing(Int64(number)))
            }
            flights.set(.consent(task), of: number)
            return task
        }
        let early = [attempt(), attempt()]
        flights.callOff()
        let later = attempt()
        for task in early + [later] { await task.value }
        #expect(!flights.isAnyUnderWay)
        #expect(flights.takeLandings().count == 3)
    }
}
