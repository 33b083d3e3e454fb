// Gives one copy of equal texts and label sets: thousands of rows repeat a few of them, and the
// parser of JSON makes a new one each time. Holds a bounded number and begins anew beyond: what was
// given out stays right.

import type {Labels} from "./api";

const ENTRIES_MAX = 20_000;

export class Interner {
  private readonly texts = new Map<string, string>();
  private readonly labelSets = new Map<string, Labels>();

  constructor(private readonly entriesMax = ENTRIES_MAX) {}

  text(value: string): string {
    const known = this.texts.get(value);
    if (known !== undefined) return known;
    if (this.texts.size >= this.entriesMax) this.texts.clear();
    this.texts.set(value, value);
    return value;
  }

  labels(labels: Labels): Labels {
    const key = JSON.stringify(labels);
    const known = this.labelSets.get(key);
    if (known !== undefined) return known;
    if (this.labelSets.size >= this.entriesMax) this.labelSets.clear();
    // Without a prototype, so that a label named "__proto__" or "constructor" is a label.
    const copy: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const name of Object.keys(labels)) copy[this.text(name)] = this.text(labels[name] ?? "");
    this.labelSets.set(key, copy);
    return copy;
  }
}
