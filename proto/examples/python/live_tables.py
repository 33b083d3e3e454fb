# %% [markdown]
# # Three tables, counts by alert, and a metric with its alarms
# The alerts, the samples of a metric, and the rows that join them. Alerts and rows keep themselves
# current while the notebook is open; the samples are read when they are wanted.

# %%
import os

import matplotlib.dates
import matplotlib.pyplot as plt
import pandas as pd

import alertjoin

QUERY = os.environ.get("QUERY", "queue_depth")  # a configured query
ALERT = os.environ.get("ALERT", "QueueDeep")  # the alert on it
SERIES = os.environ.get("SERIES", "queue=orders")  # one series of it, and its alerts
pd.set_option("display.max_columns", 20, "display.width", 160)
aj = alertjoin.connect(os.environ.get("ALERTJOIN_ADDRESS", "127.0.0.1:9750"))

# %%
alerts = aj.live_alerts(labels=["queue", "severity"])
joined = aj.live(labels=["queue"])


def metric() -> pd.DataFrame:
    return aj.samples(QUERY, filter=SERIES, since="now-10m").sort_values("time")

# %% [markdown]
# Look at them again at any time: they have changed.

# %%
print(alerts.frame()[["starts_at", "duration", "state", "alert", "queue"]].head(10))
print(metric().tail(10))
print(joined.frame()[["event_time", "state", "alert", "query", "value", "match", "final"]].head(10))

# %% [markdown]
# How often and how long each alert fired in the last hour. Repeated notifications do not count.

# %%
counts = aj.summarize_alerts(by="alertname", since="now-1h").set_index("alertname")
print(counts[["episodes", "firing", "flaps", "firing_time", "mean_firing_time"]])

# %% [markdown]
# The metric, the times in which the alert fired, and the values it was joined with: the one when
# it fired, and the one when it resolved, which no notification has. Each is that of the newest
# sample at or before that moment, so they lie on the steps.

# %%
samples = metric()
rows = joined.frame()
rows = rows[(rows.alert == ALERT) & (rows.match == "MATCHED") & rows.threshold.notna()
            & (rows.queue == SERIES.partition("=")[2])]
episodes = alerts.frame()
episodes = episodes[(episodes.alert == ALERT) & (episodes.queue == SERIES.partition("=")[2])]

# %%
figure, (chart, bars) = plt.subplots(
    1, 2, figsize=(13, 4.5), layout="constrained", width_ratios=[3, 1])
chart.step(samples.time, samples.value.astype(float), where="post", color="C0", linewidth=1.6,
           zorder=2, label=f"{QUERY}, {SERIES}")
begin, end = samples.time.min(), samples.time.max()
if len(rows):
    end = max(end, rows.event_time.max())
margin = 0.015 * (end - begin)  # no point is cut in half at an edge
left, right = begin - margin, end + margin
for number, episode in enumerate(episodes.itertuples()):
    chart.axvspan(max(episode.starts_at, left), min(episode.ends_at, right)
                  if pd.notna(episode.ends_at) else right, color="C3", alpha=0.13, linewidth=0,
                  label="firing" if number == 0 else None)
for state, color, words in (("FIRING", "C3", "when it fired"),
                            ("RESOLVED", "C2", "when it resolved")):
    at = rows[(rows.state == state) & (rows.sample_time >= begin)]
    chart.scatter(at.event_time, at.value.astype(float), color=color, s=38, zorder=3,
                  edgecolor="white", clip_on=False, label=words)
if len(rows):
    chart.axhline(float(rows.threshold.iloc[0]), color="0.4", linestyle=":", linewidth=1,
                  label=f"threshold {rows.threshold.iloc[0]:g}")
chart.set_title(f"{ALERT}: the metric and its alarms", loc="left")
chart.set_title(f"{begin:%d %B %Y}, UTC", loc="right", fontsize=9, color="0.4")
chart.set_xlim(left, right)
chart.set_ylim(bottom=0)
chart.xaxis.set_major_locator(matplotlib.dates.AutoDateLocator(maxticks=7))
chart.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S"))
chart.legend(loc="upper left", bbox_to_anchor=(0, -0.06), ncols=5, frameon=False)
counts.episodes.sort_values().plot.barh(ax=bars, color="C0")
bars.bar_label(bars.containers[0], padding=3)
bars.set_title("Episodes in the last hour", loc="left")
bars.set_ylabel("")
bars.xaxis.set_visible(False)
for axes in (chart, bars):
    axes.spines[["top", "right"]].set_visible(False)
bars.spines[["bottom"]].set_visible(False)
figure.savefig(os.environ.get("PLOT", "live_tables.png"), dpi=110)

# %%
for table in (alerts, joined):
    table.close()
