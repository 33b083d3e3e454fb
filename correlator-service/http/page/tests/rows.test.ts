import assert from "node:assert/strict";
import {test} from "node:test";
import {episodeOf, sameEpisode} from "../src/logic/rows";
import {rowJson, T0} from "./helpers";

test("an episode is the same of one source, one alert and one start alone", () => {
  const firing = rowJson({id: "a", sequence: 1});
  const told = (patch: object) => episodeOf({...firing, transition: {...firing.transition, ...patch}});
  const own = told({});
  assert.deepEqual(own, {source: "am", fingerprint: "f1", startsAt: T0});
  assert.ok(sameEpisode(own, told({state: "ALERT_STATE_RESOLVED", eventTime: "2026-03-01T10:05:00Z"})));
  assert.ok(sameEpisode(own, told({startsAt: "2026-03-01T11:00:00.000+01:00"})), "the same moment");
  assert.ok(!sameEpisode(own, told({source: "another"})));
  assert.ok(!sameEpisode(own, told({fingerprint: "f2"})));
  assert.ok(!sameEpisode(own, told({startsAt: "2026-03-01T10:00:01Z"})));
  assert.ok(!sameEpisode(told({startsAt: undefined}), told({startsAt: undefined})), "nothing is known of it");
});
