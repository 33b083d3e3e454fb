#pragma once

#include <chrono>
#include <optional>

namespace alertjoin {

// What systemd is told of the service (sd_notify(3)), where it has asked to be told: one datagram
// to the socket that NOTIFY_SOCKET names. Without that variable all of this does nothing. Calls
// never wait, and what cannot be sent is left out: the manager's own time limits notice. From any
// thread, as long as none changes the environment.

// Each goes as the one word that it says: READY=1, STOPPING=1 and WATCHDOG=1.
void TellReady();
void TellStopping();
void TellAlive();
// RELOADING=1 with the time, and TellReady when that is over.
void TellReloading();

// How often TellAlive is due: half of the time after which the manager gives the process up. Empty
// where it does not watch this process (WATCHDOG_USEC, WATCHDOG_PID).
std::optional<std::chrono::microseconds> AliveInterval();

}  // namespace alertjoin
