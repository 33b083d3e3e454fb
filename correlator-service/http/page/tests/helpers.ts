// Rows and samples as the correlator writes them, for the unit tests.

import type {AlertJson, JoinedRowJson, JsonDouble} from "../src/logic/api";

export const T0 = Date.parse("2026-03-01T10:00:00Z");

export interface RowSpec {
  id: string;
  sequence: number;
  time?: number;
  revision?: number;
  value?: JsonDouble;
  deleted?: boolean;
  state?: "FIRING" | "RESOLVED";
  labels?: Record<string, string>;
}

export function rowJson(spec: RowSpec): JoinedRowJson {
  const labels = spec.labels ?? {alertname: "QueueDeep", instance: "a:1"};
  return {
    rowId: spec.id,
    revision: String(spec.revision ?? 1),
    sequence: String(spec.sequence),
    operation: spec.deleted ? "OPERATION_DELETE" : "OPERATION_UPSERT",
    cause: "CAUSE_ALERT",
    transition: {
      source: "am", fingerprint: "f1", alertName: labels["alertname"] ?? "", labels,
      state: `ALERT_STATE_${spec.state ?? "FIRING"}`,
      startsAt: new Date(spec.time ?? T0).toISOString(),
      eventTime: new Date(spec.time ?? T0).toISOString(),
    },
    query: {source: "prometheus", name: "queue_depth", comparisonOperator: ">", threshold: 90},
    match: spec.value === undefined
      ? {state: "MATCH_STATE_NO_SAMPLE"} : {state: "MATCH_STATE_MATCHED", value: spec.value},
  };
}

export function alertJson(id: string, sequence: number, startsAt: number, endsAt?: number,
                          fingerprint = "f1"): AlertJson {
  return {
    alertId: id, sequence: String(sequence), operation: "OPERATION_UPSERT",
    transition: {
      source: "am", fingerprint, alertName: "QueueDeep", labels: {alertname: "QueueDeep"},
      state: endsAt === undefined ? "ALERT_STATE_FIRING" : "ALERT_STATE_RESOLVED",
      startsAt: new Date(startsAt).toISOString(),
      ...(endsAt === undefined ? {} : {endsAt: new Date(endsAt).toISOString()}),
    },
  };
}

// Random numbers in [0, 1) of a seed that is printed, and taken from ALERTJOIN_TEST_SEED.
export function seededRandom(): () => number {
  let state = Number(process.env["ALERTJOIN_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`ALERTJOIN_TEST_SEED=${state}`);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
