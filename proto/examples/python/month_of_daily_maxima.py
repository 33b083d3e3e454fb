# %% [markdown]
# # A month of daily maxima, of every Prometheus behind a Grafana
# `ingest-service` reads all Prometheus data sources of a Grafana (`grafana_sources` in its
# configuration). One command fetches a month of any expression, and can be repeated at will:
#
# ```
# ingest-service backfill --config.file=ingest.yml --query 'max_over_time(users[1d])' \
#   --step 1d --from now-30d
# ```
# The correlator keeps it with `retention: {samples: 60d}`.

# %%
import os

import matplotlib.dates
import matplotlib.pyplot as plt
import pandas as pd

import alertjoin

QUERY = os.environ.get("QUERY", "max_over_time(users[1d])")
aj = alertjoin.connect(os.environ.get("ALERTJOIN_ADDRESS", "127.0.0.1:9750"))

# %% [markdown]
# One tidy frame: a row for each day and source. Which source a value is from is a column.

# %%
daily = aj.samples(QUERY, since="now-31d", labels=[])
print(daily.head())

# %% [markdown]
# Some of the sources may have failed, which harms no other. They are named.

# %%
sources = aj.sources()
failed = sources[(sources.kind == "METRICS") & (sources.health != "OK")].set_index("source").health
print(failed)

# %% [markdown]
# A column for each source. A day without value is a gap, as is a day whose maximum was NaN. What
# was evaluated at a midnight is the maximum of the day that ended then.

# %%
wide = daily.pivot_table(index="time", columns="source", values="value", aggfunc="max")
wide = wide.astype(float).asfreq("D").shift(freq="-1D")
busiest = wide.mean().sort_values(ascending=False).index

# %%
figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
for source in busiest:
    axes.plot(wide.index, wide[source], marker="o", markersize=3.5, linewidth=1.6, label=source)
for day in wide.index[wide.index.day_of_week == 5]:
    axes.axvspan(day - pd.Timedelta("12h"), day + pd.Timedelta("36h"), color="0.94", zorder=0)
axes.set_title(f"Daily maximum of the last {len(wide)} days (weekends grey)", loc="left")
axes.set_ylabel(QUERY)
axes.set_ylim(bottom=0)
axes.set_xlim(wide.index[0] - pd.Timedelta("12h"), wide.index[-1] + pd.Timedelta("12h"))
axes.xaxis.set_major_locator(matplotlib.dates.WeekdayLocator(byweekday=0))
axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%a %d %b"))
axes.grid(axis="y", color="0.88")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
if len(failed):
    axes.annotate("no data: " + ", ".join(f"{name} ({health})" for name, health in failed.items()),
                  (0, -0.14), xycoords="axes fraction", color="0.4", fontsize=9)
figure.savefig(os.environ.get("PLOT", "month_of_daily_maxima.png"), dpi=110)
