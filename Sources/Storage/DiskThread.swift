// A dedicated thread for blocking work, with a queue of jobs. The cooperative pool and the event loops never wait for a disk.
import Base
import CSupport
import Glibc

/// Runs jobs one after another on one thread. `stop()` runs the queued jobs, then ends the thread.
package final class DiskThread: @unchecked Sendable {
    // Safe to share: `jobs` and `stopping` are touched under `mutex` only; the two pthread values live at fixed addresses.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [() -> Void] = []
    private var stopping = false
    private var thread = pthread_t()
    private let name: String

    package init(name: String) {
        self.name = name
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        let body = Unmanaged.passRetained(ThreadBody(owner: self))
        // The retained body is taken back exactly once, by the thread that starts with it.
        let code = pthread_create(
            &thread, nil,
            {
                Unmanaged<ThreadBody>.fromOpaque($0!).takeRetainedValue().owner.loop(); return nil
            }, body.toOpaque())
        precondition(code == 0, "the system refused a thread (errno \(code)); raise the limit on threads")
    }

    private final class ThreadBody {
        let owner: DiskThread
        init(owner: DiskThread) { self.owner = owner }
    }

    deinit {
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        wake.deallocate()
        mutex.deallocate()
    }

    /// Queues a job after the waiting ones. The job reports its own completion.
    package func submit(_ job: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        precondition(!stopping, "a stopped disk thread takes no more work")
        jobs.append(job)
        pthread_cond_signal(wake)
        pthread_mutex_unlock(mutex)
    }

    /// Runs `body` on the thread and waits for it without blocking the caller's thread.
    package func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// Finishes the queued jobs and joins the thread. Blocking.
    package func stop() {
        pthread_mutex_lock(mutex)
        let first = !stopping
        stopping = true
        pthread_cond_signal(wake)
        pthread_mutex_unlock(mutex)
        if first { pthread_join(thread, nil) }
    }

    private func loop() {
        csupport_name_thread(name)
        while true {
            pthread_mutex_lock(mutex)
            while jobs.isEmpty && !stopping { pthread_cond_wait(wake, mutex) }
            let batch = jobs
            jobs.removeAll(keepingCapacity: true)
            let last = stopping && batch.isEmpty
            pthread_mutex_unlock(mutex)
            if last { return }
            for job in batch { job() }
        }
    }
}
