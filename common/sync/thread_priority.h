#pragma once

// What the scheduler is told of the calling thread. Requests to it, of which a refusal changes
// nothing else: a system or a sandbox that knows better keeps what it had.

namespace alertjoin {

// For threads whose work can wait: whatever else wants a processor goes first, and this one has a
// tenth of it then. An unprivileged process cannot take it back, so the thread must be of this kind
// to its end; and it may hold no lock for long that others need.
void LowerThreadPriority();

// For threads that wait most of the time and have little to do when they are woken: they want a
// processor soon, not for long. It costs nobody a share of it. Linux 6.12 and later heed it.
void WantShortTurns();

}  // namespace alertjoin
