// Labels of people who mean harm, or who just write as they speak.

import type {JoinedRowJson} from "../../src/logic/api";
import {makeRow} from "./generated";

export const HOSTILE = [
  "<script>window.hacked = true</script>",
  '"><img src=x onerror="window.hacked = true">',
  "'; DROP TABLE rows; --",
  "{{constructor.constructor('window.hacked=true')()}}",
  "javascript:window.hacked=true",
  "x".repeat(4096),
  "\u202emoc.elpmaxe//:ptth",
  "مرحبا بالعالم",
  "🔥👩‍👩‍👧‍👦🇩🇪 queue",
  "a\nb\tc\u0000d\u2028e",
  "__proto__",
  "z\u0301\u0302\u0303\u0304\u0305".repeat(40),
] as const;

// A row for each of them, newer than all others, with the text in every place that has one.
export function hostileRows(base: number): JoinedRowJson[] {
  return HOSTILE.map((text, at) => {
    const row = makeRow(700, base, 0);
    const time = new Date(Date.now() + at).toISOString();
    return {
      ...row, rowId: `hostile-${at}`,
      transition: {
        ...row.transition, alertName: text, instance: text, source: text, fingerprint: text, eventTime: time, startsAt: time,
        labels: {alertname: text, instance: text, team: text, [text.slice(0, 200)]: text},
        annotations: {summary: text, [text.slice(0, 200)]: text}, generatorUrl: `javascript:window.hacked=true//${text}`,
      },
      query: {...row.query, source: text, name: text, expression: text, error: text},
      match: {...row.match, seriesLabels: {[text.slice(0, 200)]: text}},
    };
  });
}
