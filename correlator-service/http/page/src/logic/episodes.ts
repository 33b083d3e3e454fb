// Alerts as episodes: the fold of their stream, and the lanes of the timeline.

import type {AlertJson, Labels} from "./api";
import {Interner} from "./interner";
import {type AlertState, parseState} from "./rows";
import {parseTime} from "./times";

export interface Episode {
  id: string;
  sequence: number;
  source: string;
  fingerprint: string;
  alertName: string;
  instance: string;
  labels: Labels;
  state: AlertState;
  startsAt: number;
  // Undefined while it lasts.
  endsAt: number | undefined;
}

export interface Lane {
  key: string;
  alertName: string;
  instance: string;
  source: string;
  labels: Labels;
  // Oldest first.
  episodes: Episode[];
  firing: boolean;
  lastStart: number;
}

// Episodes kept; beyond, those that began first go.
export const EPISODES_MAX = 50_000;

export class EpisodeStore {
  private readonly byId = new Map<string, Episode>();
  private readonly interner = new Interner();
  version = 0;
  evicted = 0;

  constructor(private readonly episodesMax = EPISODES_MAX) {}

  get size(): number {
    return this.byId.size;
  }

  clear(): void {
    this.byId.clear();
    this.evicted = 0;
    this.version++;
  }

  fold(alerts: readonly AlertJson[]): void {
    for (const json of alerts) this.foldOne(json);
    if (this.byId.size > this.episodesMax * 1.05) this.evict();
  }

  episodes(): Iterable<Episode> {
    return this.byId.values();
  }

  private foldOne(json: AlertJson): void {
    const transition = json.transition ?? {};
    const startsAt = parseTime(transition.startsAt);
    if (!json.alertId || startsAt === undefined) return;
    const sequence = Number(json.sequence ?? 0);
    const known = this.byId.get(json.alertId);
    if (known !== undefined && sequence < known.sequence) return;
    this.version++;
    if (json.operation === "OPERATION_DELETE") {
      this.byId.delete(json.alertId);
      return;
    }
    this.byId.set(json.alertId, {
      id: json.alertId,
      sequence,
      source: this.interner.text(transition.source ?? ""),
      fingerprint: this.interner.text(transition.fingerprint ?? ""),
      alertName: this.interner.text(transition.alertName ?? ""),
      instance: this.interner.text(transition.instance ?? ""),
      labels: this.interner.labels(transition.labels ?? {}),
      state: parseState(transition.state),
      startsAt,
      endsAt: parseTime(transition.endsAt),
    });
  }

  private evict(): void {
    const all = [...this.byId.values()].sort((a, b) => a.startsAt - b.startsAt);
    for (const episode of all.slice(0, all.length - this.episodesMax)) this.byId.delete(episode.id);
    this.evicted += all.length - this.episodesMax;
  }
}

// One lane for each alert that fired at some time in [from, to): those that fire first, then by
// their last start, newest first.
export function lanes(episodes: Iterable<Episode>, from: number, to: number): Lane[] {
  const byAlert = new Map<string, Lane>();
  for (const episode of episodes) {
    if (episode.startsAt >= to || (episode.endsAt ?? Infinity) < from) continue;
    const key = `${episode.source}\n${episode.fingerprint}`;
    let lane = byAlert.get(key);
    if (lane === undefined) {
      lane = {
        key, alertName: episode.alertName, instance: episode.instance, source: episode.source,
        labels: episode.labels, episodes: [], firing: false, lastStart: 0,
      };
      byAlert.set(key, lane);
    }
    lane.episodes.push(episode);
    lane.firing ||= episode.endsAt === undefined;
    lane.lastStart = Math.max(lane.lastStart, episode.startsAt);
  }
  const all = [...byAlert.values()];
  for (const lane of all) lane.episodes.sort((a, b) => a.startsAt - b.startsAt);
  return all.sort((a, b) => Number(b.firing) - Number(a.firing) || b.lastStart - a.lastStart ||
    (a.key < b.key ? -1 : 1));
}

export interface Bar {
  // Parts of the width, from 0 to 1.
  left: number;
  width: number;
  episodes: Episode[];
}

// Where the bars of a lane stand in [from, to), each at least `widthMin` wide. What would overlap is
// one bar of several episodes.
export function bars(episodes: readonly Episode[], from: number, to: number,
                     widthMin: number): Bar[] {
  const result: Bar[] = [];
  for (const episode of episodes) {
    const start = Math.max(0, (episode.startsAt - from) / (to - from));
    const end = Math.min(1, ((episode.endsAt ?? to) - from) / (to - from));
    if (end < 0 || start > 1) continue;
    const left = Math.min(start, 1 - widthMin);
    const width = Math.max(end - left, widthMin);
    const last = result[result.length - 1];
    if (last !== undefined && left < last.left + last.width) {
      last.width = Math.max(last.width, left + width - last.left);
      last.episodes.push(episode);
    } else {
      result.push({left, width, episodes: [episode]});
    }
  }
  return result;
}
