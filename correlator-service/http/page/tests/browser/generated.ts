// What a correlator could know: alerts of a few services over some hours, made by arithmetic, so that
// any row can be made again from its number.

import type {
  AlertContextJson, AlertJson, AlertSummaryJson, JoinedRowJson, QueryDescriptionJson, SampleJson,
  SeriesSamplesJson, SourceStatusJson, TransitionJson,
} from "../../src/logic/api";

const RULES = [
  {name: "QueueDeep", query: 'queue_depth{queue="orders"}', operator: ">", threshold: 90, base: 60, swing: 55, severity: "page", team: "checkout"},
  {name: "LatencyHigh", query: "histogram_quantile(0.99, sum by (job, instance, le) (rate(http_request_duration_seconds_bucket[5m])))", operator: ">", threshold: 0.5, base: 0.34, swing: 0.3, severity: "page", team: "edge"},
  {name: "ErrorRatioHigh", query: "error_ratio", operator: ">=", threshold: 0.02, base: 0.011, swing: 0.016, severity: "page", team: "checkout"},
  {name: "DiskFillsUp", query: "predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600)", operator: "<", threshold: 0, base: 2.1e9, swing: 4.4e9, severity: "ticket", team: "platform"},
  {name: "ReplicasMissing", query: "kube_deployment_status_replicas_available", operator: "!=", threshold: 12, base: 11, swing: 3, severity: "ticket", team: "platform"},
  {name: "CertificateExpires", query: "probe_ssl_earliest_cert_expiry - time()", operator: "<", threshold: 604800, base: 7e5, swing: 3e5, severity: "ticket", team: "edge"},
] as const;

const iso = (time: number) => new Date(Math.round(time)).toISOString();

function ruleOf(alert: number) {
  return RULES[alert % RULES.length] as (typeof RULES)[number];
}

export function instanceOf(alert: number): string {
  return `10.4.${7 + (alert % 3)}.${20 + (alert % 40)}:${9100 + (alert % 4)}`;
}

// The metric behind an alert, at any time.
export function valueAt(alert: number, time: number): number {
  const rule = ruleOf(alert);
  const slow = Math.sin(time / 173_000 + alert);
  const fast = Math.sin(time / 29_000 + alert * 7) * 0.18;
  return rule.base + rule.swing * (slow + fast);
}

export function sampleTimes(alert: number, from: number, to: number): number[] {
  const interval = 15_000;
  const offset = (alert * 1_733) % interval;
  const times = [];
  for (let time = Math.ceil((from - offset) / interval) * interval + offset; time < to; time += interval) times.push(time);
  return times;
}

export function labelsOf(alert: number): Record<string, string> {
  const rule = ruleOf(alert);
  return {
    alertname: rule.name, instance: instanceOf(alert), job: rule.team === "edge" ? "gateway" : "orders-api",
    severity: rule.severity, team: rule.team, cluster: alert % 2 ? "eu-west-1" : "us-east-2",
  };
}

function transition(alert: number, state: "FIRING" | "RESOLVED", startsAt: number, endsAt: number): TransitionJson {
  const rule = ruleOf(alert);
  const labels = labelsOf(alert);
  return {
    source: "alertmanager", fingerprint: (0x9e3779b97f4a7 + alert * 7919).toString(16).padStart(16, "0"),
    alertName: rule.name, job: labels["job"] ?? "", instance: labels["instance"] ?? "", labels,
    annotations: {
      summary: `${rule.name} on ${labels["instance"]}`, value: String(valueAt(alert, startsAt)),
      runbook_url: `https://runbooks.example.org/${rule.name}`,
    },
    state: `ALERT_STATE_${state}`, startsAt: iso(startsAt), activeAt: iso(startsAt - 60_000),
    ...(state === "RESOLVED" ? {endsAt: iso(endsAt), duration: `${(Math.round(endsAt) - Math.round(startsAt)) / 1000}s`} : {}),
    eventTime: iso(state === "FIRING" ? startsAt : endsAt), origin: "ORIGIN_ALERTMANAGER_WEBHOOK",
    reportedValue: valueAt(alert, startsAt),
    generatorUrl: `http://prometheus.example.org:9090/graph?g0.expr=${encodeURIComponent(rule.query)}&g0.tab=1`,
  };
}

// Row `number`, of the episode number / 2: first its firing, then its resolved row.
export function makeRow(number: number, base: number, sequence: number): JoinedRowJson {
  const episode = Math.floor(number / 2);
  const alert = (episode * 5 + Math.floor(episode / 7)) % 48;
  const rule = ruleOf(alert);
  const state = number % 2 === 0 ? "FIRING" : "RESOLVED";
  const startsAt = base + episode * 41_000 + (episode * 7_919) % 30_000;
  const endsAt = startsAt + 95_000 + (episode * 3_571) % 400_000;
  const alertTransition = transition(alert, state, startsAt, endsAt);
  const eventTime = state === "FIRING" ? startsAt : endsAt;
  const sampleTime = sampleTimes(alert, eventTime - 15_001, eventTime + 1).at(-1) ?? eventTime;
  const odd = episode % 23;
  const matchState = odd === 7 ? "NO_SERIES" : odd === 13 ? "STALE" : odd === 19 ? "TOO_OLD" : "MATCHED";
  return {
    rowId: `row-${number}`, revision: "1", sequence: String(sequence), operation: "OPERATION_UPSERT",
    cause: "CAUSE_ALERT", final: number % 11 !== 3, transition: alertTransition,
    query: {
      source: "prometheus", name: rule.query, expression: rule.query,
      timeKind: rule.query.includes("(") ? "TIME_KIND_EVALUATION" : "TIME_KIND_SAMPLE",
      comparisonOperator: rule.operator, threshold: rule.threshold,
      ...(matchState === "NO_SERIES" ? {error: "execution: query timed out in expression evaluation"} : {}),
    },
    match: matchState !== "MATCHED" ? {state: `MATCH_STATE_${matchState}`, seriesLabels: {}} : {
      state: "MATCH_STATE_MATCHED", seriesLabels: {instance: instanceOf(alert), job: "orders-api"},
      value: valueAt(alert, sampleTime), sampleTime: iso(sampleTime), sampleAge: `${(Math.round(eventTime) - sampleTime) / 1000}s`,
    },
    alertReceivedTime: iso(eventTime + 900), sampleReceivedTime: iso(eventTime + 400), appliedTime: iso(eventTime + 910),
  };
}

export function alertOfRow(row: JoinedRowJson): number {
  const episode = Math.floor(Number((row.rowId ?? "").replace("row-", "")) / 2);
  return (episode * 5 + Math.floor(episode / 7)) % 48;
}

// The context of a row, with a stale marker at the end of the series when it goes on long enough.
export function makeContext(row: JoinedRowJson, before: number, after: number, now: number): AlertContextJson {
  const alert = alertOfRow(row);
  const eventTime = Date.parse(row.transition?.eventTime ?? "");
  const to = Math.min(eventTime + after, now);
  const times = sampleTimes(alert, eventTime - before, to);
  const samples: SampleJson[] = times.map((time) => ({time: iso(time), value: valueAt(alert, time)}));
  const chosen = row.match?.sampleTime === undefined ? -1
    : times.findIndex((time) => time === Date.parse(row.match?.sampleTime ?? ""));
  if (chosen >= 0) samples[chosen] = {...samples[chosen], ...(row.match?.value === undefined ? {} : {value: row.match.value})};
  if (alert % 5 === 2) {
    const gap = times.findIndex((time) => time > eventTime - before * 0.6);
    if (gap > 0 && gap + 4 < chosen) samples.splice(gap, 4, {time: iso((times[gap] ?? 0) + 400)});
  }
  const chosenIndex = chosen < 0 ? -1 : samples.findIndex((sample) => sample.time === row.match?.sampleTime);
  return {
    row,
    series: row.match?.state === "MATCH_STATE_NO_SERIES" ? [] : [{
      series: {query: row.query ?? {}, labels: {__name__: "queue_depth", ...row.match?.seriesLabels}}, samples,
      ...(chosenIndex >= 0 ? {chosenIndex} : {}),
    }],
  };
}

export function makeAlert(episode: number, base: number, now: number): AlertJson | undefined {
  const firing = makeRow(episode * 2, base, episode + 1).transition ?? {};
  const resolved = makeRow(episode * 2 + 1, base, episode + 1).transition ?? {};
  if (Date.parse(firing.startsAt ?? "") > now) return undefined;
  const lasts = Date.parse(resolved.endsAt ?? "") > now;
  return {alertId: `e${episode}`, sequence: String(episode + 1), operation: "OPERATION_UPSERT", transition: lasts ? firing : resolved};
}

export function summarize(alerts: readonly AlertJson[], from: number, to: number, bucket: number): AlertSummaryJson[] {
  const byName = new Map<string, Required<Pick<AlertSummaryJson, "labels" | "episodes" | "flaps" | "buckets">> & {time: number; ends: Map<string, number>}>();
  for (const {transition: one} of alerts) {
    const startsAt = Date.parse(one?.startsAt ?? "");
    const endsAt = one?.endsAt ? Date.parse(one.endsAt) : to;
    if (!one || startsAt >= to || endsAt < from) continue;
    const name = one.alertName ?? "";
    const group = byName.get(name) ?? {labels: {alertname: name}, episodes: 0, flaps: 0, buckets: [], time: 0, ends: new Map<string, number>()};
    byName.set(name, group);
    group.episodes++;
    group.time += Math.min(endsAt, to) - Math.max(startsAt, from);
    if (startsAt - (group.ends.get(one.fingerprint ?? "") ?? -Infinity) < 1_000_000) group.flaps++;
    group.ends.set(one.fingerprint ?? "", endsAt);
    const add = (time: number, what: "fired" | "resolved") => {
      if (time < from || time >= to) return;
      const start = iso(from + Math.floor((time - from) / bucket) * bucket);
      let found = group.buckets.find((other) => other.start === start);
      if (!found) group.buckets.push(found = {start});
      found[what] = (found[what] ?? 0) + 1;
    };
    add(startsAt, "fired");
    if (one.endsAt) add(endsAt, "resolved");
  }
  return [...byName.values()].map(({time, ends, ...rest}) => ({...rest, alerts: ends.size, firingTime: `${time / 1000}s`}))
    .sort((a, b) => parseFloat(b.firingTime) - parseFloat(a.firingTime));
}

export function makeSources(now: number): SourceStatusJson[] {
  return [
    {source: "alertmanager", kind: "KIND_ALERTS", producerId: "ingest-1", health: "SOURCE_HEALTH_OK", time: iso(now - 4_000), description: "Alertmanager 0.25.0"},
    {source: "prometheus", kind: "KIND_METRICS", producerId: "ingest-1", health: "SOURCE_HEALTH_OK", time: iso(now - 2_000), description: "Prometheus 2.42.0", lastError: "GET /api/v1/query_range: 503 Service Unavailable", lastErrorTime: iso(now - 5_400_000)},
    {source: "grafana/mimir-eu", kind: "KIND_METRICS", producerId: "ingest-1", health: "SOURCE_HEALTH_UNREACHABLE", time: iso(now - 21_000), lastError: "connect to grafana.example.org port 443: Connection refused", lastErrorTime: iso(now - 21_000)},
    {source: "grafana/thanos", kind: "KIND_METRICS", producerId: "ingest-1", health: "SOURCE_HEALTH_AUTH", time: iso(now - 9_000), lastError: "401 Unauthorized: the token of grafana_sources[0] is not valid", lastErrorTime: iso(now - 9_000)},
  ];
}

export function makeQueries(now: number): QueryDescriptionJson[] {
  return RULES.map((rule, at) => ({
    query: {source: at === 5 ? "grafana/mimir-eu" : "prometheus", name: rule.query, expression: rule.query}, series: String(at === 1 ? 40 : 6 + at),
    progress: at === 5 ? {completeThrough: iso(now - 900_000)} : {completeThrough: iso(now - 3_000 - at * 1_500)},
    ...(at === 3 ? {error: "parse error: unexpected end of input", errorTime: iso(now - 60_000)} : {}),
  }));
}

export function makeSamples(query: string, from: number, to: number): SeriesSamplesJson[] {
  const rule = Math.max(0, RULES.findIndex((one) => one.query === query));
  return Array.from({length: 6}, (_, at) => {
    const alert = rule + at * RULES.length;
    return {
      series: {query: {source: "prometheus", name: query, expression: query}, labels: {__name__: "queue_depth", instance: instanceOf(alert), job: "orders-api"}},
      samples: sampleTimes(alert, from, to).map((time) => ({time: iso(time), value: valueAt(alert, time)})),
    };
  }).filter((series) => series.samples.length > 0);
}
