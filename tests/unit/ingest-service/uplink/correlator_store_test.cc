#include "ingest-service/uplink/correlator_store.h"

#include <gtest/gtest.h>

#include <thread>

namespace alertjoin {
namespace {

TEST(CorrelatorStore, NothingIsKnownBeforeTheFirstWelcome) {
  CorrelatorStore store;
  EXPECT_EQ(store.known(), std::nullopt);
  store.Welcome("a", false);
  EXPECT_EQ(store.known(), (CorrelatorStore::Known{"a", 0}));
}

TEST(CorrelatorStore, WhoeverWaitsIsToldOfAnotherStoreAndOfALoss) {
  CorrelatorStore store;
  bool cancelled = false;
  std::optional<CorrelatorStore::Known> known;
  const auto wait = [&] { known = store.WaitOther(known, cancelled); };
  std::thread first(wait);
  store.Welcome("a", false);
  first.join();
  EXPECT_EQ(known, (CorrelatorStore::Known{"a", 0}));
  std::thread second(wait);
  store.Welcome("a", false);  // A new stream to the same store.
  store.Welcome("b", false);
  second.join();
  EXPECT_EQ(known, (CorrelatorStore::Known{"b", 0}));
  store.Welcome("b", true);
  wait();
  EXPECT_EQ(known, (CorrelatorStore::Known{"b", 1}));
}

TEST(CorrelatorStore, ACancelledWaitEndsWithNothing) {
  CorrelatorStore store;
  bool cancelled = false;
  std::thread waiting([&] { EXPECT_EQ(store.WaitOther({}, cancelled), std::nullopt); });
  store.Cancel(cancelled);
  waiting.join();
  store.Welcome("a", false);
  EXPECT_EQ(store.WaitOther({}, cancelled), std::nullopt) << "and stays so";
}

}  // namespace
}  // namespace alertjoin
