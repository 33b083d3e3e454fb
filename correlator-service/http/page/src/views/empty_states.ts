// What stands where there is nothing to show: why, and what to do next.

import type {Phase} from "../logic/connection";
import {DAY, formatSpan} from "../logic/times";
import type {App} from "./app";
import {button, h} from "./dom";

function message(title: string, ...more: (Node | string | undefined | false)[]): HTMLElement {
  return h("div", {class: "empty-box"}, h("h2", {text: title}), ...more);
}

function text(words: string): HTMLElement {
  return h("p", {text: words});
}

// How an Alertmanager is pointed to the ingest-service.
function receiver(): HTMLElement {
  return h("pre", {
    class: "code-block",
    text: [
      "# alertmanager.yml",
      "route:",
      "  receiver: yours",
      "  routes:",
      "    - {receiver: alertjoin, continue: true}",
      "receivers:",
      "  - name: yours",
      "  - name: alertjoin",
      `    webhook_configs: [{url: "http://${location.hostname || "127.0.0.1"}:9752/webhook/alertmanager"}]`,
    ].join("\n"),
  });
}

// No joined rows.
export function emptyRows(app: App, phase: Phase): HTMLElement {
  const {state} = app;
  const window = formatSpan(state.window);
  switch (phase) {
    case "connecting":
    case "loading":
      return message(`Loading the rows of the last ${window} …`);
    case "reconnecting":
      return message("The correlator cannot be reached",
        text(`It is tried again by itself; nothing is missed meanwhile. ${app.stream.connection.reason}`),
        button("Try now", "action", () => app.stream.retryNow()));
    case "refused":
      return message("The correlator refuses this question", text(app.stream.connection.reason),
        state.filter !== "" && button("Clear the filter", "action", () => app.change({filter: ""})));
    default:
      break;
  }
  const longer = state.window < 7 * DAY &&
    button("Look back 7 days", "action", () => app.change({window: 7 * DAY}));
  if (state.filter || state.state || state.query || state.finalOnly) {
    return message(`No row of the last ${window} matches`,
      text("New ones appear here as soon as they come."),
      h("div", {class: "actions"},
        button("Show all rows", "action", () =>
          app.change({filter: "", state: "", query: "", finalOnly: false})),
        longer));
  }
  return message(`No alert has fired or resolved in the last ${window}`,
    text("Rows appear here by themselves. If alerts fire and none comes, point an Alertmanager to the ingest-service:"),
    receiver(),
    text("Prometheus and Grafana can send theirs, too; the README says how. Under Metrics you see whether your sources answer."),
    h("div", {class: "actions"}, longer,
      button("See the sources", "action", () => app.change({view: "metrics"}, true))));
}

// No alerts on the timeline.
export function emptyAlerts(app: App): HTMLElement {
  const longer = app.state.window < 7 * DAY &&
    button("Look back 7 days", "action", () => app.change({window: 7 * DAY}));
  return message(`No alert fired in the last ${formatSpan(app.state.window)}`,
    app.state.filter
      ? text("With this filter, that is.")
      : text("If some should have, point an Alertmanager to the ingest-service:"),
    app.state.filter === "" && receiver(),
    h("div", {class: "actions"},
      app.state.filter !== "" && button("Clear the filter", "action", () => app.change({filter: ""})),
      longer));
}

// No sources, or none that can be told of.
export function emptySources(): HTMLElement {
  return message("No source has reported yet",
    text("Sources are configured in ingest.yml, under alert_sources and metrics_sources. They appear here as soon as an ingest-service has connected to this correlator and asked them once."));
}

export function failure(title: string, reason: string): HTMLElement {
  return message(title, text(reason));
}
