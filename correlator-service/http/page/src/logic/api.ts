// The parts of alertjoin.v1 that the page reads, as protobuf's JSON mapping writes them: default
// values are left out, 64 bit integers are strings, times RFC 3339, durations "1.5s".

export type JsonDouble = number | "NaN" | "Infinity" | "-Infinity";
export type Labels = Readonly<Record<string, string>>;

export interface TransitionJson {
  source?: string;
  fingerprint?: string;
  alertName?: string;
  job?: string;
  instance?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  state?: string;
  startsAt?: string;
  endsAt?: string;
  eventTime?: string;
  origin?: string;
  duration?: string;
  reportedValue?: JsonDouble;
  reportedValues?: Record<string, JsonDouble>;
  generatorUrl?: string;
  activeAt?: string;
}

export interface QueryJson {
  source?: string;
  name?: string;
  expression?: string;
  timeKind?: string;
}

export interface BoundQueryJson extends QueryJson {
  comparisonOperator?: string;
  threshold?: JsonDouble;
  error?: string;
}

export interface MatchJson {
  state?: string;
  seriesLabels?: Record<string, string>;
  value?: JsonDouble;
  sampleTime?: string;
  sampleAge?: string;
  nextValue?: JsonDouble;
  nextSampleTime?: string;
  valueAtActive?: JsonDouble;
  activeSampleTime?: string;
}

export interface JoinedRowJson {
  rowId?: string;
  revision?: string;
  sequence?: string;
  operation?: string;
  cause?: string;
  final?: boolean;
  transition?: TransitionJson;
  query?: BoundQueryJson;
  match?: MatchJson;
  alertReceivedTime?: string;
  sampleReceivedTime?: string;
  appliedTime?: string;
}

export interface AlertJson {
  alertId?: string;
  sequence?: string;
  operation?: string;
  transition?: TransitionJson;
  receivedTime?: string;
}

export interface SampleJson {
  time?: string;
  value?: JsonDouble;
}

export interface SeriesJson {
  query?: QueryJson;
  labels?: Record<string, string>;
}

export interface SeriesSamplesJson {
  series?: SeriesJson;
  samples?: SampleJson[];
}

export interface QueryProgressJson {
  query?: QueryJson;
  completeFrom?: string;
  completeThrough?: string;
}

export interface ProgressJson {
  sequence?: string;
  sendTime?: string;
  queries?: QueryProgressJson[];
}

export interface StartedJson {
  storeId?: string;
  sequence?: string;
  version?: string;
}

export interface GapJson {
  source?: string;
  query?: QueryJson;
  from?: string;
  through?: string;
  reason?: string;
}

export interface ContextSeriesJson {
  series?: SeriesJson;
  samples?: SampleJson[];
  chosenIndex?: number;
}

export interface AlertContextJson {
  row?: JoinedRowJson;
  series?: ContextSeriesJson[];
  truncated?: boolean;
}

export interface AlertBucketJson {
  start?: string;
  fired?: number;
  resolved?: number;
  firingTime?: string;
}

export interface AlertSummaryJson {
  labels?: Record<string, string>;
  alerts?: number;
  episodes?: number;
  firing?: number;
  flaps?: number;
  firingTime?: string;
  meanFiringTime?: string;
  lastState?: string;
  lastEventTime?: string;
  buckets?: AlertBucketJson[];
}

export interface SourceStatusJson {
  source?: string;
  kind?: string;
  producerId?: string;
  health?: string;
  lastError?: string;
  lastErrorTime?: string;
  time?: string;
  description?: string;
}

export interface QueryDescriptionJson {
  query?: QueryJson;
  series?: string;
  progress?: QueryProgressJson;
  error?: string;
  errorTime?: string;
}

export interface SeriesDescriptionJson {
  series?: SeriesJson;
  samples?: string;
  firstSampleTime?: string;
  lastSample?: SampleJson;
}

// What a failed call or stream says (the Connect protocol's error object).
export interface ErrorJson {
  code?: string;
  message?: string;
  details?: {type?: string; value?: string; debug?: unknown}[];
}

// A number of the JSON mapping; undefined where there is none.
export function parseDouble(value: JsonDouble | string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

// The reason of the google.rpc.ErrorInfo in an error, "" where there is none.
export function errorReason(error: ErrorJson): string {
  for (const detail of error.details ?? []) {
    const debug = detail.debug;
    if (typeof debug === "object" && debug !== null && "reason" in debug) {
      return String(debug.reason);
    }
  }
  return "";
}
